/** What the service says in English is known again on the screen: each form stands in the sources, and is taken apart. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { chooseLanguage } from '../../src/screen/i18n';
import { SENTENCES, told, toldProblem, toldWarning } from '../../src/screen/told';

const SOURCES = ['src/core', 'src/service', 'src/neighbours', 'src/upgrade']
  .flatMap(folder => readdirSync(folder).map(name => join(folder, name)))
  .filter(file => file.endsWith('.ts'))
  .map(file => readFileSync(file, 'utf8'))
  .join('\n')
  // One sentence may be put together from two: a constant at its end.
  .replaceAll(
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source's
    ' ${REMEDY}',
    ' Ask whoever runs it, type the address of a laptop or school server, or bring the image on a stick.',
  );

describe('sentences of the service', () => {
  it('each of them is one that the service says', () => {
    for (const sentence of SENTENCES) {
      const parts = sentence.split(/\{\w+\}/);
      // `here` and `on wlan0` are values there, and `{name}` may be a name and a version.
      const escaped = parts.map(part =>
        part
          .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
          .replace(/network (here|on )/, 'network (?:\\$\\{where\\})?(?:here|on )?'),
      );
      const pattern = new RegExp(escaped.join("[^`']*?"));
      assert.ok(pattern.test(SOURCES), `the service does not say: ${sentence}`);
    }
  });

  it('English is shown as it came, known or not', () => {
    chooseLanguage({}, []);
    assert.equal(told('It does not answer.', 'x'), 'It does not answer.');
    assert.equal(told('Something new.', 'x'), 'Something new.');
  });

  it('another language never shows English, and keeps the values', () => {
    chooseLanguage({ LANG: 'es' }, ['dist/locale']);
    try {
      assert.equal(toldProblem('It does not answer.'), 'No contesta.');
      const lie = toldProblem('It announces 407, but that is 406.');
      assert.match(lie, /407.*406/);
      assert.doesNotMatch(lie, /announces/);
      assert.doesNotMatch(toldProblem('A sentence nobody has written yet.'), /sentence/);
      assert.doesNotMatch(toldWarning('A sentence nobody has written yet.'), /sentence/);
      for (const sentence of SENTENCES) {
        const filled = sentence.replace('{problem}', 'It does not answer.').replace(/\{\w+\}/g, 'XYZ');
        const shown = told(filled, '');
        assert.notEqual(shown, filled, sentence);
        assert.equal(shown.split('XYZ').length, filled.split('XYZ').length, sentence);
      }
    } finally {
      chooseLanguage({}, []);
    }
  });
});
