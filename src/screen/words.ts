/** Small phrases that several parts of the screen use. */
import type { Neighbour, SourceInfo } from '../service/contract';
import { people } from './format';
import { _, fill, ngettext } from './i18n';
import type { ScreenState } from './state';

/** What a laptop is called that does not tell its nick. */
export function nickOf(neighbour: { nick: string }): string {
  return neighbour.nick || _('Laptop');
}

/** Relation in words, for screen readers: nothing is told by place or colour alone. */
export function relationWords(neighbour: Pick<Neighbour, 'relation'>): string {
  switch (neighbour.relation) {
    case 'newer':
      return _('newer than mine');
    case 'older':
      return _('older than mine');
    case 'same':
      return _('same as mine');
    case 'different':
      return _('same number as mine, but different inside');
    case 'other':
      return _('another system than mine');
  }
}

/** How many laptops near have what this one has. */
export function countSame(state: ScreenState): string {
  const n = [...state.neighbours.values()].filter(neighbour => neighbour.relation === 'same').length;
  if (n === 0) return _('No other laptop near has the same.');
  return fill(ngettext('{n} laptop near has the same.', '{n} laptops near have the same.', n), { n });
}

/** Bytes: whoever gave fewer was only asked what there is, and stands grey on the screen. */
const WORTH_NAMING = 50_000;

/** Names of those who give or could give, as the screen shows them; '' when nobody does. */
export function sourceNames(state: ScreenState, sources: readonly SourceInfo[]): string {
  const byAddress = new Map([...state.neighbours.values()].map(n => [n.address, n]));
  const here = sources.filter(source => source.state !== 'gone');
  const giving = here.filter(source => source.state === 'giving' || source.bytes >= WORTH_NAMING);
  const names = (giving.length > 0 ? giving : here).map(source => nickOf(byAddress.get(source.address) ?? source));
  return people(names);
}
