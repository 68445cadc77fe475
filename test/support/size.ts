/** How far a file that somebody else writes has come. */
import { statSync } from 'node:fs';

/** Bytes; 0 while it is not there. */
export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
