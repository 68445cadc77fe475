// npm start: a classroom of laptops on this machine, and the screen of one of them. Without a display the same runs in
// a display of its own, upgrades by itself, keeps pictures and ends.
import { spawn } from 'node:child_process';
import { follow, main, Plain, say } from './run.mjs';
import { build, ensure, hasDisplay } from './setup.mjs';

const PICTURES = 'build/screenshots/demo';

/**
 * An X server of our own, on a display number that it finds free itself.
 * @returns {Promise<{ display: string, stop(): void }>}
 */
function startXvfb() {
  return new Promise((resolve, reject) => {
    const args = ['-displayfd', '3', '-screen', '0', '1200x900x24', '-nolisten', 'tcp', '-noreset'];
    const server = spawn('Xvfb', args, { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
    server.once('error', error => reject(new Plain(`Xvfb did not start: ${error.message}`)));
    server.once('exit', code => reject(new Plain(`Xvfb ended with status ${code} before it was ready.`)));
    let number = '';
    server.stdio[3].setEncoding('ascii').on('data', text => {
      number += text;
      if (!number.endsWith('\n')) return;
      server.removeAllListeners('exit');
      resolve({ display: `:${number.trim()}`, stop: () => server.kill() });
    });
  });
}

main(async () => {
  const headless = !hasDisplay();
  ensure(['build', 'run', ...(headless ? ['headless'] : [])]);
  build();
  const given = process.argv.slice(2);
  if (!headless) {
    say('Opening the demo classroom; close its window to end it');
    return follow(process.execPath, ['dist/demo.js', ...given]);
  }
  say(`No display here: the demo runs in Xvfb by itself and keeps its pictures in ${PICTURES}`);
  const xvfb = await startXvfb();
  try {
    const demo = [process.execPath, 'dist/demo.js', '--auto', '--screenshots', PICTURES, ...given];
    // GDK_BACKEND: nothing else of this machine's; NO_AT_BRIDGE: nobody listens with a screen reader in there.
    const env = { ...process.env, DISPLAY: xvfb.display, GDK_BACKEND: 'x11', NO_AT_BRIDGE: '1' };
    return await follow('dbus-run-session', ['--', ...demo], { env });
  } finally {
    xvfb.stop();
  }
});
