// Starting other programs from the scripts: their output is shown, their failure is ours.
import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';

/** Something a person can put right: said in plain words, without a stack trace. */
export class Plain extends Error {}

/** One line about what happens now. */
export function say(text) {
  console.log(`• ${text}`);
}

/**
 * Runs a program to its end with our terminal as its own.
 * @returns its exit status; 128 + signal number as a shell would say, 127 when it does not exist
 */
export function status(command, args = [], options = {}) {
  const done = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (done.error) return done.error.code === 'ENOENT' ? 127 : 126;
  return exitStatus(done.status, done.signal);
}

/** As `status`, and ends the script when the program failed. */
export function must(what, command, args = [], options = {}) {
  const result = status(command, args, options);
  if (result !== 0) throw new Plain(`${what} failed (${command} ended with status ${result}); its messages are above.`);
}

function exitStatus(code, signal) {
  return code ?? 128 + (constants.signals[signal] ?? 0);
}

/** How long those of a group may take to end, in ms. */
const LAST_WORDS_MS = 20_000;

/**
 * Runs a program beside us and waits for its end. A signal must not leave orphans: it goes on to the program, that
 * ends, then this resolves, then the caller cleans up. With `detached` it goes on to all that the program has started
 * in its group as well, and what does not end then is killed.
 * @returns a promise of its exit status
 */
export function follow(command, args = [], options = {}) {
  return new Promise(resolve => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    const toGroup = signal => {
      try {
        process.kill(-child.pid, signal);
      } catch (error) {
        if (error.code !== 'ESRCH') throw error;
      }
    };
    const pass = signal => {
      if (options.detached) {
        toGroup('SIGTERM');
        setTimeout(toGroup, LAST_WORDS_MS, 'SIGKILL').unref();
        // A terminal sends its Ctrl+C to the program itself too: twice would be a second wish.
      } else if (signal !== 'SIGINT') child.kill(signal);
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, pass);
    const end = result => {
      for (const signal of signals) process.off(signal, pass);
      resolve(result);
    };
    child.on('error', error => end(error.code === 'ENOENT' ? 127 : 126));
    child.on('exit', (code, signal) => end(exitStatus(code, signal)));
  });
}

/** Runs a script's work: a plain failure is told in its own words, anything else with its trace. */
export function main(work) {
  Promise.resolve()
    .then(work)
    .then(
      code => {
        process.exitCode = code ?? 0;
      },
      error => {
        console.error(error instanceof Plain ? `\n${error.message}` : error);
        process.exitCode = 1;
      },
    );
}
