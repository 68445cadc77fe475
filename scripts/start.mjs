// npm start: a classroom of laptops on this machine, and the screen of one of them. Without a display the same runs in
// a display of its own, upgrades by itself, keeps pictures and ends.
import { spawn } from 'node:child_process';
import { follow, main, Plain, say } from './run.mjs';
import { build, ensure, hasDisplay } from './setup.mjs';

const PICTURES = 'build/screenshots/demo';

/**
 * Starts a server that writes a line to its file descriptor 3 once it is ready.
 * @returns {Promise<{ line: string, stop(): void }>}
 */
function startServer(command, ...args) {
  return new Promise((resolve, reject) => {
    const fail = how => reject(new Plain(`${command} did not start: ${how}. Its messages:\n${messages}`));
    const server = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    let messages = '';
    server.stdio[2].setEncoding('utf8').on('data', text => {
      messages += text;
    });
    server.once('error', error => fail(error.message));
    server.once('exit', code => fail(`it ended with status ${code}`));
    let line = '';
    server.stdio[3].setEncoding('utf8').on('data', text => {
      line += text;
      if (!line.endsWith('\n')) return;
      server.removeAllListeners('exit');
      resolve({ line: line.trim(), stop: () => server.kill() });
    });
  });
}

/** The demo by itself, on a display and a session bus of its own. */
async function demoWithoutDisplay(demo) {
  const display = await startServer('Xvfb', '-displayfd', '3', '-screen', '0', '1200x900x24', '-nolisten', 'tcp');
  const bus = await startServer('dbus-daemon', '--session', '--nofork', '--print-address=3').catch(error => {
    display.stop();
    throw error;
  });
  const env = {
    ...process.env,
    DISPLAY: `:${display.line}`,
    DBUS_SESSION_BUS_ADDRESS: bus.line,
    GDK_BACKEND: 'x11',
    // Nobody listens with a screen reader in there.
    NO_AT_BRIDGE: '1',
  };
  const result = await follow(process.execPath, [...demo, '--auto', '--screenshots', PICTURES], { env });
  bus.stop();
  display.stop();
  return result;
}

main(() => {
  const headless = !hasDisplay();
  ensure(['build', 'run', 'demo', ...(headless ? ['headless'] : [])]);
  build();
  const demo = ['dist/demo.js', ...process.argv.slice(2)];
  if (headless) {
    say(`No display here: the demo runs in Xvfb by itself and keeps its pictures in ${PICTURES}`);
    return demoWithoutDisplay(demo);
  }
  say('Opening the demo classroom; close its window to end it');
  return follow(process.execPath, demo);
});
