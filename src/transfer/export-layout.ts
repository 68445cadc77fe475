/** Files of an export beside git's own, by which a laptop finds its way with few requests (docs/formats.md). */
import type { Oid } from '../core/object';

/** What `GET /images` would answer; a web server needs no program to answer it. */
export const IMAGES_FILE = 'images.json';

/** What `GET /images/COMMIT/trees` would answer, as one brotli stream. */
export function treesFile(commit: Oid): string {
  return `images/${commit}/trees.pio`;
}
