/** classroom.tool.js FOLDER COUNT [RATE]: a class of services; says a line when each thing on stdin has been done. */
import { createInterface } from 'node:readline';
import { Classroom } from './classroom';

const [folder = '', count = '8', rate] = process.argv.slice(2);

async function main(): Promise<void> {
  const room = await Classroom.open(folder, Number(count), rate === undefined ? undefined : Number(rate));
  process.stdout.write(`${room.store}\n`);
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, value = ''] = line.split(' ');
    if (word === 'leave') await room.leave(value);
    else if (word === 'come') await room.come(value ? Number(value) : undefined);
    else if (word === 'restart') await room.restartMine();
    process.stdout.write(`${line}\n`);
  }
  await room.close();
}

process.env.PASS_IT_ON_ALLOW_UNSIGNED = '1';
main().then(
  () => process.exit(0),
  error => {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.exit(1);
  },
);
