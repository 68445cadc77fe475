/** The table for volunteers: GTK's own list, so that keyboard and screen reader know it. Rows are kept and changed. */
import { addClass, describe, GObject, Gtk, type Gtk3, on } from './gtk';
import { _ } from './i18n';
import { COLUMNS, type Column, columnTitle, type TableQuery, type TableRow } from './table-model';

interface Kept {
  iter: Gtk3.TreeIter;
  cells: TableRow['cells'];
}

const NONE = Object.fromEntries(COLUMNS.map(column => [column, ''])) as TableRow['cells'];

export class Table {
  readonly widget: Gtk3.ScrolledWindow = new Gtk.ScrolledWindow();
  readonly tree: Gtk3.TreeView = new Gtk.TreeView();
  private readonly store = Gtk.ListStore.new(COLUMNS.map(() => GObject.TYPE_STRING));
  private readonly columns = new Map<Column, Gtk3.TreeViewColumn>();
  private readonly renderers: Gtk3.CellRendererText[] = [];
  private readonly kept = new Map<string, Kept>();
  /** Ids in the order in which they stand. */
  private order: string[] = [];
  /** One for all cells: each new one would have to be freed. */
  private readonly value = new GObject.Value();
  private updating = false;

  constructor(
    private readonly actions: {
      sort(column: Column): void;
      choose(id: string | null): void;
    },
  ) {
    this.value.init(GObject.TYPE_STRING);
    this.tree.model = this.store;
    // Its own search window only knows the first column; typing goes into the filter.
    this.tree.enableSearch = false;
    addClass(this.tree, 'table');
    describe(this.tree, _('Laptops near'));
    COLUMNS.forEach((column, i) => {
      this.addColumn(column, i);
    });
    this.widget.setOverlayScrolling(false);
    this.widget.vexpand = true;
    this.widget.add(this.tree);
    on(this.tree.getSelection(), 'changed', () => {
      if (!this.updating) this.actions.choose(this.chosen());
    });
  }

  private addColumn(column: Column, i: number): void {
    const renderer = new Gtk.CellRendererText();
    renderer.ellipsize = 3;
    renderer.xpad = 8;
    const shown = new Gtk.TreeViewColumn();
    shown.title = columnTitle(column);
    shown.packStart(renderer, true);
    shown.addAttribute(renderer, 'text', i);
    shown.clickable = true;
    shown.resizable = true;
    shown.expand = true;
    on(shown, 'clicked', () => this.actions.sort(column));
    this.tree.appendColumn(shown);
    this.columns.set(column, shown);
    this.renderers.push(renderer);
  }

  /** Brings rows up to date where they stand; what is chosen and where it is scrolled stays. */
  update(rows: readonly TableRow[], { sort }: TableQuery, chosen: string | null): void {
    this.updating = true;
    try {
      const wanted = new Set(rows.map(({ id }) => id));
      for (const id of [...this.order]) if (!wanted.has(id)) this.drop(id);
      for (const row of rows) this.put(row);
      this.arrange(rows.map(({ id }) => id));
      for (const [column, shown] of this.columns) {
        shown.setSortIndicator(sort.column === column);
        if (sort.column === column) shown.setSortOrder(sort.descending ? 1 : 0);
      }
      if (this.chosen() !== chosen) this.select(chosen);
    } finally {
      this.updating = false;
    }
  }

  /** Heights of rows for fingers, and widths for the letters: pixels. */
  resize(rowHeight: number, letter: number): void {
    for (const renderer of this.renderers) renderer.setFixedSize(-1, rowHeight);
    const letters: Record<Column, number> = {
      nick: 9,
      image: 7,
      version: 6,
      commit: 8,
      address: 10,
      signedBy: 8,
      lastSeen: 7,
      bytesToFetch: 6,
    };
    for (const [column, shown] of this.columns) shown.minWidth = Math.round(letters[column] * letter);
  }

  private put({ id, cells }: TableRow): void {
    let row = this.kept.get(id);
    if (!row) {
      row = { iter: this.store.append(), cells: NONE };
      this.kept.set(id, row);
      this.order.push(id);
    }
    COLUMNS.forEach((column, i) => {
      if (row.cells[column] === cells[column]) return;
      this.value.setString(cells[column]);
      this.store.setValue(row.iter, i, this.value);
    });
    row.cells = cells;
  }

  private drop(id: string): void {
    const row = this.kept.get(id);
    if (row) this.store.remove(row.iter);
    this.kept.delete(id);
    this.order = this.order.filter(other => other !== id);
  }

  private arrange(order: string[]): void {
    if (order.every((id, i) => this.order[i] === id)) return;
    const before = new Map(this.order.map((id, i) => [id, i]));
    this.store.reorder(order.map(id => before.get(id) ?? 0));
    this.order = order;
  }

  private chosen(): string | null {
    const [[path]] = this.tree.getSelection().getSelectedRows();
    return path ? (this.order[Number(path.toString())] ?? null) : null;
  }

  private select(id: string | null): void {
    const at = id === null ? -1 : this.order.indexOf(id);
    if (at < 0) this.tree.getSelection().unselectAll();
    else {
      const path = Gtk.TreePath.newFromString(String(at));
      this.tree.getSelection().selectPath(path);
      this.tree.scrollToCell(path, null, false, 0, 0);
    }
  }
}
