/** One question over HTTP to somebody near: what it holds. */
import type { Asker, ImagesAnswer } from '../transfer/images-answer';
import { openSource } from '../transfer/open-source';
import { ownTimeout } from '../transfer/own-time';

/** A laptop that is there takes a connection at once, its kernel does: two such waits still leave it gone within two minutes. */
const REACH_MS = 3_000;
/** But its service may be busy, on a radio that is. */
const ANSWER_MS = 4_500;

/**
 * @returns 'late' where the question was taken there, but not answered in time
 * @throws PassItOnError 'source-gone', 'source-lied', 'no-source'; DOMException 'AbortError' where nobody is reached
 */
export async function askSource(address: string, asker: Asker | undefined): Promise<ImagesAnswer | 'late'> {
  const source = openSource(address);
  const stop = new AbortController();
  let reached = false;
  const patience = [
    ownTimeout(REACH_MS, () => {
      if (!reached) stop.abort();
    }),
    ownTimeout(ANSWER_MS, () => stop.abort()),
  ];
  try {
    return await source.images(stop.signal, asker, () => {
      reached = true;
    });
  } catch (cause) {
    if (reached && stop.signal.aborted) return 'late';
    throw cause;
  } finally {
    for (const end of patience) end();
    source.close();
  }
}
