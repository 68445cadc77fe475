/** Is there enough in the battery to begin? Read as Linux tells it (Documentation/ABI/testing/sysfs-class-power). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassItOnError } from '../core/errors';
import { sentence } from '../core/sentences';

const SUPPLIES = '/sys/class/power_supply';
const LEAST_PERCENT = 30;

/**
 * The charge in percent where a battery is being emptied; null where the laptop is plugged in, charging, or has none.
 * PASS_IT_ON_POWER_SUPPLIES: another folder than the kernel's.
 */
export function draining(folder: string = process.env.PASS_IT_ON_POWER_SUPPLIES || SUPPLIES): number | null {
  let least: number | null = null;
  for (const name of list(folder)) {
    const read = (file: string) => text(join(folder, name, file));
    if (read('type') !== 'Battery') {
      // The charger, and USB sockets that give power.
      if (read('online') === '1') return null;
      continue;
    }
    // A mouse has a battery, too.
    if (read('scope') === 'Device' || read('status') !== 'Discharging') continue;
    const percent = Number(read('capacity') || Number.NaN);
    if (Number.isFinite(percent)) least = Math.max(least ?? 0, percent);
  }
  return least;
}

/** @throws PassItOnError 'battery-low': a laptop that goes out half way loses nothing, but a child loses its work. */
export function checkBattery(): void {
  const percent = draining();
  if (percent === null || percent >= LEAST_PERCENT) return;
  throw new PassItOnError(
    'battery-low',
    sentence('battery-low', { percent }),
    sentence('charge-battery', { percent: LEAST_PERCENT }),
  );
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    // No such folder: a machine without any battery, or in a container.
    return [];
  }
}

/** '' where it cannot be read, as some drivers answer ENODATA. */
function text(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
