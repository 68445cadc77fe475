import { PassItOnError } from './errors';

/** The error for data that breaks the format; `what` says what is wrong and where, in one sentence. */
export function badData(what: string, options?: { cause?: unknown }): PassItOnError {
  return new PassItOnError('bad-data', what, 'Get this image again, from another laptop if you can.', options);
}
