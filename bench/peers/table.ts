/** Rows of figures as Markdown. */

export type Cell = string | number | null;

export interface Column {
  head: string;
  /** Digits behind the point of its numbers; null: it is text. */
  digits: number | null;
}

/** Numbers to the right; null leaves a cell empty. */
export function markdown(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const text = (cell: Cell, { digits }: Column) =>
    typeof cell === 'number' ? cell.toFixed(digits ?? 0) : (cell ?? '');
  return [
    line(columns.map(({ head }) => head)),
    line(columns.map(({ digits }) => (digits === null ? '---' : '---:'))),
    ...rows.map(cells => line(cells.map((cell, index) => text(cell, columns[index]!)))),
  ].join('\n');
}

/** By `value`: of several runs the one in the middle, so that all figures of a row belong to one run. */
export function median<T>(runs: readonly T[], value: (run: T) => number): T {
  const sorted = [...runs].sort((a, b) => value(a) - value(b));
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}

export const megabytes = (bytes: number) => bytes / 1e6;
