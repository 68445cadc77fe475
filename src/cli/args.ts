/** The words of the command line, taken apart. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { PassItOnError } from '../core/errors';
import { EFFORTS, type EffortWish, isEffort } from '../service/contract';
import { nearest } from './nearest';

export type Options = Record<string, string | boolean | (string | boolean)[] | undefined>;

type OptionTable = NonNullable<ParseArgsConfig['options']>;

const EVERYWHERE: OptionTable = {
  store: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
};

export function usageError(message: string): PassItOnError {
  return new PassItOnError('usage', message, 'See "pass-it-on --help".');
}

/** @throws PassItOnError 'usage' */
export function parseOptions(args: string[], own: OptionTable): { options: Options; words: string[] } {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { ...EVERYWHERE, ...own },
      allowPositionals: true,
      strict: true,
    });
    return { options: values, words: positionals };
  } catch (cause) {
    throw usageError(whatIsWrong(cause as NodeJS.ErrnoException, Object.keys({ ...EVERYWHERE, ...own })));
  }
}

/** Node's own words for it go on about positional arguments. */
function whatIsWrong({ code, message }: NodeJS.ErrnoException, known: string[]): string {
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return message;
  const option = /'([^']*)'/.exec(message)?.[1] ?? '';
  const near = nearest(option.replace(/^-+/, ''), known);
  return `There is no option ${option} here.${didYouMean(near && `--${near}`)}`;
}

export function didYouMean(word: string | null): string {
  return word === null ? '' : ` Did you mean ${word}?`;
}

/** --store, else PASS_IT_ON_STORE, else the user's data folder (XDG Base Directory Specification). */
export function storeFolder(options: Options): string {
  const data = process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share');
  return text(options, 'store') ?? process.env.PASS_IT_ON_STORE ?? join(data, 'pass-it-on', 'store');
}

/** By --store or PASS_IT_ON_STORE. */
export function storeIsNamed(options: Options): boolean {
  return (text(options, 'store') ?? process.env.PASS_IT_ON_STORE) !== undefined;
}

export function text(options: Options, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

export function texts(options: Options, name: string): string[] {
  const value = options[name];
  return Array.isArray(value) ? value.filter(one => typeof one === 'string') : [];
}

/**
 * ADDRESSes: `host:port` as they are, folders (`/…`, `./…`, `../…`, and whatever is one here) as absolute paths, for a
 * service that is elsewhere.
 */
export function addresses(options: Options, name: string): string[] {
  return texts(options, name).map(word => (isFolderHere(word) ? resolve(word) : address(word)));
}

/** `stick` is a host's name, too: nobody who has a folder of that name before him means that. */
function isFolderHere(word: string): boolean {
  return word !== '' && !word.includes(':') && existsSync(`${word}/.`);
}

export function address(word: string): string {
  return /^\.{0,2}\//.test(word) ? resolve(word) : word;
}

export function required(options: Options, name: string): string {
  const value = text(options, name);
  if (value === undefined || value === '') throw usageError(`--${name} is missing.`);
  return value;
}

/** @throws PassItOnError 'usage' unless it is a number from `least` to `most`. */
export function number(options: Options, name: string, least: number, most: number): number | undefined {
  const value = text(options, name);
  if (value === undefined) return undefined;
  const result = Number(value);
  if (value.trim() === '' || !(result >= least && result <= most)) {
    throw usageError(`--${name} takes a number from ${least} to ${most}.`);
  }
  return result;
}

/** How to weigh bytes against time. @throws PassItOnError 'usage' */
export function effort(options: Options): EffortWish | undefined {
  const value = text(options, 'effort');
  if (value === undefined || isEffort(value)) return value;
  throw usageError(`--effort takes ${EFFORTS.join(', ')}.`);
}

/** `#RRGGBB,#RRGGBB`: stroke and fill, as Sugar writes them. */
export function colors(options: Options): [string, string] | null {
  const value = text(options, 'colors');
  if (value === undefined) return null;
  const match = /^(#[0-9A-Fa-f]{6}),(#[0-9A-Fa-f]{6})$/.exec(value);
  if (!match) throw usageError("--colors takes two colours: '#RRGGBB,#RRGGBB'.");
  return [match[1]!.toUpperCase(), match[2]!.toUpperCase()];
}

/** Exactly as many words as named; `optional` ones may be left out. */
export function expectWords(words: string[], names: string[], optional = 0): void {
  if (words.length < names.length - optional) throw usageError(`${names[words.length]} is missing.`);
  if (words.length > names.length) throw usageError(`"${words[names.length]}" is one word too many.`);
}
