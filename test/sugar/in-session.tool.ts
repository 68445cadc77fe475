/**
 * Run by the Sugar shell (SUGAR_RUN_TEST): installs the bundle given, starts it as its icon does, looks at it through
 * AT-SPI and X, presses Stop, and sees it end. Ends with 0 when all was as it should be; what it saw goes to stdout.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Message, type MessageBus, sessionBus } from '@particle/dbus-next';
import { Accessibility, waitFor } from '../screen/atspi';

const run = promisify(execFile);
const BUNDLE_ID = 'org.laptop.PassItOn';
const [bundle = '', launcher = '', picture = ''] = process.argv.slice(2);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function call(
  bus: MessageBus,
  destination: string,
  path: string,
  member: string,
  ...body: string[]
): Promise<unknown> {
  const answer = await bus.call(
    new Message({
      destination,
      path,
      interface: destination.startsWith('org.laptop.Shell') ? 'org.laptop.Shell' : 'org.laptop.Activity',
      member,
      signature: 's'.repeat(body.length),
      body,
    }),
  );
  return answer?.body[0];
}

/** Processes of the activity's own: their arguments name it. */
function processes(id: string): string[] {
  return readdirSync('/proc').filter(pid => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(id);
    } catch {
      return false;
    }
  });
}

async function main(): Promise<void> {
  const bus = sessionBus();
  const bundlePath = () =>
    call(bus, 'org.laptop.Shell', '/org/laptop/Shell', 'GetBundlePath', BUNDLE_ID).catch(() => null);
  assert.ok((await waitFor(async () => ((await bundlePath()) === null ? null : true))) !== null, 'the shell answers');
  await run('sugar-install-bundle', [bundle]);
  const path = await waitFor(async () => ((await bundlePath()) as string) || null);
  assert.ok(path?.endsWith('PassItOn.activity'), `installed at ${path}`);
  say(`installed: ${path}`);

  const profile = process.env.SUGAR_PROFILE ?? 'default';
  const home = process.env.SUGAR_HOME ?? join(process.env.HOME ?? '', '.sugar');
  const started = performance.now();
  const { stdout } = await run('/usr/bin/python3', [launcher, BUNDLE_ID]);
  const id = stdout.trim();
  const person = await Accessibility.connect(process.env.DBUS_SESSION_BUS_ADDRESS ?? '', BUNDLE_ID);
  const stop = await person.button('Stop');
  await person.button(/^My laptop/);
  await person.text('No laptop is near yet.');
  say(`shown after ${Math.round(performance.now() - started)} ms`);

  // The shell's own word that it knows the window by its properties: without them it gives up after 90 seconds.
  const shellLog = join(home, profile, 'logs', 'shell.log');
  const launched = async () => (readFileSync(shellLog, 'utf8').includes(`${id} launched in`) ? true : null);
  assert.ok(await waitFor(launched), 'the shell has seen the launch succeed');
  assert.equal(await call(bus, `org.laptop.Activity${id}`, `/org/laptop/Activity/${id}`, 'GetDocumentPath'), '');
  const store = join(home, profile, BUNDLE_ID, 'data', 'store');
  assert.ok(existsSync(store), `the store is ${store}`);
  await run('import', ['-window', 'root', picture]);

  assert.ok(processes(id).length > 0);
  await stop.press();
  assert.ok(await waitFor(async () => (processes(id).length === 0 ? true : null)), 'the activity ends');
  say('closed');
  const log = join(home, profile, 'logs', `${BUNDLE_ID}-1.log`);
  // Sugar's own theme makes GTK complain; anything else in there would be ours.
  const lines = readFileSync(log, 'utf8').split('\n');
  const ours = lines.filter(line => line.trim() !== '' && !line.includes('Theme parsing error'));
  assert.deepEqual(ours, [], 'nothing to complain about in the log');
}

main().then(
  () => process.exit(0),
  error => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  },
);
