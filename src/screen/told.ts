/**
 * What the service says about images, laptops and the network, in the language of this screen. The service says it in
 * English, for its log and the command line, and beside that by a code and values: those are what is translated here. What
 * has no code, or one of a newer service, is never shown in English to somebody who reads another language.
 */
import { SENTENCES, type Sentence, type SentenceValue } from '../core/sentences';
import { _, fill, languageTag } from './i18n';

/** That sentence in this screen's language, with its values; `otherwise`, translated already, where it is not known. */
export function told(text: string, said: Sentence | null | undefined, otherwise: string): string {
  if (said && Object.hasOwn(SENTENCES, said.code)) {
    const values = Object.entries(said.values).map(([name, value]) => [name, shown(value)]);
    return fill(_(SENTENCES[said.code]), Object.fromEntries(values));
  }
  return /^en\b/.test(languageTag()) ? text : otherwise;
}

/** A sentence may end in another one, of a neighbour. */
function shown(value: SentenceValue): string | number {
  return typeof value === 'object' ? told(value.text, value, _('Something is wrong with it.')) : value;
}

/** What is wrong with a neighbour; null: nothing. */
export function toldProblem({
  problem,
  problemSaid,
}: {
  problem: string | null;
  problemSaid?: Sentence;
}): string | null {
  return problem === null ? null : told(problem, problemSaid, _('Something is wrong with it.'));
}

/** Of this laptop, or of an image before it is taken. */
export function toldWarning(text: string, said: Sentence | null | undefined): string {
  return told(text, said, _('Something here needs a look by whoever looks after this laptop.'));
}
