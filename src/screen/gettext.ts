/**
 * GNU gettext's compiled catalogues (.mo) and its choice of language, without I/O.
 * https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html
 */
import { type PluralRule, parsePlural } from './plural';

export interface Catalogue {
  /** BCP 47 tag for Intl, with the person's own region where the language is theirs: `es-PE`. */
  tag: string;
  text(id: string): string | undefined;
  plural(id: string, n: number): string | undefined;
}

const MAGIC = 0x950412de;
const ONE: PluralRule = { forms: 2, form: n => (n === 1 ? 0 : 1) };

/** @throws Error where the bytes are no catalogue, or its Plural-Forms no rule */
export function parseCatalogue(data: Buffer, tag: string): Catalogue {
  const little = data.length >= 20 && data.readUInt32LE(0) === MAGIC;
  if (!little && (data.length < 20 || data.readUInt32BE(0) !== MAGIC)) throw new Error('not a compiled catalogue');
  const word = (at: number) => (little ? data.readUInt32LE(at) : data.readUInt32BE(at));
  const string = (table: number, i: number) => {
    const [length, offset] = [word(table + 8 * i), word(table + 8 * i + 4)];
    if (offset + length > data.length) throw new Error('a catalogue that was cut off');
    return data.toString('utf8', offset, offset + length);
  };
  const messages = new Map<string, string[]>();
  for (let i = 0; i < word(8); i++) {
    // A plural's key is its singular.
    const [id = ''] = string(word(12), i).split('\0');
    messages.set(id, string(word(16), i).split('\0'));
  }
  const told = /^Plural-Forms:(.*)$/m.exec(messages.get('')?.[0] ?? '')?.[1];
  const rule = told === undefined ? ONE : parsePlural(told);
  return {
    tag,
    text: id => (id === '' ? undefined : messages.get(id)?.[0]),
    plural: (id, n) => messages.get(id)?.[rule.form(n)],
  };
}

/**
 * Which languages a person wants, the best first, as gettext asks for them: LANGUAGE, else what LC_ALL, LC_MESSAGES
 * or LANG say; each with its region and then without. Ends before one that is the source's own, English (whose
 * catalogue holds the very texts of the sources) or C.
 */
export function wantedLanguages(env: Record<string, string | undefined>): { name: string; tag: string }[] {
  const locale = env.LC_ALL || env.LC_MESSAGES || env.LANG || 'C';
  const list = locale === 'C' || locale === 'POSIX' ? [locale] : [...(env.LANGUAGE || '').split(':'), locale];
  const wanted: { name: string; tag: string }[] = [];
  for (const one of list.filter(Boolean)) {
    const [, language, region, modifier] = /^([a-z]{2,3})(?:_([A-Z]{2}))?(?:\.[^@]*)?(?:@(.+))?$/.exec(one) ?? [];
    if (language === undefined || language === 'en') break;
    const tag = region ? `${language}-${region}` : language;
    const names = [region && `${language}_${region}`, language].filter(name => typeof name === 'string');
    const all = modifier ? [...names.map(name => `${name}@${modifier}`), ...names] : names;
    for (const name of all) if (!wanted.some(known => known.name === name)) wanted.push({ name, tag });
  }
  return wanted;
}

/** `en-GB` for a person who wants English as they write it there; `en` for everybody else. */
export function englishTag(env: Record<string, string | undefined>): string {
  const region = /^en_([A-Z]{2})/.exec(env.LC_ALL || env.LC_MESSAGES || env.LANG || '')?.[1];
  return region ? `en-${region}` : 'en';
}

const FROM_THE_RIGHT = new Set(['Adlm', 'Arab', 'Hebr', 'Mand', 'Mend', 'Nkoo', 'Rohg', 'Samr', 'Syrc', 'Thaa']);

/** Whether that language is written from right to left. */
export function isFromTheRight(tag: string): boolean {
  return FROM_THE_RIGHT.has(new Intl.Locale(tag).maximize().script ?? '');
}
