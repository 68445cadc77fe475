// The languages of the program, compiled from locale/*.po into the layout that gettext and Sugar want.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeMo, parsePo } from './po.mjs';

export const TEMPLATE = 'locale/pass-it-on.pot';
/** The bundle's id: Sugar looks for catalogues by it. */
const DOMAIN = 'org.laptop.PassItOn';

export const LANGUAGES = readdirSync('locale')
  .filter(name => name.endsWith('.po'))
  .map(name => name.slice(0, -'.po'.length))
  .sort();

/**
 * Writes `<folder>/LANG/LC_MESSAGES/org.laptop.PassItOn.mo` for each language. And English, which is the texts themselves:
 * without a catalogue of its own, who wants English before Spanish would by gettext's rule get Spanish.
 */
export function buildLocales(folder) {
  for (const language of LANGUAGES) compile(folder, language, `locale/${language}.po`);
  compile(folder, 'en', TEMPLATE, english);
}

function compile(folder, language, file, change = entry => entry) {
  const dir = join(folder, language, 'LC_MESSAGES');
  mkdirSync(dir, { recursive: true });
  try {
    const entries = parsePo(readFileSync(file, 'utf8')).map(change);
    writeFileSync(join(dir, `${DOMAIN}.mo`), encodeMo(entries));
  } catch (cause) {
    throw new Error(`${file}, ${cause.message}`, { cause });
  }
}

function english(entry) {
  const { id, plural, texts } = entry;
  if (id === '') return { ...entry, texts: [`${texts[0]}Language: en\nPlural-Forms: nplurals=2; plural=(n != 1);\n`] };
  return { ...entry, texts: plural === null ? [id] : [id, plural] };
}
