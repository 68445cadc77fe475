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

/** Writes `<folder>/LANG/LC_MESSAGES/org.laptop.PassItOn.mo` for each language. */
export function buildLocales(folder) {
  for (const language of LANGUAGES) {
    const file = `locale/${language}.po`;
    const dir = join(folder, language, 'LC_MESSAGES');
    mkdirSync(dir, { recursive: true });
    try {
      writeFileSync(join(dir, `${DOMAIN}.mo`), encodeMo(parsePo(readFileSync(file, 'utf8'))));
    } catch (cause) {
      throw new Error(`${file}, ${cause.message}`, { cause });
    }
  }
}
