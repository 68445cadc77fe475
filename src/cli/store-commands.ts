/** The commands that look after the images of this laptop: whole, removed, cleaned, adopted, exported, listed. */
import { resolve } from 'node:path';
import { PassItOnError } from '../core/errors';
import type { CleanResult } from '../service/contract';
import { addresses, effort, expectWords, number, required, text } from './args';
import type { Command } from './commands';
import { count, duration, imageTitle, megabytes } from './format';
import type { Output } from './output';

const MAX_WAIT_SECONDS = 86_400;
const FROM = { from: { type: 'string', multiple: true } } as const;

export const verify: Command = {
  options: { ...FROM, repair: { type: 'boolean' } },
  check: words => expectWords(words, ['VERSION'], 1),
  async run(client, words, options, output) {
    const from = addresses(options, 'from');
    const report = await client.call('verify', { version: words[0], repair: options.repair === true, from });
    output.tell(report);
    if (report.repaired && report.repaired.paths + report.repaired.objects > 0) {
      const { paths, objects } = report.repaired;
      output.say(`Mended: ${count(paths, 'path')}; ${count(objects, 'content')} came from others.`);
    }
    for (const { path, problem } of report.problems) output.say(`${path}: ${problem}`);
    for (const { path, problem } of report.notKept) output.say(`${path}: ${problem} (needs root)`);
    if (report.problems.length > 0) {
      const differ = report.problems.length === 1 ? 'differs' : 'differ';
      const things = count(report.problems.length, 'thing');
      const message = `${things} in ${imageTitle(report.image)} ${differ} from what was published.`;
      throw new PassItOnError(
        'damaged',
        message,
        'Mend it with "pass-it-on verify --repair" when a laptop with it is near.',
      );
    }
    output.say(`${imageTitle(report.image)} is whole: ${count(report.paths, 'path')}, ${megabytes(report.bytes)}.`);
  },
};

export const manifest: Command = {
  options: {},
  check: words => expectWords(words, ['VERSION'], 1),
  async run(client, words, _options, output) {
    const manifest = await client.call('manifest', { version: words[0] });
    await output.write(manifest, { manifest });
  },
};

export const remove: Command = {
  options: {},
  check: words => expectWords(words, ['VERSION']),
  async run(client, words, _options, output) {
    sayCleaned(await client.call('remove', { version: words[0]! }), output);
  },
};

export const gc: Command = {
  options: {},
  check: words => expectWords(words, []),
  async run(client, _words, _options, output) {
    sayCleaned(await client.call('collectGarbage', null), output);
  },
};

function sayCleaned(result: CleanResult, output: Output): void {
  for (const image of result.images) output.say(`Removed ${imageTitle(image)}.`);
  const { bytesFreed } = result;
  output.say(`Freed: ${megabytes(bytesFreed)}${bytesFreed < 1000 ? '' : ` (${bytesFreed} bytes)`}.`);
  output.tell(result);
}

export const exportTo: Command = {
  options: {},
  check(words) {
    if (words.length === 0) expectWords(words, ['DIR']);
  },
  async run(client, words, _options, output) {
    const [dir = '', ...versions] = words;
    const result = await client.call('export', { dir: resolve(dir), versions });
    for (const image of result.images) output.say(`Exported ${imageTitle(image)}.`);
    output.say(`Written to ${result.dir}: ${count(result.objects, 'object')}, ${megabytes(result.bytes)}.`);
    output.say('Any web server can hold this folder, and any git can clone it.');
    output.tell(result);
  },
};

export const adopt: Command = {
  options: { ...FROM, root: { type: 'string' }, wait: { type: 'string' }, effort: { type: 'string' } },
  check(words, options) {
    expectWords(words, ['VERSION']);
    required(options, 'root');
    effort(options);
    number(options, 'wait', 0, MAX_WAIT_SECONDS);
  },
  async run(client, words, options, output) {
    const result = await client.call('adopt', {
      version: words[0]!,
      root: resolve(text(options, 'root')!),
      from: addresses(options, 'from'),
      patience: number(options, 'wait', 0, MAX_WAIT_SECONDS),
      effort: effort(options),
    });
    const { image, isCurrent, objectsTaken, bytesTaken, bytesReceived, seconds } = result;
    for (const warning of result.warnings) output.warn(warning);
    output.say(`${imageTitle(image)} is here${isCurrent ? ' and current' : ''}, after ${duration(seconds)}:`);
    output.say(`  ${objectsTaken} contents (${megabytes(bytesTaken)}) are from this laptop's own files,`);
    output.say(`  ${megabytes(bytesReceived)} received.`);
    output.tell(result);
  },
};
