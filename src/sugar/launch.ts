/** What Sugar tells an activity it starts: arguments and environment (sugar3.activity.activityinstance). */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What Sugar's shell tells. */
export interface SugarLaunch {
  bundleId: string;
  activityId: string;
  /** The Journal entry to resume. */
  objectId: string | null;
  /** SUGAR_ACTIVITY_ROOT: its folders data, instance and tmp are the only places to write to. */
  root: string;
  /** SUGAR_BUNDLE_PATH. */
  bundlePath: string;
}

export interface Launch {
  /** null outside Sugar. */
  sugar: SugarLaunch | null;
  store: string;
  /** A person wants that store; else the machine's own service comes first, where there is one. */
  storeIsNamed: boolean;
  /** Somebody else starts the service, and starts it again: here it is only waited for. */
  attach: boolean;
  /** By itself, for ever, for whoever comes by. */
  kiosk: boolean;
  /** The version with which the kiosk begins every time; null: the one it finds. */
  home: string | null;
  /** How long the kiosk shows each thing: 1 is made for reading. */
  pace: number;
  /** Upgrade once by itself, then quit. */
  auto: boolean;
  /** Folder for pictures of each state. */
  screenshots: string | null;
  /** SUGAR_SCALING: 72 or 100. */
  scaling: string | undefined;
}

const BUNDLE_ID = 'org.laptop.PassItOn';

/**
 * Reads `-b BUNDLE -a ACTIVITY [-o OBJECT] [-u URI] [-i]` and our own words; unknown ones are Sugar's business.
 * @param folder where the program was started: Sugar starts it in its bundle
 */
export function readLaunch(args: readonly string[], env: NodeJS.ProcessEnv, folder: string): Launch {
  const after = (...flags: string[]): string | undefined => {
    const at = args.findIndex(arg => flags.includes(arg));
    return at < 0 ? undefined : args[at + 1];
  };
  const data = join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'pass-it-on');
  const activityId = after('-a', '--activity-id');
  // A terminal inside Sugar has Sugar's environment, and is no activity of ours.
  const root = (activityId === undefined ? undefined : env.SUGAR_ACTIVITY_ROOT) || null;
  const sugar =
    activityId === undefined
      ? null
      : {
          bundleId: after('-b', '--bundle-id') ?? BUNDLE_ID,
          activityId,
          objectId: after('-o', '--object-id') ?? null,
          root: root ?? data,
          bundlePath: env.SUGAR_BUNDLE_PATH || folder,
        };
  const named = after('--store') ?? env.PASS_IT_ON_STORE;
  return {
    sugar,
    storeIsNamed: named !== undefined,
    store: named ?? (root ? join(root, 'data', 'store') : join(data, 'store')),
    attach: args.includes('--attach'),
    kiosk: args.includes('--kiosk'),
    home: after('--home') ?? null,
    pace: Number(after('--pace') ?? 1),
    auto: args.includes('--auto'),
    screenshots: after('--screenshots') ?? null,
    scaling: env.SUGAR_SCALING,
  };
}
