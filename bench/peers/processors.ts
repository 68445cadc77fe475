/** A part of a processor for each laptop, so that nine on one machine take nothing from each other: cgroups(7), either version. */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Place } from './place';

const ROOT = '/sys/fs/cgroup';
/** Short beside all that is measured, so that a laptop is slow and does not stutter. */
const PERIOD_US = 20_000;
/** What is left to the kernel's network and to the bench itself. */
const REST = 0.1;
const REMOVE_TRIES = 50;
const REMOVE_EVERY_MS = 100;

/** The largest part of a processor that each of so many laptops can have at the same time. */
export function share(laptops: number): number {
  return Math.min(1, (availableParallelism() * (1 - REST)) / laptops);
}

/** A cgroup of version 1 where that has the processor, else of version 2. */
export class Processor {
  private static made = 0;
  private readonly folder: string;
  private readonly isFirstVersion = existsSync(join(ROOT, 'cpu/cpu.cfs_quota_us'));

  constructor() {
    const parent = this.isFirstVersion ? join(ROOT, 'cpu') : ROOT;
    this.folder = join(parent, `pass-it-on-bench-${process.pid}-${++Processor.made}`);
    if (!this.isFirstVersion) writeFileSync(join(parent, 'cgroup.subtree_control'), '+cpu');
    mkdirSync(this.folder);
  }

  /** The same place, where whatever is run has this processor. */
  at(place: Place): Place {
    // 0 is who writes it.
    const entering = ['sh', '-c', 'echo 0 > "$0" && exec "$@"', join(this.folder, 'cgroup.procs')];
    return { address: place.address, inside: [...entering, ...place.inside] };
  }

  /** From now on it is that part of a real one. */
  limit(part: number): void {
    const quota = Math.round(PERIOD_US * part);
    if (this.isFirstVersion) {
      writeFileSync(join(this.folder, 'cpu.cfs_period_us'), String(PERIOD_US));
      writeFileSync(join(this.folder, 'cpu.cfs_quota_us'), String(quota));
    } else {
      writeFileSync(join(this.folder, 'cpu.max'), `${quota} ${PERIOD_US}`);
    }
  }

  /** After all that it ran was told to end. */
  async close(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        rmdirSync(this.folder);
        return;
      } catch (error) {
        if (tries === REMOVE_TRIES) throw error;
        await sleep(REMOVE_EVERY_MS);
      }
    }
  }
}
