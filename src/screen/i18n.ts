/**
 * Every text a person sees passes here, in xgettext's own words, so that the template is made from the sources
 * (`npm run messages`). The catalogue is chosen and read once, when the program starts.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Catalogue, englishTag, isFromTheRight, parseCatalogue, wantedLanguages } from './gettext';

const DOMAIN = 'org.laptop.PassItOn';

let catalogue: Catalogue | null = null;
let tag = 'en';
let fromTheRight = false;
let numbers = new Intl.NumberFormat(tag);

/** Reads the best catalogue below these folders that a person with this environment wants; else it is English. */
export function chooseLanguage(env: Record<string, string | undefined>, folders: readonly string[]): void {
  catalogue = findCatalogue(env, folders);
  tag = catalogue?.tag ?? englishTag(env);
  fromTheRight = isFromTheRight(tag);
  numbers = new Intl.NumberFormat(tag);
}

function findCatalogue(env: Record<string, string | undefined>, folders: readonly string[]): Catalogue | null {
  for (const { name, tag: wanted } of wantedLanguages(env)) {
    for (const folder of folders) {
      const file = join(folder, name, 'LC_MESSAGES', `${DOMAIN}.mo`);
      let data: Buffer;
      try {
        data = readFileSync(file);
      } catch {
        // Not translated into that one.
        continue;
      }
      try {
        return parseCatalogue(data, wanted);
      } catch (error) {
        process.stderr.write(`${file}: ${error instanceof Error ? error.message : error}\n`);
      }
    }
  }
  return null;
}

/** Where Sugar says; beside the program (dist/); beside the folder of the program (in a bundle). */
chooseLanguage(
  process.env,
  [process.env.SUGAR_LOCALEDIR, join(__dirname, 'locale'), join(__dirname, '..', 'locale')].filter(
    folder => typeof folder === 'string',
  ),
);

/** For `Intl`: the language of the texts, so that numbers fit into their sentences. */
export function languageTag(): string {
  return tag;
}

/** The language of the texts is written from right to left. */
export function isRightToLeft(): boolean {
  return fromTheRight;
}

/** The text in the language of this laptop. */
export function _(text: string): string {
  return catalogue?.text(text) ?? text;
}

/** The form that goes with `n` things. */
export function ngettext(one: string, many: string, n: number): string {
  return catalogue?.plural(one, n) ?? (n === 1 ? one : many);
}

const RIGHT_TO_LEFT_LETTER = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Thaana}\p{Script=Syriac}\p{Script=Nko}]/u;
const RIGHT_TO_LEFT_MARK = '\u200F';

/**
 * Replaces `{name}` by the value of that name; translators may move the places about. Numbers are written as the
 * language does. A value that may run in the other direction than the sentence is isolated (Unicode UAX 9, FSI … PDI).
 */
export function fill(text: string, values: Record<string, string | number>): string {
  const filled = text.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = values[name];
    if (typeof value === 'number') return isolated(numbers.format(value));
    return value === undefined ? place : isolated(value);
  });
  // Pango looks into an isolated value, too, when it seeks the direction of a paragraph.
  return fromTheRight && text.startsWith('{') ? RIGHT_TO_LEFT_MARK + filled : filled;
}

function isolated(value: string): string {
  return value !== '' && (fromTheRight || RIGHT_TO_LEFT_LETTER.test(value)) ? `\u2068${value}\u2069` : value;
}
