/** What the service says is translated by its code and values; how its English is worded does not matter. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { PassItOnError } from '../../src/core/errors';
import { SENTENCES, type Sentence, type SentenceCode, sentence, textOf } from '../../src/core/sentences';
import { chooseLanguage } from '../../src/screen/i18n';
import { told, toldProblem, toldWarning } from '../../src/screen/told';

const SILENT = sentence('neighbour-silent');
const LIE = sentence('neighbour-contradicts-itself', { claimed: '407', really: '406' });

/** Any of them, each value as given. */
function filled(code: SentenceCode, value: string): Sentence {
  const names = [...SENTENCES[code].matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, value]);
  return { code, values: Object.fromEntries(names), text: 'worded in another way' };
}

describe('what the service says', () => {
  afterEach(() => chooseLanguage({}, []));

  it('is English with its values, for logs and the command line', () => {
    assert.equal(LIE.text, 'It announces 407, but that is 406.');
    const nested = sentence('source-unusable', { address: '10.0.0.9:20707', problem: SILENT });
    assert.equal(nested.text, '10.0.0.9:20707, which is set here as a source, cannot be used now. It does not answer.');
    assert.equal(textOf(1234), '1234');
  });

  it('is shown in English as it came where it has no code, or one that is not known yet', () => {
    assert.equal(told('Something new.', undefined, 'x'), 'Something new.');
    assert.equal(told('It does not answer.', SILENT, 'x'), 'It does not answer.');
    const newer = { ...SILENT, code: 'constructor' as SentenceCode };
    assert.equal(told('Something new.', newer, 'x'), 'Something new.');
  });

  it('is never English in another language, keeps its values, and does not depend on the wording', () => {
    chooseLanguage({ LANG: 'es' }, ['dist/locale']);
    assert.equal(toldProblem({ problem: 'Anything.', problemSaid: SILENT }), 'No contesta.');
    assert.match(toldProblem({ problem: 'Anything.', problemSaid: LIE }) ?? '', /407.*406/);
    assert.equal(toldProblem({ problem: null }), null);
    assert.doesNotMatch(toldProblem({ problem: 'A sentence nobody has written yet.' }) ?? '', /sentence/);
    assert.doesNotMatch(toldWarning('A sentence nobody has written yet.', undefined), /sentence/);
    for (const code of Object.keys(SENTENCES) as SentenceCode[]) {
      const shown = told('worded in another way', filled(code, 'XYZ'), '');
      const english = SENTENCES[code].replace(/\{\w+\}/g, 'XYZ');
      assert.notEqual(shown, english, code);
      assert.equal(shown.split('XYZ').length, english.split('XYZ').length, code);
    }
  });

  it('has numbers and other sentences inside it in that language, too', () => {
    chooseLanguage({ LANG: 'es' }, ['dist/locale']);
    assert.match(told('', sentence('room-is-missing', { n: 12_345 }), ''), /12\.345 MB/);
    const problem = sentence('source-unusable', { address: 'X', problem: SILENT });
    assert.match(toldWarning('', problem), /No contesta\.$/);
  });

  it('is kept by an error that crosses to another process', () => {
    const error = new PassItOnError('no-space', sentence('room-is-missing', { n: 7 }), 'Make room.');
    const report = JSON.parse(JSON.stringify(error)) as ReturnType<typeof error.toJSON>;
    assert.deepEqual(report, {
      code: 'no-space',
      message: 'There is not enough room: 7 MB are missing.',
      remedy: 'Make room.',
      messageSaid: { code: 'room-is-missing', values: { n: 7 }, text: error.message },
    });
    chooseLanguage({ LANG: 'es' }, ['dist/locale']);
    assert.match(told(report.message, report.messageSaid, ''), /7 MB/);
  });
});
