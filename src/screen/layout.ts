/**
 * Where everything stands on the stage, in pixels: a pure function of the window's size and of how many laptops there
 * are. Icons get smaller until all fit; when the smallest do not fit either, the stage is higher than the window and
 * scrolls. Nothing ever overlaps, and at equal counts nothing moves.
 */

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Counts {
  /** Places in each group of one version, holes included. */
  newer: number[];
  mine: number[];
  older: number[];
  different: number[];
}

export interface StageInput {
  width: number;
  height: number;
  counts: Counts;
  /** Nobody is near: this laptop stands alone in one picture. */
  alone: boolean;
  rightToLeft: boolean;
  /** Sugar's scaling; 1 (an XO) unless told: above 1 a finger needs that many times 55 pixels. */
  zoom?: number;
}

export interface StageLayout {
  /** At least the height asked for. */
  height: number;
  /** 1 on the 1200 × 900 screen of an XO. */
  unit: number;
  fonts: { title: number; subtitle: number; label: number };
  bands: { newer: Rect; mine: Rect; older: Rect };
  /** Width of the column for the bands' names. */
  labels: number;
  icon: number;
  cells: { [Zone in keyof Counts]: Rect[][] };
  /** Around each row of a group, with room for the version above; nothing around laptops that are as mine. */
  trays: { [Zone in keyof Counts]: Rect[][] };
  /** Height of the version above a group. */
  heading: number;
  /** This laptop: its button, its icon, and the circle around the icon that stays free for the ring. */
  laptop: { cell: Rect; icon: number; ring: { x: number; y: number; radius: number } };
}

/** What to try, the best first: the icon's size at unit 1, and how wide a cell is, in heights of its letters. */
const WIDE = 7.6;
const NARROW = 4.6;
const TRIES: readonly (readonly [icon: number, letters: number])[] = [
  ...[112, 100, 88, 76, 66, 56, 46].map(icon => [icon, WIDE] as const),
  ...[66, 56, 46, 38].map(icon => [icon, NARROW] as const),
];
/** What a child's finger can hit, in pixels: Sugar's standard icon, larger where Sugar's scaling is, never smaller. */
export function smallestTouch(zoom: number): number {
  return Math.ceil(55 * Math.max(1, zoom));
}

interface Sizes {
  unit: number;
  icon: number;
  cellWidth: number;
  cellHeight: number;
  laptopIcon: number;
  laptopWidth: number;
  laptopHeight: number;
  ringRadius: number;
  labels: number;
  pad: number;
  heading: number;
  fonts: StageLayout['fonts'];
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

function sizesFor(input: StageInput, [wanted, letters]: (typeof TRIES)[number]): Sizes {
  const touch = smallestTouch(input.zoom ?? 1);
  const unit = clamp(Math.min(input.width / 1200, input.height / 700), 0.6, 1.8);
  const icon = Math.round(wanted * unit);
  const roomy = wanted >= 76;
  const title = Math.round(clamp((roomy ? 20 : 17) * unit, 12, 40));
  const subtitle = Math.round(clamp((roomy ? 18 : 15) * unit, 11, 36));
  const text = textHeight({ title, subtitle });
  const heading = Math.ceil(subtitle * 1.35);
  const laptopIcon = Math.round(clamp(icon * 1.45, 76 * unit, 150 * unit));
  const ringRadius = Math.round(laptopIcon * 0.77);
  return {
    unit,
    icon,
    // Wide enough for the icon and for a name of usual length.
    cellWidth: Math.round(Math.max(touch, icon + 40 * unit, title * letters)),
    cellHeight: Math.max(touch, Math.round(icon + title * 1.3 + (roomy ? 26 : 12) * unit)),
    laptopIcon,
    laptopWidth: Math.round(ringRadius * 2 + 24 * unit),
    laptopHeight: Math.round(ringRadius * 2 + text + 18 * unit),
    ringRadius,
    labels: Math.round(Math.max(92, 150 * unit)),
    pad: Math.round(8 * unit),
    heading,
    fonts: { title, subtitle, label: Math.round(clamp(22 * unit, 13, 40)) },
  };
}

/** Height of the two lines below an icon. */
export function textHeight(fonts: { title: number; subtitle: number }): number {
  return Math.ceil(fonts.title * 1.3) + Math.ceil(fonts.subtitle * 1.3);
}

/**
 * Widens cells so that whole ones fill `room`, at most by half: the same number of columns, whatever stands in them.
 * `reserve` is kept free for the air between groups.
 */
function columnsIn(room: number, cellWidth: number, reserve = 0): { columns: number; width: number } {
  const columns = Math.max(1, Math.floor((room - reserve) / cellWidth));
  const width = Math.floor(Math.min((room - reserve) / columns, cellWidth * 1.5));
  return { columns, width: Math.max(cellWidth, width) };
}

/** Cells of groups flowing in rows inside [left, right), from y = 0; a little air between groups. */
function flow(groups: number[], left: number, right: number, sizes: Sizes): { cells: Rect[][]; height: number } {
  const height = sizes.cellHeight;
  const { heading } = sizes;
  const gap = Math.round(sizes.cellWidth * 0.25);
  const { width } = columnsIn(right - left, sizes.cellWidth, gap);
  let x = left;
  let y = heading;
  const cells = groups.map((count, g) => {
    if (g > 0 && x > left) x += gap;
    return Array.from({ length: count }, () => {
      if (x + width > right && x > left) {
        x = left;
        y += height + heading;
      }
      const cell = { x, y, width, height };
      x += width;
      return cell;
    });
  });
  const any = groups.some(count => count > 0);
  return { cells, height: any ? y + height : 0 };
}

interface Middle {
  mine: Rect[][];
  different: Rect[][];
  height: number;
}

/** Cells of one side of this laptop, filled row by row from the edge nearest to it. */
class Side {
  private count = 0;
  readonly cells: Rect[] = [];
  private readonly columns: number;
  private readonly width: number;

  constructor(
    private readonly edge: number,
    private readonly direction: 1 | -1,
    room: number,
    private readonly cellHeight: number,
    cellWidth: number,
    private readonly heading: number,
  ) {
    ({ columns: this.columns, width: this.width } = columnsIn(room, cellWidth));
  }

  get rows(): number {
    return Math.ceil(this.count / this.columns);
  }

  next(): Rect {
    const n = this.count++;
    const { columns, width, cellHeight: height, heading } = this;
    const column = n % columns;
    const x = this.direction > 0 ? this.edge + width * column : this.edge - width * (column + 1);
    const cell = { x, y: heading + Math.floor(n / columns) * (height + heading), width, height };
    this.cells.push(cell);
    return cell;
  }
}

/** Equal laptops stand left and right of this one in turn, the first ones nearest; different ones at the end. */
function middle(input: StageInput, sizes: Sizes): Middle {
  const { cellWidth, cellHeight, pad } = sizes;
  const half = Math.round(sizes.laptopWidth / 2) + pad;
  const center = Math.round(input.width / 2);
  // Only where something stands that is not as mine.
  const heading = input.counts.different.length > 0 ? sizes.heading : 0;
  const left = new Side(center - half, -1, center - half - sizes.labels, cellHeight, cellWidth, heading);
  const right = new Side(center + half, 1, input.width - pad - center - half, cellHeight, cellWidth, heading);
  let index = 0;
  const mine = input.counts.mine.map(count =>
    Array.from({ length: count }, () => (index++ % 2 === 0 ? left : right).next()),
  );
  const different = input.counts.different.map(count => Array.from({ length: count }, () => right.next()));
  const rows = Math.max(left.rows, right.rows);
  for (const side of [left, right]) {
    for (const cell of side.cells) cell.y += Math.floor(((rows - side.rows) * (cellHeight + heading)) / 2);
  }
  return { mine, different, height: rows * (cellHeight + heading) };
}

/** Around the cells of each row of a group, and its heading. */
function traysOf(groups: Rect[][], heading: number, inset: number): Rect[][] {
  return groups.map(cells => {
    const rows = new Map<number, Rect>();
    for (const { x, y, width, height } of cells) {
      const row = rows.get(y);
      const left = Math.min(x, row?.x ?? x);
      const right = Math.max(x + width, row ? row.x + row.width : 0);
      rows.set(y, { x: left, y: y - heading, width: right - left, height: height + heading });
    }
    return [...rows.values()].map(({ x, y, width, height }) => ({ x: x + inset, y, width: width - 2 * inset, height }));
  });
}

/** Moves cells down in place. */
function lower(groups: Rect[][], by: number): void {
  for (const cell of groups.flat()) cell.y += Math.floor(by);
}

function mirror(layout: StageLayout, width: number): void {
  const rects = [...Object.values(layout.cells).flat(2), layout.laptop.cell];
  for (const rect of rects) rect.x = width - rect.x - rect.width;
  layout.laptop.ring.x = width - layout.laptop.ring.x;
}

function tryLayout(input: StageInput, sizes: Sizes): StageLayout {
  const { width, counts } = input;
  const { pad } = sizes;
  const right = width - pad;
  const newer = flow(counts.newer, sizes.labels, right, sizes);
  const older = flow(counts.older, sizes.labels, right, sizes);
  const inner = middle(input, sizes);
  const oneRow = sizes.cellHeight + sizes.heading;
  const needs = {
    newer: input.alone ? Math.round(150 * sizes.unit) : Math.max(oneRow, newer.height) + 2 * pad,
    mine: Math.max(sizes.laptopHeight, inner.height) + 2 * pad,
    older: input.alone && older.height === 0 ? 0 : Math.max(oneRow, older.height) + 2 * pad,
  };
  const total = needs.newer + needs.mine + needs.older;
  const height = Math.max(input.height, total);
  const spare = (height - total) / (needs.older > 0 ? 3 : 2);
  const newerHeight = Math.round(needs.newer + spare);
  const olderHeight = needs.older > 0 ? Math.round(needs.older + spare) : 0;
  const mineHeight = height - newerHeight - olderHeight;
  const bands = {
    newer: { x: 0, y: 0, width, height: newerHeight },
    mine: { x: 0, y: newerHeight, width, height: mineHeight },
    older: { x: 0, y: newerHeight + mineHeight, width, height: olderHeight },
  };
  lower(newer.cells, bands.newer.y + (newerHeight - newer.height) / 2);
  lower(older.cells, bands.older.y + (olderHeight - older.height) / 2);
  lower(inner.mine, bands.mine.y + (mineHeight - inner.height) / 2);
  lower(inner.different, bands.mine.y + (mineHeight - inner.height) / 2);
  const cell = {
    x: Math.round((width - sizes.laptopWidth) / 2),
    y: Math.floor(bands.mine.y + (mineHeight - sizes.laptopHeight) / 2),
    width: sizes.laptopWidth,
    height: sizes.laptopHeight,
  };
  const ring = { x: width / 2, y: cell.y + Math.round(8 * sizes.unit) + sizes.ringRadius, radius: sizes.ringRadius };
  return {
    height,
    unit: sizes.unit,
    fonts: sizes.fonts,
    bands,
    labels: sizes.labels,
    icon: sizes.icon,
    cells: { newer: newer.cells, mine: inner.mine, older: older.cells, different: inner.different },
    trays: { newer: [], mine: [], older: [], different: [] },
    heading: sizes.heading,
    laptop: { cell, icon: sizes.laptopIcon, ring },
  };
}

/** The layout with the largest icons that fits; with the smallest ones it may be higher than the window. */
export function layoutStage(input: StageInput): StageLayout {
  let layout: StageLayout | null = null;
  for (const sizes of TRIES) {
    layout = tryLayout(input, sizesFor(input, sizes));
    if (layout.height <= input.height) break;
  }
  if (!layout) throw new Error('no sizes to try');
  if (input.rightToLeft) mirror(layout, input.width);
  const inset = Math.max(1, Math.round(2 * layout.unit));
  for (const zone of ['newer', 'older', 'different'] as const) {
    layout.trays[zone] = traysOf(layout.cells[zone], layout.heading, inset);
  }
  return layout;
}
