/** Numbers and images as people read them on a terminal. */
import { displayName, fromBuffer } from '../core/bytes';
import type { ImageInfo } from '../service/contract';

export function megabytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1e6) return `${Math.ceil(bytes / 1000)} kB`;
  if (bytes < 1e10) return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** `1 path`, `2 paths`. */
export function count(n: number, thing: string): string {
  return `${n} ${thing}${n === 1 ? '' : 's'}`;
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export function imageTitle({ name, version }: ImageInfo): string {
  return `${name} ${version}`;
}

/** Columns as wide as their widest cell. */
export function table(rows: string[][]): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Release notes of anybody, to stand below a heading: indented, and without what would move a terminal's cursor. */
export function shownNotes(notes: string): string {
  const lines = notes.split('\n').map(line => displayName(fromBuffer(Buffer.from(line.replaceAll('\t', ' '), 'utf8'))));
  return lines.join('\n  ');
}
