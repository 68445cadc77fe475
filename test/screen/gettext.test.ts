/** Our catalogues against the real gettext: what msgfmt compiles and ngettext answers is what must be so. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseCatalogue, wantedLanguages } from '../../src/screen/gettext';
import { parsePlural } from '../../src/screen/plural';
import { tempFolder } from '../support/temp';

const DOMAIN = 'org.laptop.PassItOn';
const LANGUAGES = readdirSync('locale').flatMap(name => /^(\w+)\.po$/.exec(name)?.[1] ?? []);

function compiled(language: string): string {
  return `dist/locale/${language}/LC_MESSAGES/${DOMAIN}.mo`;
}

function write(file: string, text: string): string {
  writeFileSync(file, text);
  return file;
}

function run(program: string, args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8' });
}

describe('compiled catalogues', () => {
  it('hold what msgfmt makes of the same translations', t => {
    const folder = tempFolder(t);
    assert.deepEqual(LANGUAGES.sort(), ['ar', 'es', 'fr', 'pt']);
    for (const language of LANGUAGES) {
      const theirs = join(folder, `${language}.mo`);
      run('msgfmt', ['--check', '--no-hash', '-o', theirs, `locale/${language}.po`]);
      assert.equal(run('msgunfmt', [compiled(language)]), run('msgunfmt', [theirs]), language);
    }
  });

  it('are read as we read our own, whoever made them, in either byte order', t => {
    const folder = tempFolder(t);
    for (const endianness of ['little', 'big']) {
      const theirs = join(folder, `${endianness}.mo`);
      run('msgfmt', [`--endianness=${endianness}`, '-o', theirs, 'locale/ar.po']);
      const [ours, read] = [compiled('ar'), theirs].map(file => parseCatalogue(readFileSync(file), 'ar'));
      for (const id of ['Older', 'Upgrade', 'Starting…']) {
        assert.ok(ours?.text(id), id);
        assert.equal(read?.text(id), ours?.text(id));
      }
      for (const n of [0, 1, 2, 3, 11, 100]) assert.equal(read?.plural('{n} second', n), ours?.plural('{n} second', n));
    }
  });

  it('are there for English, too, and say what the sources say', t => {
    const folder = tempFolder(t);
    const theirs = join(folder, 'en.mo');
    run('msgen', ['-o', join(folder, 'en.po'), 'locale/pass-it-on.pot']);
    run('msgfmt', ['-o', theirs, join(folder, 'en.po')]);
    const texts = (file: string) => run('msgunfmt', [file]).split('\n\n').slice(1);
    assert.deepEqual(texts(compiled('en')), texts(theirs));
    run('msgfmt', ['--check', '-o', theirs, write(join(folder, 'ours.po'), run('msgunfmt', [compiled('en')]))]);
  });

  it('that are cut off, or none, are refused', () => {
    const whole = readFileSync(compiled('es'));
    assert.throws(() => parseCatalogue(whole.subarray(0, whole.length - 40), 'es'), /cut off/);
    for (const length of [0, 3, 19]) assert.throws(() => parseCatalogue(whole.subarray(0, length), 'es'), Error);
    assert.throws(() => parseCatalogue(Buffer.alloc(64), 'es'), /not a compiled catalogue/);
  });
});

describe('plurals', () => {
  const ARABIC = 'nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5;';

  it('the six of Arabic', () => {
    const { form, forms } = parsePlural(ARABIC);
    assert.equal(forms, 6);
    assert.deepEqual([0, 1, 2, 3, 10, 11, 99, 100, 102, 103, 111].map(form), [0, 1, 2, 3, 3, 4, 4, 5, 5, 3, 4]);
  });

  it('follow the rules of Unicode, in every language we have', () => {
    for (const language of LANGUAGES) {
      const header = parseCatalogue(readFileSync(compiled(language)), language);
      assert.ok(header);
      const { form, forms } = parsePlural(readFileSync(`locale/${language}.po`, 'utf8'));
      const rules = new Intl.PluralRules(language);
      const seen = new Map<string, number>();
      for (let n = 0; n < 1000; n++) {
        const category = rules.select(n);
        if (!seen.has(category)) seen.set(category, form(n));
        assert.equal(form(n), seen.get(category), `${n} in ${language}`);
      }
      assert.equal(new Set(seen.values()).size, forms, language);
    }
  });

  it('read C as C is', () => {
    const rules: [string, (n: number) => number][] = [
      ['n != 1', n => Number(n !== 1)],
      ['n > 1', n => Number(n > 1)],
      [
        'n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2',
        n =>
          n % 10 === 1 && n % 100 !== 11 ? 0 : n % 10 >= 2 && n % 10 <= 4 && (n % 100 < 12 || n % 100 > 14) ? 1 : 2,
      ],
      ['!(n == 1) + n - n * 2 / 2', n => Number(n !== 1)],
      ['0', () => 0],
    ];
    for (const [text, expected] of rules) {
      const { form } = parsePlural(`nplurals=3; plural=${text};`);
      fc.assert(
        fc.property(fc.nat(), n => {
          assert.equal(form(n), expected(n), text);
        }),
      );
    }
  });

  it('that are no rule are refused', () => {
    for (const text of ['n +', '(n', 'n n', 'system("x")', '?', 'm']) {
      assert.throws(() => parsePlural(`nplurals=2; plural=${text};`), Error, text);
    }
    assert.throws(() => parsePlural('INTEGER'), /no rule/);
  });
});

describe('the choice of language', () => {
  const names = (env: Record<string, string>) => wantedLanguages(env).map(({ name }) => name);

  it('LANGUAGE first, then LC_ALL, LC_MESSAGES, LANG; each with its region and without', () => {
    assert.deepEqual(names({ LANG: 'es_PE.UTF-8' }), ['es_PE', 'es']);
    assert.deepEqual(names({ LANG: 'es_PE.UTF-8', LC_MESSAGES: 'fr' }), ['fr']);
    assert.deepEqual(names({ LC_ALL: 'pt_BR.UTF-8', LC_MESSAGES: 'fr', LANG: 'ar' }), ['pt_BR', 'pt']);
    assert.deepEqual(names({ LANGUAGE: 'qu:ay_BO:es', LANG: 'es_PE.UTF-8' }), ['qu', 'ay_BO', 'ay', 'es', 'es_PE']);
    assert.deepEqual(names({ LANG: 'ca_ES.UTF-8@valencia' }), ['ca_ES@valencia', 'ca@valencia', 'ca_ES', 'ca']);
  });

  it('English is the source: what stands behind it is not asked for', () => {
    assert.deepEqual(names({ LANG: 'en_US.UTF-8' }), []);
    assert.deepEqual(names({ LANGUAGE: 'es:en:fr', LANG: 'en_US.UTF-8' }), ['es']);
    assert.deepEqual(names({}), []);
    assert.deepEqual(names({ LANG: 'C.UTF-8' }), []);
    assert.deepEqual(names({ LANGUAGE: 'es', LC_ALL: 'C' }), []);
  });

  it('is that of the real gettext', t => {
    const folder = tempFolder(t);
    for (const language of ['en', 'es', 'fr', 'pt']) {
      const dir = join(folder, language, 'LC_MESSAGES');
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, `${DOMAIN}.mo`), readFileSync(compiled(language)));
    }
    const available = new Set(readdirSync(folder));
    const wishes = [
      'es',
      'pt_BR:fr',
      'xx:fr_CA',
      'qu:es:fr',
      '',
      'en',
      'en:es',
      'es:en',
      'en_GB:fr',
      'xx:en:es',
      'C:es',
    ];
    for (const LANGUAGE of wishes) {
      const env = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', LANGUAGE, TEXTDOMAINDIR: folder };
      const theirs = execFileSync('gettext', [DOMAIN, 'Older'], { env, encoding: 'utf8' });
      const name = wantedLanguages(env).find(one => available.has(one.name))?.name;
      const ours = name === undefined ? undefined : parseCatalogue(readFileSync(compiled(name)), name).text('Older');
      assert.equal(ours ?? 'Older', theirs, LANGUAGE);
    }
  });
});
