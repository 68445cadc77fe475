/** A process of its own that owns a store: `own DIR` says so on stdout and waits to be killed. */
import { PassItOnError } from '../../src/core/errors';
import { Store } from '../../src/store/store';
import { INTAKE_WORKER } from './support';

async function main([command, ...args]: string[]): Promise<void> {
  const [dir = '', tree = ''] = args;
  const store = await Store.open(dir, { intakeWorker: INTAKE_WORKER });
  if (command === 'own') {
    process.stdout.write('mine\n');
    process.stdin.resume();
    return;
  }
  if (command !== 'publish') throw new Error(`what is ${command}?`);
  try {
    const result = await store.publish(tree, { name: 'x', version: '1', time: 1 });
    const { maxRSS } = process.resourceUsage();
    process.stdout.write(`${JSON.stringify({ ...result, maxRSS })}\n`);
  } catch (error) {
    if (!(error instanceof PassItOnError)) throw error;
    process.stdout.write(`${JSON.stringify(error)}\n`);
  } finally {
    await store.close();
  }
}

main(process.argv.slice(2)).catch(error => {
  console.error(error);
  process.exitCode = 1;
});
