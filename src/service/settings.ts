/**
 * What a deployment decides for its laptops: `/etc/pass-it-on/settings.json`, part of its images. Scripts say the same
 * by environment variables, which come first.
 */
import { dirname, resolve } from 'node:path';
import { type Sentence, sentence, withDetail } from '../core/sentences';
import { EFFORTS, type EffortWish, isEffort } from '../transfer/effort';
import { MISSING, Reread } from './reread';

export interface Settings {
  /** Path of the file of trusted keys; null: where it usually is. */
  allowedSigners: string | null;
  /** Take images that nobody has signed. */
  allowUnsigned: boolean;
  /** Addresses of school servers and the like, to ask besides the laptops seen. */
  sources: readonly string[];
  /** How to weigh bytes against time where nobody says otherwise. */
  effort: EffortWish;
  /** What could not be understood; the careful default counts there. */
  problems: Sentence[];
}

const DEFAULT_PATH = '/etc/pass-it-on/settings.json';
const DEFAULTS: Settings = { allowedSigners: null, allowUnsigned: false, sources: [], effort: 'auto', problems: [] };

const MAX_SOURCES = 16;

const file = new Reread(parse);

export function readSettings(): Settings {
  const { PASS_IT_ON_SETTINGS, PASS_IT_ON_ALLOWED_SIGNERS, PASS_IT_ON_ALLOW_UNSIGNED } = process.env;
  const settings = file.get(PASS_IT_ON_SETTINGS || DEFAULT_PATH);
  return {
    ...settings,
    allowedSigners: PASS_IT_ON_ALLOWED_SIGNERS ? resolve(PASS_IT_ON_ALLOWED_SIGNERS) : settings.allowedSigners,
    allowUnsigned: PASS_IT_ON_ALLOW_UNSIGNED ? PASS_IT_ON_ALLOW_UNSIGNED === '1' : settings.allowUnsigned,
  };
}

/** Keys that are not known are skipped: a newer image may have more settings than this program. */
function parse(data: Buffer | Sentence, path: string): Settings {
  if (data === MISSING) return DEFAULTS;
  const wrong = (reason: Sentence): Settings => ({
    ...DEFAULTS,
    problems: [sentence('settings-ignored', { file: path, reason })],
  });
  if (!Buffer.isBuffer(data)) return wrong(data);
  let parsed: unknown;
  try {
    parsed = JSON.parse(data.toString('utf8'));
  } catch (cause) {
    return wrong(withDetail(sentence('reason-no-json'), (cause as Error).message));
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return wrong(sentence('reason-no-object'));
  }
  const settings: Settings = { ...DEFAULTS, problems: [] };
  for (const [key, value] of Object.entries(parsed)) {
    // A mistake in one must not turn off what another asks for.
    const reason = KEYS.get(key)?.(settings, value, path);
    if (reason) settings.problems.push(sentence('setting-ignored', { key, file: path, reason }));
  }
  return settings;
}

/** Takes one setting over and returns null; or says why it cannot be what it should be. */
type Take = (into: Settings, value: unknown, path: string) => Sentence | null;

const KEYS: ReadonlyMap<string, Take> = new Map<string, Take>([
  [
    'allowed-signers',
    (into, value, path) => {
      if (typeof value !== 'string' && value !== null) return sentence('reason-no-path');
      into.allowedSigners = value === null ? null : resolve(dirname(path), value);
      return null;
    },
  ],
  [
    'allow-unsigned',
    (into, value) => {
      if (typeof value !== 'boolean') return sentence('reason-no-boolean');
      into.allowUnsigned = value;
      return null;
    },
  ],
  [
    'sources',
    (into, value) => {
      if (!Array.isArray(value) || value.length > MAX_SOURCES || !value.every(one => typeof one === 'string')) {
        return sentence('reason-no-addresses', { n: MAX_SOURCES });
      }
      into.sources = value;
      return null;
    },
  ],
  [
    'effort',
    (into, value) => {
      if (!isEffort(value)) return sentence('reason-none-of', { words: EFFORTS.join(', ') });
      into.effort = value;
      return null;
    },
  ],
]);
