import { type ByteString, displayName } from './bytes';
import { PassItOnError } from './errors';

/** The error for data that breaks the format; `what` says what is wrong and where, in one sentence. */
export function badData(what: string, options?: { cause?: unknown }): PassItOnError {
  return new PassItOnError('bad-data', what, 'Get this image again, from another laptop if you can.', options);
}

const MAX_QUOTED_BYTES = 255;

/** A name or path for such a sentence; a hostile one could fill the screen. */
export function quoted(name: ByteString): string {
  return `"${displayName(name.slice(0, MAX_QUOTED_BYTES))}${name.length > MAX_QUOTED_BYTES ? '…' : ''}"`;
}
