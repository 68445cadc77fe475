/** The command `pass-it-on`. */
import { version } from '../../package.json';
import { toPassItOnError } from '../core/errors';
import { logError } from '../service/log';
import { didYouMean, type Options, parseOptions, storeFolder, storeIsNamed, usageError } from './args';
import { COMMANDS } from './commands';
import { HELP, helpOf } from './help';
import { nearest } from './nearest';
import { Output } from './output';
import { openSession } from './session';

async function main(args: string[]): Promise<void> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(HELP);
    if (name === undefined) process.exitCode = 2;
    return;
  }
  if (name === '--version') {
    process.stdout.write(`Pass It On ${version}\n`);
    return;
  }
  if (name.startsWith('-')) throw usageError(`The command comes first, then ${name}.`);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]! : null;
  if (!command && name !== 'serve') {
    throw usageError(`There is no command "${name}".${didYouMean(nearest(name, ['serve', ...Object.keys(COMMANDS)]))}`);
  }
  // Wherever it stands among the words: who asks for help has not got them right yet.
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(helpOf(name));
    return;
  }
  if (!command) {
    const { SERVE_OPTIONS, serve } = await import('./own-service');
    const { options, words } = parseOptions(rest, SERVE_OPTIONS);
    return serve(words, options, new Output(options.json === true));
  }
  const { options, words } = parseOptions(rest, command.options);
  const output = new Output(options.json === true);
  command.check(words, options);
  await withSession(options, session => command.run(session, words, options, output));
}

async function withSession(
  options: Options,
  run: (client: Awaited<ReturnType<typeof openSession>>['client']) => Promise<void>,
): Promise<void> {
  const session = await openSession(storeFolder(options), storeIsNamed(options));
  try {
    await run(session.client);
  } finally {
    await session.close();
  }
}

const args = process.argv.slice(2);
// A reader that has seen enough (`pass-it-on neighbours | head`) is no error.
process.stdout.on('error', cause => process.exit((cause as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : 1));
main(args).then(
  // Whatever a library keeps open must not keep a finished command from ending.
  () => process.exit(),
  thrown => {
    const error = toPassItOnError(thrown);
    if (error.code === 'internal') logError('pass-it-on', thrown);
    new Output(args.includes('--json')).fail(error);
    process.exit(error.code === 'usage' ? 2 : 1);
  },
);
