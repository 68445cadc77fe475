/**
 * npm run bench -- kiosk [TOURS]: lets the kiosk upgrade, go back and begin anew, 200 times as fast as it can, and
 * prints the resident memory of screen and service as it goes. A kiosk runs for days: neither may grow.
 */
import { KioskRun } from '../test/screen/kiosk-run';
import { end } from './end';
import { onDesktop } from './window';

const tours = Number(process.argv[2] ?? 200);
/** Tours between two lines. */
const STEP = 10;

const bench = onDesktop('kiosk', async (desktop, folder) => {
  const kiosk = KioskRun.start(desktop, folder, 0.01);
  try {
    const began = performance.now();
    process.stdout.write('| tours | screen MB | service MB | seconds |\n| ---: | ---: | ---: | ---: |\n');
    for (let next = 0; next < tours + STEP; next += STEP) {
      // The first tour fills what is filled once.
      const at = Math.max(1, Math.min(next, tours));
      await kiosk.toured(at);
      const { screen, service } = kiosk.weigh();
      const seconds = Math.round((performance.now() - began) / 1000);
      process.stdout.write(`| ${at} | ${screen} | ${service} | ${seconds} |\n`);
    }
    const errors = kiosk.said.split('\n').filter(line => line.startsWith('kiosk: '));
    process.stdout.write(`${errors.length} tours went wrong and were begun anew.\n${errors.join('\n')}\n`);
  } finally {
    await kiosk.stop();
  }
});

end(bench);
