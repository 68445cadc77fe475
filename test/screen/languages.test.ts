/** Every text is in the template, in every language, whole; and sentences come out right with their values. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { SENTENCES } from '../../src/core/sentences';
import { amount, amountOf, clock, people, percent, timeLeft } from '../../src/screen/format';
import { _, chooseLanguage, fill, isRightToLeft, languageTag, ngettext } from '../../src/screen/i18n';

interface Entry {
  id: string;
  plural: string | null;
  texts: string[];
  fuzzy: boolean;
}

const LANGUAGES = ['ar', 'es', 'fr', 'pt'];
const CATALOGUES = ['dist/locale'];
/** What is the same in that language as in English. */
const SAME: Record<string, string[]> = {
  es: ['Laptop'],
  fr: ['Version', 'Question'],
  pt: ['OK', 'Laptop'],
  ar: [],
};

async function entries(language: string): Promise<Entry[]> {
  const po = (await import(pathToFileURL(resolve('scripts/po.mjs')).href)) as { parsePo(text: string): Entry[] };
  return po.parsePo(readFileSync(`locale/${language}.po`, 'utf8')).filter(({ id }) => id !== '');
}

function places(text: string): string[] {
  return [...new Set(text.match(/\{\w+\}/g))].sort();
}

describe('the template', () => {
  it('holds every text of the sources: else `npm run messages`', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/messages.mjs', '--check'], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });

  it('misses none that xgettext could not read', () => {
    const template = readFileSync('locale/pass-it-on.pot', 'utf8');
    const folders = ['src/screen', 'src/sugar'];
    const files = folders.flatMap(folder => readdirSync(folder).map(name => join(folder, name)));
    let seen = 0;
    for (const file of files.filter(name => name.endsWith('.ts'))) {
      // Words of a child begin with a letter or a place; `_(` may be a loop's variable elsewhere.
      for (const [, text = ''] of readFileSync(file, 'utf8').matchAll(/\b(?:_|ngettext)\(\s*'([^'\\]+)'/g)) {
        assert.ok(template.includes(`msgid "${text.replaceAll('"', '\\"')}"`), `${file}: ${text}`);
        seen++;
      }
    }
    assert.ok(seen > 150, `${seen} texts`);
    for (const [code, text] of Object.entries(SENTENCES)) {
      assert.ok(template.includes(`msgid "${text.replaceAll('"', '\\"')}"`), `${code}: ${text}`);
    }
  });
});

for (const language of LANGUAGES) {
  describe(`the translation to ${language}`, () => {
    it('is that of the template, whole, and gettext finds nothing wrong', () => {
      const args = ['--check-format', '--check-domain', '-o', '/dev/null', `locale/${language}.po`];
      execFileSync('msgfmt', args, { stdio: 'pipe' });
      execFileSync('msgcmp', [`locale/${language}.po`, 'locale/pass-it-on.pot'], { stdio: 'pipe' });
      assert.doesNotMatch(readFileSync(`locale/${language}.po`, 'utf8'), /^#~|^#, fuzzy/m);
    });

    it('says everything, with the same places, in words of its own', async () => {
      const all = await entries(language);
      assert.ok(all.length > 150);
      for (const { id, plural, texts, fuzzy } of all) {
        assert.ok(!fuzzy, id);
        if (plural === null) assert.equal(texts.length, 1, id);
        for (const text of texts) {
          assert.ok(text.trim() !== '' && text.trim() === text, id);
          // A form for none, one or two may say the number as a word.
          const wanted = plural === null ? places(id) : places(plural);
          const missing = wanted.filter(place => !text.includes(place));
          assert.ok(
            missing.every(place => plural !== null && place === '{n}'),
            `${id} → ${text}`,
          );
          assert.deepEqual(
            places(text).filter(place => !wanted.includes(place)),
            [],
            `${id} → ${text}`,
          );
          const hasWords = /\p{L}{2}/u.test(id.replace(/\{\w+\}/g, ''));
          if (hasWords && !SAME[language]?.includes(id)) assert.notEqual(text, id, 'not translated');
        }
        const last = texts.at(-1) ?? '';
        if (plural !== null) for (const place of places(plural)) assert.ok(last.includes(place), `${id} → ${last}`);
      }
    });

    it('knows every code of what the service says', async () => {
      const translated = new Map((await entries(language)).map(({ id, texts }) => [id, texts[0]]));
      for (const [code, text] of Object.entries(SENTENCES)) assert.ok(translated.get(text), code);
    });

    it('has numbers, sizes and times of its own: this Node knows all languages', () => {
      chooseLanguage({ LANG: `${language}.UTF-8` }, CATALOGUES);
      assert.equal(languageTag(), language);
      assert.deepEqual(Intl.NumberFormat.supportedLocalesOf([language]), [language]);
      assert.deepEqual(Intl.DateTimeFormat.supportedLocalesOf([language]), [language]);
      assert.deepEqual(Intl.Collator.supportedLocalesOf([language]), [language]);
      for (const n of [0, 1, 2, 3, 11, 40, 100]) {
        const text = fill(ngettext('{n} second', '{n} seconds', n), { n });
        assert.doesNotMatch(text, /\{/);
      }
      assert.doesNotMatch([timeLeft(30), timeLeft(300), timeLeft(9000)].join(' '), /left|about/);
    });
  });
}

describe('sentences', () => {
  after(() => chooseLanguage({}, []));
  const BARE = /[\u2066-\u2069\u200E\u200F]/g;

  it('in English', () => {
    chooseLanguage({ LANG: 'en_US.UTF-8', LANGUAGE: 'en' }, CATALOGUES);
    assert.equal(languageTag(), 'en-US');
    assert.equal(amountOf(14_000_000, 1_770_000_000), '14 of 1,770 MB');
    assert.equal(percent(0.4), '40%');
    assert.equal(fill(_('{done} of {total} files'), { done: 20_000, total: 39_000 }), '20,000 of 39,000 files');
    assert.equal(clock('2026-03-01T14:32:05', new Date('2026-03-01T20:00:00')).replace(/\s/g, ' '), '2:32:05 PM');
    assert.equal(clock('2026-02-28T14:32:05', new Date('2026-03-01T20:00:00')), '2/28/26');
    assert.equal(clock('nonsense'), '');
  });

  it('in French and Spanish, as they are written there', () => {
    chooseLanguage({ LANG: 'fr_FR.UTF-8' }, CATALOGUES);
    assert.equal(amount(1_440_000).replace(/\s/g, ' '), '1,4 Mo');
    assert.equal(people(['Ana', 'Ben', 'Carla']), 'Ana, Ben et Carla');
    chooseLanguage({ LANGUAGE: 'es_PE:fr', LANG: 'en_US.UTF-8' }, CATALOGUES);
    assert.equal(languageTag(), 'es-PE');
    assert.equal(timeLeft(25), 'quedan 25 segundos');
    assert.equal(amount(900).replace(/\s/g, ' '), 'menos de 0.1 MB');
    chooseLanguage({ LANG: 'es_ES.UTF-8' }, CATALOGUES);
    assert.equal(amount(900).replace(/\s/g, ' '), 'menos de 0,1 MB');
  });

  it('in Arabic from the right, with six plurals, and what runs the other way isolated', () => {
    chooseLanguage({ LANG: 'ar' }, CATALOGUES);
    assert.ok(isRightToLeft());
    const forms = [0, 1, 2, 3, 11, 100].map(n =>
      fill(ngettext('{n} second', '{n} seconds', n), { n }).replace(BARE, ''),
    );
    assert.deepEqual(forms, ['لا ثوانٍ', 'ثانية واحدة', 'ثانيتان', '3 ثوانٍ', '11 ثانية', '100 ثانية']);
    assert.equal(fill(_('to {version}'), { version: '13.2' }), 'إلى \u206813.2\u2069');
    // A paragraph's direction is that of its language, whoever it begins with.
    assert.equal(fill(_('{a} and {b}'), { a: 'Ana', b: 'Ben' }), '\u200F\u2068Ana\u2069 و\u2068Ben\u2069');
  });

  it('a nick from the right stays in its place in a sentence from the left', () => {
    chooseLanguage({}, []);
    assert.ok(!isRightToLeft());
    assert.equal(fill(_('{nick} has {version}.'), { nick: 'مريم', version: '407' }), '\u2068مريم\u2069 has 407.');
    assert.equal(fill(_('{nick} has {version}.'), { nick: 'Ana', version: '407' }), 'Ana has 407.');
  });

  it('of a language nobody has translated are English', () => {
    chooseLanguage({ LANG: 'xh_ZA.UTF-8' }, CATALOGUES);
    assert.equal(_('Older'), 'Older');
    assert.equal(languageTag(), 'en');
  });

  it('of a catalogue that is broken are English, and the log says why', t => {
    const told: string[] = [];
    t.mock.method(process.stderr, 'write', (text: string) => told.push(text) > 0);
    chooseLanguage({ LANG: 'es' }, ['test/screen/no-such-folder', 'test/screen/broken-locale']);
    assert.equal(_('Older'), 'Older');
    assert.match(told.join(''), /broken-locale.*not a compiled catalogue/);
  });
});
