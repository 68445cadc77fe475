/** What Sugar tells an activity it starts: arguments and environment (sugar3.activity.activityinstance). */
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface Launch {
  /** null outside Sugar. */
  sugar: { bundleId: string; activityId: string } | null;
  store: string;
  /** Upgrade once by itself, then quit. */
  auto: boolean;
  /** Folder for pictures of each state. */
  screenshots: string | null;
  /** SUGAR_SCALING: 72 or 100. */
  scaling: string | undefined;
}

const BUNDLE_ID = 'org.laptop.PassItOn';

/** Reads `-b BUNDLE -a ACTIVITY [-o OBJECT] [-u URI] [-i]` and our own words; unknown ones are Sugar's business. */
export function readLaunch(args: readonly string[], env: NodeJS.ProcessEnv): Launch {
  const after = (...flags: string[]): string | undefined => {
    const at = args.findIndex(arg => flags.includes(arg));
    return at < 0 ? undefined : args[at + 1];
  };
  const activityId = after('-a', '--activity-id');
  const root = activityId === undefined ? undefined : env.SUGAR_ACTIVITY_ROOT;
  const data = env.XDG_DATA_HOME || join(homedir(), '.local', 'share');
  return {
    sugar: activityId === undefined ? null : { bundleId: after('-b', '--bundle-id') ?? BUNDLE_ID, activityId },
    store:
      after('--store') ??
      env.PASS_IT_ON_STORE ??
      (root ? join(root, 'data', 'store') : join(data, 'pass-it-on', 'store')),
    auto: args.includes('--auto'),
    screenshots: after('--screenshots') ?? null,
    scaling: env.SUGAR_SCALING,
  };
}
