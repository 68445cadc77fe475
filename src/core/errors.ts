/**
 * Every error a person can meet has a stable `code` (for scripts and for the screen's pictures), one plain sentence
 * and one remedy. The technical cause goes to the log through `cause`, never to the child.
 */
import { type Sentence, textOf } from './sentences';

export type ErrorCode =
  | 'usage' // the command line was wrong
  | 'not-found' // no such image, folder or version
  | 'ambiguous' // a version names two images
  | 'exists' // that version is already held with other contents
  | 'bad-name' // an image name or version with characters we do not allow
  | 'bad-data' // a tree, commit, attributes or manifest that is malformed
  | 'damaged' // contents on this laptop differ from the manifest
  | 'no-image' // this laptop has no current image, nothing staged, or nothing to go back to
  | 'no-source' // nobody near has what is asked for
  | 'source-gone' // all sources left while fetching
  | 'source-lied' // a source sent something other than what was asked for
  | 'unsigned' // nobody has signed the image, and this laptop wants a signature
  | 'untrusted' // its signature is wrong, or its signer is nobody whom this laptop trusts
  | 'below-floor' // older than the oldest version that its makers call safe
  | 'cannot-sign' // the key to sign with is not usable
  | 'no-space' // not enough disk
  | 'no-permission' // the file system refused
  | 'battery-low' // too little in the battery to begin, and not plugged in
  | 'busy' // another upgrade is running
  | 'stopped' // a person stopped it
  | 'restart-failed' // the image is in place, the laptop did not restart by itself
  | 'service' // the service cannot be reached, or ended
  | 'unsupported' // something in the tree that an image cannot hold
  | 'internal'; // a defect of ours

/** Each of the program's files (scripts/build.mjs) has this class once more: an error of one is one in another, too. */
const BRAND = Symbol.for('pass-it-on/error');

export class PassItOnError extends Error {
  static override [Symbol.hasInstance](thrown: unknown): thrown is PassItOnError {
    return typeof thrown === 'object' && thrown !== null && BRAND in thrown;
  }

  readonly [BRAND] = true;
  override readonly name = 'PassItOnError';
  /** One thing to do about it. */
  readonly remedy: string;
  private readonly said: Pick<ErrorReport, 'messageSaid' | 'remedySaid'>;

  /** message: one plain sentence. A `Sentence` where the screen is to say it in its own language. */
  constructor(
    readonly code: ErrorCode,
    message: string | Sentence,
    remedy: string | Sentence,
    options?: { cause?: unknown },
  ) {
    super(textOf(message), options);
    this.remedy = textOf(remedy);
    this.said = {
      ...(typeof message === 'object' && { messageSaid: message }),
      ...(typeof remedy === 'object' && { remedySaid: remedy }),
    };
  }

  toJSON(): ErrorReport {
    return { code: this.code, message: this.message, remedy: this.remedy, ...this.said };
  }
}

/** The form in which errors cross process borders and reach stderr. */
export interface ErrorReport {
  code: ErrorCode;
  message: string;
  remedy: string;
  /** The same by code and values, where they have one: for other languages. */
  messageSaid?: Sentence;
  remedySaid?: Sentence;
}

/** The error that was reported so from elsewhere; cause: for the log. */
export function reportedError(report: ErrorReport, cause?: unknown): PassItOnError {
  const { code, message, messageSaid, remedy, remedySaid } = report;
  return new PassItOnError(code, messageSaid ?? message, remedySaid ?? remedy, { cause });
}

/** Anything thrown, as an error a person can read; what we did not foresee keeps its cause for the log. */
export function toPassItOnError(thrown: unknown): PassItOnError {
  if (thrown instanceof PassItOnError) return thrown;
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const path = (thrown as NodeJS.ErrnoException | undefined)?.path;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new PassItOnError('no-space', 'The disk is full.', 'Make room and try again.', { cause: thrown });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const remedy = 'Run it as the owner of these files, or as root.';
    return new PassItOnError(
      'no-permission',
      path ? `${path} may not be used like that.` : `Not allowed: ${text}`,
      remedy,
      { cause: thrown },
    );
  }
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new PassItOnError('not-found', path ? `${path} is not there.` : `Not found: ${text}`, 'Check the name.', {
      cause: thrown,
    });
  }
  if ((thrown as Error | undefined)?.name === 'AbortError') {
    return new PassItOnError('stopped', 'Stopped.', 'Start again to go on where it stopped.', { cause: thrown });
  }
  const remedy = 'Try again; if it comes back, show the log to somebody who can help.';
  return new PassItOnError('internal', `Something went wrong inside Pass It On: ${text}`, remedy, { cause: thrown });
}
