/**
 * The demo classroom: real service processes with stores of their own on this machine, on the loopback interface only,
 * and the real screen for one more. All it writes is in one folder, which can be deleted at any time.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { CLASSMATES, type Classmate, IMAGE_NAME, ME, RATE, RELEASE_NOTES, SCHOOL } from './classroom';
import { Keeper } from './keeper';
import { makeTree } from './trees';

const COMMAND = join(__dirname, 'pass-it-on');
const SCREEN = join(__dirname, 'screen.js');
const run = promisify(execFile);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      folder: { type: 'string', default: 'demo-classroom' },
      auto: { type: 'boolean', default: false },
      screenshots: { type: 'string' },
      kiosk: { type: 'boolean', default: false },
      pace: { type: 'string' },
      rate: { type: 'string', default: String(RATE) },
    },
  });
  const folder = resolve(values.folder);
  say(`Demo classroom in ${folder} (delete it whenever you like; nothing else is written).`);
  mkdirSync(folder, { recursive: true });
  // All that is started from here trusts the school's key, and takes Gabo's image although nobody has signed it.
  process.env.PASS_IT_ON_ALLOWED_SIGNERS = await makeKey(folder);
  process.env.PASS_IT_ON_ALLOW_UNSIGNED = '1';
  const keeper = new Keeper(values.kiosk);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      keeper.endAll();
      process.exit(1);
    });
  }
  // My own laptop begins afresh each time, so that there is something to upgrade.
  rmSync(laptop(folder, ME), { recursive: true, force: true });
  await Promise.all([...CLASSMATES, ME].map(classmate => prepare(folder, classmate)));
  try {
    const hook = writeHook(folder);
    await Promise.all([...CLASSMATES, ME].map(one => startService(folder, one, hook, values.rate, keeper)));
    say(
      `${CLASSMATES.length} neighbours are here: ${CLASSMATES.map(({ nick, version }) => `${nick} ${version}`).join(', ')}.`,
    );
    const args = [SCREEN, '--attach', '--store', store(folder, ME)];
    if (values.auto) args.push('--auto');
    if (values.screenshots) args.push('--screenshots', resolve(values.screenshots));
    if (values.kiosk) args.push('--kiosk', '--home', ME.version);
    if (values.pace) args.push('--pace', values.pace);
    return await keeper.run(args);
  } finally {
    keeper.endAll();
  }
}

/** Makes the school's key, unless an earlier run has; returns the file that says whom to trust. */
async function makeKey(folder: string): Promise<string> {
  const key = signingKey(folder);
  const trusted = join(folder, 'allowed_signers');
  if (!existsSync(`${key}.pub`)) {
    rmSync(key, { force: true });
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', SCHOOL, '-f', key]);
  }
  const [type, base64] = readFileSync(`${key}.pub`, 'utf8').split(' ');
  writeFileSync(trusted, `"${SCHOOL}" namespaces="git" ${type} ${base64}\n`);
  return trusted;
}

/** The command line, by the Node.js that runs this. */
function command(words: string[]): Promise<{ stdout: string }> {
  return run(process.execPath, [COMMAND, ...words]);
}

function signingKey(folder: string): string {
  return join(folder, 'school_key');
}

/** Makes the classmate's image and store, unless an earlier run has. */
async function prepare(folder: string, classmate: Classmate): Promise<void> {
  const mine = store(folder, classmate);
  const held = await command(['status', '--json', '--store', mine]);
  const { current } = JSON.parse(held.stdout) as { current: { version: string; signedBy: string | null } | null };
  const signedBy = classmate.unsigned ? null : SCHOOL;
  if (current?.version === classmate.version && current.signedBy === signedBy) return;
  rmSync(laptop(folder, classmate), { recursive: true, force: true });
  say(`Making ${classmate.nick}'s laptop with ${IMAGE_NAME} ${classmate.version}.`);
  const tree = join(laptop(folder, classmate), 'tree');
  const time = makeTree(tree, classmate.version);
  const { version } = classmate;
  const as = ['--name', IMAGE_NAME, '--version', version, '--time', String(time), '--root-owned'];
  const notes = RELEASE_NOTES[version];
  if (notes !== undefined) as.push('--release-notes', notes);
  if (!classmate.unsigned) as.push('--sign-with', signingKey(folder));
  await command(['publish', tree, ...as, '--store', mine]);
  await command(['use', version, '--store', mine]);
  rmSync(tree, { recursive: true });
}

/** Resolves when it serves. */
function startService(
  folder: string,
  { nick, colors }: Classmate,
  hook: string,
  rate: string,
  keeper: Keeper,
): Promise<void> {
  const where = ['--store', store(folder, { nick }), '--interface', 'lo', '--port', '0'];
  const who = ['--nick', nick, '--colors', colors, '--rate', rate];
  return keeper.serve(nick, [COMMAND, 'serve', ...where, ...who], { PASS_IT_ON_ACTIVATION_HOOK: hook });
}

/** What a laptop does to restart, the demo's way. */
function writeHook(folder: string): string {
  const hook = join(folder, 'activate');
  writeFileSync(hook, '#!/bin/sh\necho "A real laptop would restart into $2 now."\n', { mode: 0o755 });
  return hook;
}

function laptop(folder: string, { nick }: Pick<Classmate, 'nick'>): string {
  return join(folder, nick);
}

function store(folder: string, classmate: Pick<Classmate, 'nick'>): string {
  return join(laptop(folder, classmate), 'store');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().then(
  code => {
    process.exitCode = code;
  },
  cause => {
    process.stderr.write(`The demo could not start: ${(cause as Error).message}\n`);
    process.exitCode = 1;
  },
);
