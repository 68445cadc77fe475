/** Why a file of an administrator's does not count is said in the language of the screen, too; the log has the system's own words. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { chooseLanguage } from '../../src/screen/i18n';
import { toldWarning } from '../../src/screen/told';
import { Trust } from '../../src/service/trust';
import { Store } from '../../src/store/store';
import { tempFolder } from '../support/temp';

type File = 'settings' | 'keys';

describe('why a file does not count', () => {
  before(() => chooseLanguage({ LANG: 'es' }, ['dist/locale']));
  after(() => chooseLanguage({}, []));

  /** Files as people write them, null: a folder; then the ends of what is said in English and in Spanish. */
  const MISTAKES: [File, string | null, RegExp, RegExp][] = [
    ['settings', '{ "effort": ', /not written as JSON \(.*JSON.*\)\.$/, /no está escrita en JSON\.$/],
    ['settings', '[]', /no JSON object\.$/, /no es un objeto JSON\.$/],
    ['settings', '{ "allow-unsigned": 1 }', /neither true nor false\.$/, /no es ni true ni false\.$/],
    ['settings', '{ "effort": "much" }', /none of auto, .*\.$/, /no es ninguno de estos: auto, .*\.$/],
    ['settings', '{ "sources": "ana" }', /at most 16 addresses\.$/, /16 direcciones como máximo\.$/],
    ['settings', '{ "allowed-signers": 3 }', /no path\.$/, /no es una ruta\.$/],
    ['settings', null, /while reading it \(EISDIR.*\)\.$/, /algo falló al leerlo\.$/],
    ['keys', 'ana', /who and which key\.$/, /no dice quién ni qué llave\.$/],
    ['keys', 'ana ssh-rsa AAAA', /only ssh-ed25519\.$/, /las llaves ssh-rsa no se usan aquí, solo ssh-ed25519\.$/],
    ['keys', 'ana valid-after="soon" ssh-ed25519 A', /valid-after is no date\.$/, /valid-after no es una fecha\.$/],
    ['keys', 'x'.repeat((1 << 20) + 1), /too long\.$/, /demasiado largo\.$/],
    ['keys', null, /while reading it \(EISDIR.*\)\.$/, /algo falló al leerlo\.$/],
  ];
  for (const [index, [file, contents, english, spanish]] of MISTAKES.entries()) {
    it(`${index}: ${file}, ${contents?.slice(0, 24) ?? 'a folder'}`, async t => {
      const folder = tempFolder(t);
      const paths = { settings: join(folder, 'settings.json'), keys: join(folder, 'allowed_signers') };
      if (contents === null) mkdirSync(paths[file]);
      else writeFileSync(paths[file], contents);
      // Nobody else is in this process.
      process.env.PASS_IT_ON_SETTINGS = paths.settings;
      process.env.PASS_IT_ON_ALLOW_UNSIGNED = '0';
      if (file === 'keys') process.env.PASS_IT_ON_ALLOWED_SIGNERS = paths.keys;
      else delete process.env.PASS_IT_ON_ALLOWED_SIGNERS;
      const store = await Store.open(join(folder, 'store'));
      t.after(() => store.close());
      const said = new Trust(store).warnings();
      assert.equal(said.length, 1);
      const [warning] = said;
      assert.match(warning!.text, english);
      assert.match(toldWarning(warning!.text, warning), spanish);
    });
  }
});
