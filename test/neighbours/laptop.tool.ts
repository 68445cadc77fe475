/**
 * One laptop as its own process: announces and watches, tells what it sees as JSON lines on stdout, and obeys lines on
 * stdin: `announce JSON`, `withdraw`, `watch`, `unwatch`, `list`, `close`.
 * Arguments: interface names, separated by commas ('' for all), and `loopback` if that is to be one of all.
 */
import { createInterface } from 'node:readline';
import { type Announcement, Neighbours } from '../../src/neighbours/neighbours';

const interfaces = process.argv[2]?.split(',').filter(name => name !== '') ?? [];
const loopback = process.argv[3] === 'loopback';
const neighbours = new Neighbours(interfaces.length > 0 ? { interfaces } : { loopback });

function tell(event: string, payload: unknown): void {
  process.stdout.write(`${JSON.stringify({ event, payload })}\n`);
}

neighbours.on('added', sighting => tell('added', sighting));
neighbours.on('changed', sighting => tell('changed', sighting));
neighbours.on('removed', sighting => tell('removed', sighting));
neighbours.on('warning', ({ text }) => tell('warning', text));

async function obey(line: string): Promise<void> {
  const [command, ...rest] = line.split(' ');
  switch (command) {
    case 'announce':
      neighbours.announce(JSON.parse(rest.join(' ')) as Announcement);
      break;
    case 'withdraw':
      await neighbours.withdraw();
      break;
    case 'watch':
      neighbours.watch();
      break;
    case 'unwatch':
      neighbours.unwatch();
      break;
    case 'doubt':
      neighbours.doubt(rest.join(' '));
      break;
    case 'list':
      tell('list', neighbours.list());
      break;
    case 'close':
      await neighbours.close();
      input.close();
      break;
    default:
      throw new Error(`no such command: ${line}`);
  }
  tell('done', command);
}

const input = createInterface({ input: process.stdin });
// One after the other, in the order given; commands that come while it starts wait.
let work = neighbours.start().then(() => tell('started', interfaces));
input.on('line', line => {
  work = work.then(() => obey(line));
});
// Whoever gives the orders has gone: nobody is left to end this laptop.
input.on('close', () => {
  work = work.then(() => neighbours.close());
});
