/**
 * Which images this laptop takes from elsewhere: signed by a key that it trusts, and not below the oldest version that
 * their makers call safe. What a person publishes or uses here is their own business and only told.
 */
import { join } from 'node:path';
import { type AllowedSigners, NOBODY, parseAllowedSigners } from '../core/allowed-signers';
import { type ImageCommit, parseCommit } from '../core/commit';
import { PassItOnError } from '../core/errors';
import { judgeCommit, refusalError, type Verdict } from '../core/judge';
import type { Oid } from '../core/object';
import { type Sentence, sentence } from '../core/sentences';
import { compareVersions } from '../core/versions';
import type { HeldImage, Store } from '../store/store';
import type { ImageInfo } from './contract';
import { MISSING, Reread } from './reread';
import { readSettings, type Settings } from './settings';

/** Part of the root file system: activating a trusted image may bring a newer one, and so new keys. */
const TRUST_FILE = 'etc/pass-it-on/allowed_signers';
/** Lines of a file that are told one by one when they are not understood. */
const MAX_LINES_TOLD = 3;

interface TrustFile {
  path: string;
  signers: AllowedSigners;
  missing: boolean;
  problems: Sentence[];
}

/** What there is to say of an image before it is taken. */
export interface Examination {
  commit: ImageCommit;
  /** Null unless a trusted key has signed it. */
  signedBy: string | null;
  /** Why this laptop does not take it; null when it does. */
  problem: PassItOnError | null;
  /** To read before taking it. */
  warnings: Sentence[];
  /** That entries of the Journal may not show; null where nothing speaks for it. */
  journalWarning: Sentence | null;
}

export class Trust {
  private readonly named = new Reread(readTrustFile);
  private readonly usual = new Reread(readTrustFile);
  private readonly ofImage = new Reread(readTrustFile);
  /** Good for as long as the list of signers is the same. */
  private verdicts = new Map<Oid, Verdict>();
  private judgedBy: AllowedSigners = NOBODY;

  constructor(private readonly store: Store) {}

  /** The facts of a held image that leave the process, without where it lies on disk. */
  describe(image: HeldImage): ImageInfo {
    const { name, version, commit, releaseTime, bytes } = image;
    return { name, version, commit, releaseTime, signedBy: this.signedBy(commit), bytes };
  }

  /** Whose trusted signature a held image has, if any. */
  signedBy(commit: Oid): string | null {
    const data = this.store.commitData(commit);
    const verdict = data && this.verdict(commit, data);
    return verdict?.trusted ? verdict.signedBy : null;
  }

  /** data: the bytes of that commit. Throws 'bad-data' where it is none of an image. */
  verdict(commit: Oid, data: Buffer): Verdict {
    const { signers } = this.trustFile(readSettings());
    if (signers !== this.judgedBy) {
      this.verdicts.clear();
      this.judgedBy = signers;
    }
    let verdict = this.verdicts.get(commit);
    if (!verdict) {
      verdict = judgeCommit(data, signers);
      // Others' images come and go; those held here are asked for again and again.
      if (this.store.image(commit)) this.verdicts.set(commit, verdict);
    }
    return verdict;
  }

  /**
   * Looks at an image before it is taken, or again: the answer holds for the trust file and settings of this moment.
   * Remembers the minimum version of a trusted one. Throws 'bad-data'.
   */
  async examine(oid: Oid, data: Buffer): Promise<Examination> {
    const commit = parseCommit(data);
    const verdict = this.verdict(oid, data);
    if (verdict.trusted) await this.learn(commit);
    const warnings: Sentence[] = [];
    let problem: PassItOnError | null = null;
    if (!verdict.trusted) {
      const unsigned = verdict.refusal === 'unsigned';
      const isHere = this.store.image(oid) !== null;
      if (isHere || (unsigned && readSettings().allowUnsigned)) warnings.push(verdict.said);
      else problem = this.refusal(verdict);
    }
    const tooOld = this.belowFloor(commit);
    if (tooOld) {
      // The one kept to go back to is the way out of an upgrade that went wrong.
      if (this.store.state.previous?.commit === oid) warnings.push(tooOld);
      else problem ??= floorError(tooOld);
    }
    const signedBy = verdict.trusted ? verdict.signedBy : null;
    return { commit, signedBy, problem, warnings, journalWarning: this.journalWarning(commit) };
  }

  /** How much an image is to be preferred among those that go by one version, signed by a trusted key first. */
  async rank(announced: { name: string; version: string; commit: Oid }, data: Buffer): Promise<number> {
    const { commit, problem, signedBy } = await this.examine(announced.commit, data);
    if (isAnother(announced, commit)) return 0;
    if (problem !== null) return 1;
    return signedBy === null ? 2 : 3;
  }

  /** What trusted images held here say of minimum versions is remembered, however they came. */
  async learnFromHeld(): Promise<void> {
    for (const { commit } of this.store.images()) {
      const data = this.store.commitData(commit);
      if (data && this.verdict(commit, data).trusted) await this.learn(parseCommit(data));
    }
  }

  /** What to read before going back to the image that is kept. */
  goBackWarnings(): Sentence[] {
    const { previous } = this.store.state;
    const data = previous && this.store.commitData(previous.commit);
    if (!data) return [];
    const commit = parseCommit(data);
    return [this.belowFloor(commit), this.journalWarning(commit)].filter(said => said !== null);
  }

  /** What a person who looks after this laptop should know. */
  warnings(): Sentence[] {
    const settings = readSettings();
    const { missing, problems } = this.trustFile(settings);
    const warnings = [...settings.problems];
    // Having no such file is an error only where one is named.
    if (!missing || settings.allowedSigners !== null) warnings.push(...problems);
    if (settings.allowUnsigned) warnings.push(sentence('unsigned-is-allowed'));
    const { current } = this.store.state;
    const tooOld = current && this.belowFloor(current);
    if (tooOld) warnings.push(tooOld);
    return warnings;
  }

  /** The one that is named; else the usual one; else that of the image in use, where this system is not made of it. */
  private trustFile({ allowedSigners }: Settings): TrustFile {
    if (allowedSigners !== null) return this.named.get(allowedSigners);
    const usual = this.usual.get(`/${TRUST_FILE}`);
    const { current } = this.store.state;
    if (!usual.missing || !current) return usual;
    const its = this.ofImage.get(join(current.dir, TRUST_FILE));
    return its.missing ? usual : its;
  }

  private async learn({ name, minimumVersion }: ImageCommit): Promise<void> {
    if (minimumVersion !== undefined) await this.store.raiseMinimum(name, minimumVersion);
  }

  private refusal(verdict: Verdict & { trusted: false }): PassItOnError {
    const error = refusalError(verdict);
    const { path, signers } = this.trustFile(readSettings());
    if (verdict.refusal !== 'unknown-key' || signers.signers.length > 0) return error;
    return new PassItOnError(error.code, verdict.said, sentence('write-trusted-keys', { file: path }));
  }

  /** That its makers want a newer one; null where they do not. */
  private belowFloor({ name, version }: Named): Sentence | null {
    const floor = this.store.minimumVersion(name);
    if (floor === null || compareVersions(version, floor) >= 0) return null;
    return sentence('image-below-floor', { name: `${name} ${version}`, floor });
  }

  private journalWarning({ journalFormat }: ImageCommit): Sentence | null {
    const { current } = this.store.state;
    const data = current && this.store.commitData(current.commit);
    const mine = data ? parseCommit(data).journalFormat : undefined;
    if (mine === undefined || journalFormat === undefined || Number(journalFormat) >= Number(mine)) return null;
    return sentence('image-writes-older-journal');
  }
}

/** All that a person should read before taking it. */
export function allWarnings({ warnings, journalWarning }: Examination): string[] {
  return [...warnings, ...(journalWarning === null ? [] : [journalWarning])].map(({ text }) => text);
}

interface Named {
  name: string;
  version: string;
}

/** What the signed commit says counts, not what somebody announced. */
export function isAnother(announced: Named, commit: Named): boolean {
  return announced.name !== commit.name || announced.version !== commit.version;
}

export function announcedWrong(announced: Named, commit: Named): PassItOnError {
  const title = ({ name, version }: Named) => `${name} ${version}`;
  const said = sentence('image-announced-wrong', { claimed: title(announced), really: title(commit) });
  return new PassItOnError('source-lied', said, sentence('choose-another-laptop'));
}

function floorError(said: Sentence): PassItOnError {
  return new PassItOnError('below-floor', said, sentence('take-floor-or-newer', { floor: said.values.floor ?? '' }));
}

function readTrustFile(data: Buffer | Sentence, path: string): TrustFile {
  const none = { path, signers: NOBODY, missing: data === MISSING };
  const unreadable = (reason: Sentence): TrustFile => ({
    ...none,
    problems: [sentence('trusted-keys-unreadable', { file: path, reason })],
  });
  if (!Buffer.isBuffer(data)) return unreadable(data);
  try {
    const signers = parseAllowedSigners(data);
    const told = signers.ignored.slice(0, MAX_LINES_TOLD);
    const problems = told.map(({ line, reason }) =>
      sentence('trusted-keys-line-ignored', { line, file: path, reason }),
    );
    return { path, signers, missing: false, problems };
  } catch (cause) {
    if (!(cause instanceof PassItOnError)) throw cause;
    return unreadable(sentence('reason-too-long'));
  }
}
