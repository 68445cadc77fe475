/**
 * Import first: the process kills itself right before or right after its Nth change to the file system, so that a test
 * can crash it at every single step. CRASH_AT=N; CRASH_WHEN=before|after. Without CRASH_AT it only counts.
 */
import type * as childProcess from 'node:child_process';
import type * as fs from 'node:fs';

const at = Number(process.env.CRASH_AT ?? Number.POSITIVE_INFINITY);
const before = process.env.CRASH_WHEN !== 'after';
let changes = 0;

type AnyFunction = (...args: unknown[]) => unknown;

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

function step<T>(act: () => T): T {
  changes += 1;
  if (changes !== at) return act();
  if (before) die();
  let result: T | undefined;
  try {
    result = act();
    return result;
  } finally {
    // A change that failed is a moment like any other.
    if (result instanceof Promise) result.then(die, die);
    else die();
  }
}

function watch(owner: object, names: string[]): void {
  const functions = owner as Record<string, AnyFunction>;
  for (const name of names) {
    const real = functions[name];
    if (real === undefined) throw new Error(`no ${name}`);
    functions[name] = function (this: unknown, ...args: unknown[]) {
      return step(() => real.apply(this, args));
    };
  }
}

// The very objects that the modules under test call through (bundles keep `require` of Node's own modules).
const modules = {
  fs: require('node:fs') as typeof fs,
  childProcess: require('node:child_process') as typeof childProcess,
};
const changing = ['mkdir', 'rename', 'unlink', 'rmdir', 'symlink'];
watch(
  modules.fs,
  [...changing, 'link', 'chmod', 'lchown', 'lutimes', 'futimes', 'writeFile', 'copyFile', 'write'].map(n => `${n}Sync`),
);
watch(modules.fs.promises, [...changing, 'open', 'rm', 'copyFile']);
watch(modules.childProcess, ['spawn']);

/** How many changes the process has made so far. */
export function changesSoFar(): number {
  return changes;
}
