/** The commands: each takes its words apart, asks the service, and says the answer. */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ParseArgsConfig } from 'node:util';
import type { ImageInfo, NeighbourEvent, Progress, ServiceClient, Status, UpgradeState } from '../service/contract';
import { address, addresses, expectWords, number, type Options, required } from './args';
import { duration, imageTitle, megabytes, table } from './format';
import type { Output } from './output';
import { adopt, exportTo, gc, manifest, remove, verify } from './store-commands';

export interface Command {
  options: NonNullable<ParseArgsConfig['options']>;
  /** @throws PassItOnError 'usage' before anything is opened. */
  check(words: string[], options: Options): void;
  run(client: ServiceClient, words: string[], options: Options, output: Output): Promise<void>;
}

const MAX_WAIT_SECONDS = 86_400;
const NEIGHBOURS_WAIT_SECONDS = 3;

const publish: Command = {
  options: {
    name: { type: 'string' },
    version: { type: 'string' },
    time: { type: 'string' },
    'root-owned': { type: 'boolean' },
    'no-xattrs': { type: 'boolean' },
  },
  check(words, options) {
    expectWords(words, ['DIR']);
    required(options, 'name');
    required(options, 'version');
    number(options, 'time', 0, 2 ** 34);
  },
  async run(client, words, options, output) {
    const result = await client.call('publish', {
      dir: resolve(words[0]!),
      name: required(options, 'name'),
      version: required(options, 'version'),
      time: number(options, 'time', 0, 2 ** 34),
      rootOwned: options['root-owned'] === true,
      xattrs: options['no-xattrs'] !== true,
    });
    for (const warning of result.warnings) output.warn(warning);
    const { image, paths, bytes, newObjects, newBytes } = result;
    output.say(`Published ${imageTitle(image)}: ${paths} paths, ${megabytes(bytes)}.`);
    output.say(`New in the store: ${newObjects} objects, ${megabytes(newBytes)}. Commit ${image.commit}.`);
    output.tell(result);
  },
};

const use: Command = {
  options: {},
  check: words => expectWords(words, ['VERSION']),
  async run(client, words, _options, output) {
    sayStatus(await client.call('use', { version: words[0]! }), output);
  },
};

const neighbours: Command = {
  options: { wait: { type: 'string' } },
  check(words, options) {
    expectWords(words, []);
    number(options, 'wait', 0, MAX_WAIT_SECONDS);
  },
  async run(client, _words, options, output) {
    const rows = new Map<string, NeighbourEvent>();
    const note = (event: NeighbourEvent) => {
      output.tell(event);
      if (event.event === 'removed') rows.delete(event.id);
      else rows.set(event.id, event);
    };
    client.on('neighbour', note);
    for (const one of await client.call('watchNeighbours', { on: true })) {
      if (!rows.has(one.id)) note({ event: 'added', ...one });
    }
    await sleep((number(options, 'wait', 0, MAX_WAIT_SECONDS) ?? NEIGHBOURS_WAIT_SECONDS) * 1000);
    client.off('neighbour', note);
    if (rows.size === 0) output.say('Nobody is near.');
    else output.say(table([['NAME', 'IMAGE', 'VERSION', '', 'ADDRESS', 'COMMIT'], ...[...rows.values()].map(row)]));
  },
};

function row({ nick, image, version, relation, address, commit }: NeighbourEvent): string[] {
  return [nick || '-', image, version, relation, address, commit.slice(0, 10)];
}

const compare: Command = {
  options: { from: { type: 'string', multiple: true } },
  check: words => expectWords(words, ['VERSION or ADDRESS']),
  async run(client, words, options, output) {
    const plan = await client.call('compare', { target: address(words[0]!), from: addresses(options, 'from') });
    const from = plan.from ? imageTitle(plan.from) : 'nothing';
    output.say(`From ${from} to ${imageTitle(plan.to)}:`);
    output.say(`  ${plan.added} paths added, ${plan.changed} changed, ${plan.removed} removed,`);
    output.say(`  ${plan.attributesChanged} with other attributes only.`);
    output.say(`To fetch: ${plan.objects} objects, ${megabytes(plan.bytesRaw)} before compression.`);
    output.say(`Disk: ${megabytes(plan.diskBytes)} of ${megabytes(plan.diskFree)} free.`);
    output.say(`Who can give it: ${plan.sources.map(({ nick, address }) => nick || address).join(', ') || 'nobody'}.`);
    output.tell(plan);
  },
};

const upgrade: Command = {
  options: { from: { type: 'string', multiple: true }, wait: { type: 'string' } },
  check(words, options) {
    expectWords(words, ['VERSION']);
    number(options, 'wait', 0, MAX_WAIT_SECONDS);
  },
  async run(client, words, options, output) {
    let step = '';
    client.on('progress', ({ progress, state, to }: UpgradeState) => {
      if (state !== 'running') return;
      output.tell(progressLine(progress));
      if (progress.step !== step) output.say(`${STEPS[progress.step]}: ${imageTitle(to)}`);
      step = progress.step;
      output.progress(progressText(progress));
    });
    const stop = () => void client.call('stopUpgrade', null).catch(() => {});
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
    const result = await client
      .call('upgrade', {
        version: words[0]!,
        from: addresses(options, 'from'),
        patience: number(options, 'wait', 0, MAX_WAIT_SECONDS),
      })
      .finally(() => output.endProgress());
    const received = megabytes(result.bytesReceived);
    output.say(`${result.version} is staged: ${received} received in ${duration(result.seconds)}.`);
    output.say('Use it with "pass-it-on activate".');
    output.tell(result);
  },
};

const STEPS = { compare: 'Comparing', fetch: 'Fetching', check: 'Checking', stage: 'Staging', ready: 'Ready' } as const;

function progressLine(progress: Progress): object {
  const { step, filesDone, filesTotal, bytesDone, bytesTotal, rate, secondsLeft, sources, bytesReceived, waiting } =
    progress;
  return { step, filesDone, filesTotal, bytesDone, bytesTotal, rate, secondsLeft, sources, bytesReceived, waiting };
}

function progressText({ bytesDone, bytesTotal, filesDone, filesTotal, rate, secondsLeft, waiting }: Progress): string {
  if (waiting) return 'Looking for another laptop…';
  const parts = [`${filesDone} of ${filesTotal} files`, `${megabytes(bytesDone)} of ${megabytes(bytesTotal)}`];
  if (rate > 0) parts.push(`${megabytes(rate)}/s`);
  if (secondsLeft !== null) parts.push(`${duration(secondsLeft)} left`);
  return parts.join(', ');
}

const status: Command = {
  options: {},
  check: words => expectWords(words, []),
  async run(client, _words, _options, output) {
    sayStatus(await client.call('status', null), output);
  },
};

function sayStatus(status: Status, output: Output): void {
  const title = (image: ImageInfo | null) => (image ? imageTitle(image) : '-');
  output.say(`Current:  ${title(status.current)}`);
  output.say(`Previous: ${title(status.previous)}`);
  output.say(`Staged:   ${title(status.staged)}`);
  if (status.upgrade) output.say(`Upgrade:  ${imageTitle(status.upgrade.to)}, ${status.upgrade.state}`);
  if (status.images.length > 0) output.say(`\n${table([['IMAGE', 'VERSION', 'SIZE', 'COMMIT'], ...images(status)])}`);
  for (const warning of status.warnings) output.warn(warning);
  output.tell(status);
}

function images({ images }: Status): string[][] {
  return images.map(({ name, version, bytes, commit }) => [name, version, megabytes(bytes), commit.slice(0, 10)]);
}

const RESTART = { restart: { type: 'boolean' } } as const;

const activate: Command = {
  options: RESTART,
  check: words => expectWords(words, []),
  async run(client, _words, options, output) {
    sayStatus(await client.call('activate', { restart: options.restart === true }), output);
  },
};

const goBack: Command = {
  options: RESTART,
  check: words => expectWords(words, []),
  async run(client, _words, options, output) {
    sayStatus(await client.call('goBack', { restart: options.restart === true }), output);
  },
};

export const COMMANDS: Record<string, Command> = {
  publish,
  use,
  neighbours,
  compare,
  upgrade,
  status,
  activate,
  'go-back': goBack,
  verify,
  manifest,
  remove,
  gc,
  adopt,
  export: exportTo,
};
