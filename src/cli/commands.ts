/** The commands: each takes its words apart, asks the service, and says the answer. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ParseArgsConfig } from 'node:util';
import type {
  ImageInfo,
  NeighbourEvent,
  Plan,
  Progress,
  Relation,
  ServiceClient,
  Status,
  UpgradeState,
} from '../service/contract';
import { type Cost, Survey } from '../service/survey';
import { address, addresses, effort, expectWords, number, type Options, required, text } from './args';
import { count, duration, imageTitle, megabytes, shownNotes, table } from './format';
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
    'sign-with': { type: 'string' },
    'minimum-version': { type: 'string' },
    'journal-format': { type: 'string' },
    'release-notes': { type: 'string' },
  },
  check(words, options) {
    expectWords(words, ['DIR']);
    required(options, 'name');
    required(options, 'version');
    number(options, 'time', 0, 2 ** 34);
    for (const name of ['sign-with', 'minimum-version', 'journal-format']) {
      if (options[name] !== undefined) required(options, name);
    }
  },
  async run(client, words, options, output) {
    const key = text(options, 'sign-with');
    const result = await client.call('publish', {
      dir: resolve(words[0]!),
      name: required(options, 'name'),
      version: required(options, 'version'),
      time: number(options, 'time', 0, 2 ** 34),
      rootOwned: options['root-owned'] === true,
      xattrs: options['no-xattrs'] !== true,
      minimumVersion: text(options, 'minimum-version'),
      journalFormat: text(options, 'journal-format'),
      releaseNotes: await releaseNotes(options),
      signWith: key === undefined ? undefined : resolve(key),
      // The service may run elsewhere; the agent is that of whoever publishes.
      agent: process.env.SSH_AUTH_SOCK,
    });
    for (const warning of result.warnings) output.warn(warning);
    const { image, paths, bytes, newObjects, newBytes, signedWith } = result;
    output.say(`Published ${imageTitle(image)}: ${count(paths, 'path')}, ${megabytes(bytes)}.`);
    output.say(`New in the store: ${count(newObjects, 'object')}, ${megabytes(newBytes)}. Commit ${image.commit}.`);
    if (signedWith !== null) output.say(`Signed with ${signedWith}${image.signedBy ? `, ${image.signedBy}` : ''}.`);
    output.tell(result);
  },
};

/** The words themselves, or with an @ before it the file that holds them. */
async function releaseNotes(options: Options): Promise<string | undefined> {
  const notes = text(options, 'release-notes');
  return notes?.startsWith('@') ? readFile(notes.slice(1), 'utf8') : notes;
}

const use: Command = {
  options: {},
  check: words => expectWords(words, ['VERSION']),
  async run(client, words, _options, output) {
    sayStatus(await client.call('use', { version: words[0]! }), output);
  },
};

const neighbours: Command = {
  options: {
    wait: { type: 'string' },
    watch: { type: 'boolean' },
    compare: { type: 'boolean' },
    from: { type: 'string', multiple: true },
  },
  check(words, options) {
    expectWords(words, []);
    number(options, 'wait', 0, MAX_WAIT_SECONDS);
  },
  async run(client, _words, options, output) {
    const watch = options.watch === true;
    const rows = new Map<string, NeighbourEvent>();
    const survey = new Survey(
      () => client,
      commit => {
        for (const event of rows.values()) if (event.commit === commit) tell({ ...event, event: 'changed' });
      },
    );
    const cost = (event: NeighbourEvent) => (options.compare ? survey.cost(event) : null);
    const tell = (event: NeighbourEvent) => {
      output.tell({ ...event, ...cost(event) });
      if (watch) output.say([SIGNS[event.event], ...row(event, cost(event))].join('  ').trimEnd());
    };
    const note = (event: NeighbourEvent) => {
      tell(event);
      if (event.event === 'removed') rows.delete(event.id);
      else rows.set(event.id, event);
      if (options.compare) survey.want(rows.values());
    };
    client.on('neighbour', note);
    for (const one of await client.call('watchNeighbours', { on: true, from: addresses(options, 'from') })) {
      if (!rows.has(one.id)) note({ event: 'added', ...one });
    }
    const wait = number(options, 'wait', 0, MAX_WAIT_SECONDS) ?? (watch ? null : NEIGHBOURS_WAIT_SECONDS);
    await untilInterrupted(client, wait);
    client.off('neighbour', note);
    if (!watch) await survey.settled();
    // Whatever there was to tell has been told.
    if (watch) return;
    if (rows.size === 0) {
      output.say('Nobody is near.');
      // Why that may be: no network, no multicast, laptops kept apart from each other.
      for (const warning of (await client.call('status', null)).warnings) output.warn(warning);
    } else {
      const heads = ['NAME', 'IMAGE', 'VERSION', '', 'ADDRESS', 'COMMIT', ...(options.compare ? COST_HEADS : []), ''];
      output.say(table([heads, ...[...rows.values()].map(event => row(event, cost(event)))]));
    }
  },
};

const SIGNS = { added: '+', changed: '=', removed: '-' } as const;

const COST_HEADS = ['SIGNED BY', 'TO FETCH'];

function row(
  { nick, image, version, relation, address, commit, problem }: NeighbourEvent,
  cost: Cost | null,
): string[] {
  const bytes = cost?.bytesToFetch ?? null;
  const costs = cost ? [cost.signedBy ?? '-', bytes === null ? (cost.refusal ?? '?') : megabytes(bytes)] : [];
  return [nick || '-', image, version, relation, address, commit.slice(0, 10), ...costs, problem ?? ''];
}

/** Until so many seconds are over (null: never), the service ends, or somebody interrupts. */
function untilInterrupted(client: ServiceClient, seconds: number | null): Promise<void> {
  return new Promise(resolve => {
    const timer = seconds === null ? null : setTimeout(done, seconds * 1000);
    function done(): void {
      if (timer) clearTimeout(timer);
      process.off('SIGINT', done);
      process.off('SIGTERM', done);
      resolve();
    }
    process.once('SIGINT', done);
    process.once('SIGTERM', done);
    client.onClose(done);
  });
}

const compare: Command = {
  options: { from: { type: 'string', multiple: true } },
  check: words => expectWords(words, ['VERSION or ADDRESS']),
  async run(client, words, options, output) {
    const plan = await client.call('compare', { target: address(words[0]!), from: addresses(options, 'from') });
    const { from, to } = plan;
    output.say(
      from ? `From ${imageTitle(from)} to ${imageTitle(to)} (${RELATION[plan.relation]}):` : `To ${imageTitle(to)}:`,
    );
    output.say(`  ${count(plan.added, 'path')} added, ${plan.changed} changed, ${plan.removed} removed,`);
    output.say(`  ${plan.attributesChanged} with other attributes only.`);
    output.say(`To fetch: ${count(plan.objects, 'object')}, ${megabytes(plan.bytesRaw)} before compression.`);
    output.say(`Disk: ${megabytes(plan.diskBytes)} of ${megabytes(plan.diskFree)} free.`);
    output.say(`Who can give it: ${plan.sources.map(({ nick, address }) => nick || address).join(', ') || 'nobody'}.`);
    sayTrust(plan, output);
    output.tell(plan);
  },
};

const RELATION: Record<Relation, string> = {
  newer: 'newer',
  older: 'older',
  same: 'the same',
  different: 'the same version, but not the same inside',
  other: 'another image, neither newer nor older',
};

/** Who stands for it, what its makers say of it, and what to think of before taking it. */
function sayTrust(plan: Plan, output: Output): void {
  if (plan.signedBy !== null) output.say(`Signed by ${plan.signedBy}.`);
  else if (plan.trustProblem === null) output.say('Not signed by anybody whom this laptop trusts.');
  if (plan.minimumVersion !== null) output.say(`Its makers want nobody below ${plan.minimumVersion}.`);
  if (plan.releaseNotes !== null) output.say(`Release notes:\n  ${shownNotes(plan.releaseNotes)}`);
  for (const warning of plan.warnings) output.warn(warning);
  if (plan.journalWarning !== null) output.warn(plan.journalWarning);
  if (plan.trustProblem !== null) {
    const { code, message, remedy } = plan.trustProblem;
    output.say(`This laptop will not take it (${code}): ${message} ${remedy}`);
  }
}

const upgrade: Command = {
  options: { from: { type: 'string', multiple: true }, wait: { type: 'string' }, effort: { type: 'string' } },
  check(words, options) {
    expectWords(words, ['VERSION']);
    effort(options);
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
        effort: effort(options),
      })
      .finally(() => output.endProgress());
    for (const warning of result.warnings) output.warn(warning);
    const received = megabytes(result.bytesReceived);
    output.say(`${result.version} is staged: ${received} received in ${duration(result.seconds)}.`);
    if (result.signedBy !== null) output.say(`Signed by ${result.signedBy}.`);
    output.say('Use it with "pass-it-on activate".');
    output.tell(result);
  },
};

const STEPS = { compare: 'Comparing', fetch: 'Fetching', check: 'Checking', stage: 'Staging', ready: 'Ready' } as const;

function progressLine(progress: Progress): object {
  const { step, filesDone, filesTotal, bytesDone, bytesTotal, part, rate, secondsLeft } = progress;
  const { sources, bytesReceived, waiting } = progress;
  const counted = { filesDone, filesTotal, bytesDone, bytesTotal, part, rate, secondsLeft };
  return { step, ...counted, sources, bytesReceived, waiting };
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
  output.say(`Store:    ${status.store}, ${megabytes(status.diskFree)} free on its disk`);
  if (status.upgrade) output.say(`Upgrade:  ${imageTitle(status.upgrade.to)}, ${status.upgrade.state}`);
  if (status.images.length > 0)
    output.say(`\n${table([['IMAGE', 'VERSION', 'SIZE', 'COMMIT', 'SIGNED BY'], ...images(status)])}`);
  else output.say('\nNo image is here yet. Look who has one with "pass-it-on neighbours", or publish one.');
  for (const warning of status.warnings) output.warn(warning);
  output.tell(status);
}

function images({ images }: Status): string[][] {
  return images.map(({ name, version, bytes, commit, signedBy }) => {
    return [name, version, megabytes(bytes), commit.slice(0, 10), signedBy ?? '-'];
  });
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
    for (const warning of (await client.call('status', null)).goBackWarnings) output.warn(warning);
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
