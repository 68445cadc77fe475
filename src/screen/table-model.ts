/** The table for volunteers: rows from neighbours, sorted and filtered; a pure function, tested without GTK. */
import { compareVersions } from '../core/versions';
import type { Neighbour } from '../service/contract';
import type { Cost } from '../service/survey';
import { csv, tabbed } from './csv';
import { amount, clock } from './format';
import { _, fill, languageTag } from './i18n';
import { toldProblem } from './told';
import { nickOf, relationWords } from './words';

export const COLUMNS = [
  'nick',
  'image',
  'version',
  'commit',
  'address',
  'signedBy',
  'lastSeen',
  'bytesToFetch',
] as const;
export type Column = (typeof COLUMNS)[number];

export interface TableQuery {
  /** Words that must all occur in a row, in any column. */
  filter: string;
  sort: { column: Column; descending: boolean };
}

export interface TableRow {
  id: string;
  neighbour: Neighbour;
  cost: Cost;
  /** As shown. */
  cells: Record<Column, string>;
}

export const FIRST_QUERY: TableQuery = { filter: '', sort: { column: 'version', descending: true } };

const COMMIT_DIGITS = 10;

export function columnTitle(column: Column): string {
  switch (column) {
    case 'nick':
      return _('Name');
    case 'image':
      return _('System');
    case 'version':
      return _('Version');
    case 'commit':
      return _('Commit');
    case 'address':
      return _('Address');
    case 'signedBy':
      return _('Signed by');
    case 'lastSeen':
      return _('Last seen');
    case 'bytesToFetch':
      return _('To fetch');
  }
}

function signedWords({ signedBy, bytesToFetch }: Cost): string {
  return signedBy ?? (bytesToFetch === null ? '' : _('Not signed'));
}

function row(neighbour: Neighbour, cost: Cost): TableRow {
  const { id, image, version, commit, address, lastSeen } = neighbour;
  const cells = {
    // A sign and a word in the details: nothing by colour.
    nick: neighbour.problem === null ? nickOf(neighbour) : `⚠ ${nickOf(neighbour)}`,
    image,
    version,
    commit: commit.slice(0, COMMIT_DIGITS),
    address,
    signedBy: signedWords(cost),
    lastSeen: clock(lastSeen),
    bytesToFetch: cost.bytesToFetch === null ? (cost.refusal === null ? '' : '–') : amount(cost.bytesToFetch),
  };
  return { id, neighbour, cost, cells };
}

/** Unknown last, whichever way round the others stand. */
function compareUnknown<T>(a: T | null, b: T | null, descending: boolean, known: (a: T, b: T) => number): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return descending ? -known(a, b) : known(a, b);
}

let collator: { tag: string; compare(a: string, b: string): number } | null = null;

/** Making one is slow, and the table is sorted anew at every change. */
function collatorFor(tag: string): NonNullable<typeof collator> {
  if (collator?.tag !== tag) collator = { tag, compare: new Intl.Collator(tag, { numeric: true }).compare };
  return collator;
}

function comparer({ column, descending }: TableQuery['sort']): (a: TableRow, b: TableRow) => number {
  const { compare: words } = collatorFor(languageTag());
  const primary = (a: TableRow, b: TableRow): number => {
    switch (column) {
      case 'version':
        return compareUnknown(a.neighbour.version, b.neighbour.version, descending, compareVersions);
      case 'lastSeen':
        return compareUnknown(Date.parse(a.neighbour.lastSeen), Date.parse(b.neighbour.lastSeen), descending, less);
      case 'bytesToFetch':
        return compareUnknown(a.cost.bytesToFetch, b.cost.bytesToFetch, descending, less);
      case 'signedBy':
        return compareUnknown(a.cost.signedBy, b.cost.signedBy, descending, words);
      case 'nick':
        return compareUnknown(a.neighbour.nick || null, b.neighbour.nick || null, descending, words);
      default:
        return compareUnknown(a.neighbour[column], b.neighbour[column], descending, words);
    }
  };
  // A total order, so that rows never change places without a reason.
  return (a, b) => primary(a, b) || words(a.neighbour.nick, b.neighbour.nick) || (a.id < b.id ? -1 : 1);
}

function less(a: number, b: number): number {
  return a - b;
}

function fits({ cells, neighbour, cost }: TableRow, words: readonly string[]): boolean {
  const all = [...Object.values(cells), neighbour.commit, cost.signedBy ?? '', relationWords(neighbour)];
  const text = folded(all.join('\n'));
  return words.every(word => text.includes(word));
}

/** Without accents and capitals: a volunteer types `jose` for José. */
function folded(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLocaleLowerCase(languageTag());
}

export function tableRows(
  neighbours: Iterable<Neighbour>,
  costOf: (neighbour: Neighbour) => Cost,
  { filter, sort }: TableQuery,
): TableRow[] {
  const words = folded(filter).split(/\s+/).filter(Boolean);
  const rows = Array.from(neighbours, neighbour => row(neighbour, costOf(neighbour)));
  return rows.filter(one => fits(one, words)).sort(comparer(sort));
}

/** A header that is chosen again turns the order round; numbers and times begin with the largest. */
export function sortedBy({ sort, filter }: TableQuery, column: Column): TableQuery {
  const largestFirst = column === 'version' || column === 'lastSeen' || column === 'bytesToFetch';
  const descending = sort.column === column ? !sort.descending : largestFirst;
  return { filter, sort: { column, descending } };
}

/** All there is to say of one, a line each. */
export function detailLines({ neighbour, cost, cells }: TableRow): string[] {
  const { image, version, commit } = neighbour;
  const line = (column: Column, value: string) => fill(_('{title}: {value}'), { title: columnTitle(column), value });
  return [
    fill(_('{nick} has {version}'), { nick: nickOf(neighbour), version: `${image} ${version}` }),
    toldProblem(neighbour) ?? relationWords(neighbour),
    line('address', neighbour.address),
    line('commit', commit),
    ...(cells.signedBy ? [line('signedBy', cells.signedBy)] : []),
    ...(cost.bytesToFetch === null ? [] : [line('bytesToFetch', cells.bytesToFetch)]),
    ...(cost.refusal === null ? [] : [refusalWords(cost)]),
    line('lastSeen', cells.lastSeen),
  ];
}

function refusalWords({ refusal }: Cost): string {
  switch (refusal) {
    case 'unsigned':
      return _('Nobody has signed it: this laptop does not take it.');
    case 'untrusted':
      return _('Signed by nobody whom this laptop trusts.');
    case 'below-floor':
      return _('Too old: its makers call it unsafe.');
    default:
      return _('It could not be compared.');
  }
}

/** One line of numbers above the table. */
export function tableSummary(shown: number, all: number): string {
  return fill(_('{shown} of {all} laptops'), { shown, all });
}

/** The names and values of `neighbours --json`, whole: for other programs, not for reading. */
const FIELDS = [
  'nick',
  'image',
  'version',
  'commit',
  'relation',
  'address',
  'lastSeen',
  'confirmed',
  'problem',
] as const;
const COSTS = ['signedBy', 'bytesToFetch', 'refusal'] as const;

function records(rows: readonly TableRow[]): string[][] {
  const values = rows.map(({ neighbour, cost }) => [
    ...FIELDS.map(field => String(neighbour[field] ?? '')),
    ...COSTS.map(field => String(cost[field] ?? '')),
  ]);
  return [[...FIELDS, ...COSTS], ...values];
}

export function tableCsv(rows: readonly TableRow[]): string {
  return csv(records(rows));
}

/** For the clipboard: the whole table, or the one that is chosen. */
export function copyText(rows: readonly TableRow[], chosen: TableRow | null): string {
  return chosen ? `${detailLines(chosen).join('\n')}\n` : tabbed(records(rows));
}
