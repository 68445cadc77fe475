/** The second view of the screen: the table, what filters it, details of one laptop, copy, save, and typed addresses. */

import type { Neighbour } from '../service/contract';
import { Survey } from '../service/survey';
import { type Connection, connectTo } from './connect';
import {
  addClass,
  CENTER,
  describe,
  Gdk,
  Gtk,
  type Gtk3,
  guard,
  HORIZONTAL,
  on,
  onPress,
  setLabel,
  VERTICAL,
} from './gtk';
import { _, fill } from './i18n';
import { smallestTouch } from './layout';
import type { Frame } from './style';
import { Table } from './table';
import {
  copyText,
  detailLines,
  FIRST_QUERY,
  sortedBy,
  type TableQuery,
  type TableRow,
  tableCsv,
  tableRows,
  tableSummary,
} from './table-model';

export interface TableServices extends Connection {
  /** Null while the service is gone. */
  client(): ConstructorParameters<typeof Survey>[0] extends () => infer C ? C : never;
  /** Keeps a file where the person finds it again; answers where, in words. Rejects with PassItOnError. */
  save(name: string, text: string): Promise<string>;
}

const MOST_TYPED = 200;

export class TablePage {
  readonly widget: Gtk3.Box = new Gtk.Box({ orientation: VERTICAL });
  readonly table: Table;
  private readonly filter: Gtk3.SearchEntry = new Gtk.SearchEntry();
  private readonly address: Gtk3.Entry = new Gtk.Entry();
  private readonly connect = textButton(_('Connect'));
  private readonly copy = textButton(_('Copy'));
  private readonly save = textButton(_('Save'));
  private readonly said: Gtk3.Label = new Gtk.Label();
  private readonly details: Gtk3.Label[] = [new Gtk.Label(), new Gtk.Label()];
  private readonly survey: Survey;
  private query: TableQuery = FIRST_QUERY;
  private chosen: string | null = null;
  private neighbours: readonly Neighbour[] = [];
  private rows: TableRow[] = [];
  private current: string | null = null;
  private shown = false;

  constructor(private readonly services: TableServices) {
    this.survey = new Survey(
      () => services.client(),
      guard('survey', undefined, () => this.redraw()),
    );
    this.table = new Table({
      sort: column => this.ask(sortedBy(this.query, column)),
      choose: id => {
        this.chosen = id;
        this.tell();
      },
    });
    addClass(this.widget, 'table-page');
    this.widget.noShowAll = true;
    this.widget.add(this.tools());
    this.widget.add(this.table.widget);
    this.widget.add(this.foot());
    for (const child of this.widget.getChildren()) child.showAll();
    this.say('');
  }

  private tools(): Gtk3.Box {
    const row = new Gtk.Box({ orientation: HORIZONTAL, spacing: 8 });
    addClass(row, 'tools');
    this.filter.placeholderText = _('Find');
    this.filter.maxLength = MOST_TYPED;
    describe(this.filter, _('Find'), _('Shows only laptops with these words'));
    on(this.filter, 'search-changed', () => this.ask({ ...this.query, filter: this.filter.text }));
    this.address.placeholderText = _('Address');
    this.address.maxLength = MOST_TYPED;
    this.address.hexpand = true;
    describe(this.address, _('Address'), _('Of a laptop, a school server, or a folder on a stick'));
    on(this.address, 'activate', () => this.connectNow());
    onPress(this.connect, () => this.connectNow());
    onPress(this.copy, () => this.copyNow());
    onPress(this.save, () => this.saveNow());
    describe(this.copy, _('Copy'), _('The chosen laptop, or the whole table (Ctrl+C)'));
    describe(this.save, _('Save'), _('The table, for a spreadsheet (Ctrl+S)'));
    this.copy.tooltipText = _('The chosen laptop, or the whole table (Ctrl+C)');
    this.save.tooltipText = _('The table, for a spreadsheet (Ctrl+S)');
    for (const part of [this.filter, this.address, this.connect, this.copy, this.save]) row.add(part);
    return row;
  }

  private foot(): Gtk3.Box {
    const foot = new Gtk.Box({ orientation: VERTICAL, spacing: 4 });
    addClass(foot, 'foot');
    this.said.xalign = 0;
    this.said.wrap = true;
    addClass(this.said, 'said');
    this.said.noShowAll = true;
    foot.add(this.said);
    const columns = new Gtk.Box({ orientation: HORIZONTAL, spacing: 24 });
    for (const label of this.details) {
      label.xalign = 0;
      label.yalign = 0;
      label.wrap = true;
      label.hexpand = true;
      label.valign = CENTER;
      columns.add(label);
    }
    foot.add(columns);
    return foot;
  }

  /** While it is shown; costs are only asked for then. */
  setShown(shown: boolean): void {
    this.shown = shown;
    this.widget.visible = shown;
    if (shown) this.table.tree.grabFocus();
  }

  /** Null: none. */
  choose(id: string | null): void {
    this.chosen = id;
    if (this.shown) this.redraw();
  }

  update(neighbours: Iterable<Neighbour>, current: string | null): void {
    this.neighbours = [...neighbours];
    if (current !== this.current) this.survey.forget();
    this.current = current;
    if (this.shown) this.redraw();
  }

  resize({ zoom, unit }: Frame): void {
    this.table.resize(smallestTouch(zoom), Math.max(12, 18 * unit));
  }

  /** Ctrl+C, Ctrl+F, Ctrl+S; and letters go into the filter. */
  key(event: { keyval: number; state: number }, control: boolean): boolean {
    if (!this.shown) return false;
    if (!control) return this.table.tree.isFocus() && this.filter.handleEvent(event);
    const act = { c: () => this.copyNow(), f: () => this.filter.grabFocus(), s: () => this.saveNow() };
    const letter = String.fromCharCode(event.keyval).toLowerCase();
    // In a field Ctrl+C copies what is marked there.
    if (letter === 'c' && !this.table.tree.isFocus()) return false;
    if (!(letter in act)) return false;
    act[letter as keyof typeof act]();
    return true;
  }

  /** Escape: first the filter goes; false when there is nothing to leave. */
  escape(): boolean {
    if (!this.shown || this.filter.text === '') return false;
    this.filter.text = '';
    this.ask({ ...this.query, filter: '' });
    return true;
  }

  private ask(query: TableQuery): void {
    this.query = query;
    this.redraw();
  }

  private redraw(): void {
    this.survey.want(this.neighbours);
    this.rows = tableRows(this.neighbours, neighbour => this.survey.cost(neighbour), this.query);
    if (!this.neighbours.some(({ id }) => id === this.chosen)) this.chosen = null;
    this.table.update(this.rows, this.query, this.chosen);
    this.tell();
  }

  private row(): TableRow | null {
    return this.rows.find(({ id }) => id === this.chosen) ?? null;
  }

  private tell(): void {
    const row = this.row();
    const lines = row ? detailLines(row) : [tableSummary(this.rows.length, this.neighbours.length)];
    const half = Math.ceil(lines.length / 2);
    setLabel(this.details[0]!, lines.slice(0, half).join('\n'));
    setLabel(this.details[1]!, lines.slice(half).join('\n'));
  }

  private say(sentence: string): void {
    setLabel(this.said, sentence);
    this.said.visible = sentence !== '';
  }

  private connectNow(): void {
    this.say(_('Asking…'));
    this.connect.sensitive = false;
    const done = guard('connect', undefined, (sentence: string) => {
      this.connect.sensitive = true;
      this.say(sentence);
    });
    void connectTo(this.address.text, this.services).then(({ sentence }) => done(sentence));
  }

  private copyNow(): void {
    const display = Gdk.Display.getDefault();
    if (!display) return;
    const clipboard = Gtk.Clipboard.getDefault(display);
    const row = this.row();
    clipboard.setText(copyText(this.rows, row), -1);
    // So that it stays when this program ends.
    clipboard.store();
    this.say(row ? _('Copied.') : _('The whole table is copied.'));
  }

  private saveNow(): void {
    const stamp = new Date().toISOString().slice(0, 16).replace(/[T:]/g, '-');
    const say = guard('save', undefined, (sentence: string) => this.say(sentence));
    this.services.save(`laptops-${stamp}.csv`, tableCsv(this.rows)).then(
      where => say(fill(_('Saved: {where}'), { where })),
      () => say(_('It could not be saved. Is there room?')),
    );
  }
}

function textButton(label: string): Gtk3.Button {
  const button = new Gtk.Button();
  button.add(Object.assign(new Gtk.Label(), { label }));
  addClass(button, 'pill', 'second');
  return button;
}
