/**
 * What the service says about images, laptops and the network, in the language of this screen. It says it in English
 * (for its log and the command line), so its sentences are known again here by their form, values and all; a sentence
 * that is not known is never shown in English to somebody who reads another language.
 */
import { _, fill, languageTag, N_ } from './i18n';

/** Every sentence that reaches the screen; a test finds each of them in the sources of the service. */
export const SENTENCES: readonly string[] = [
  // Of a neighbour.
  N_('It does not answer.'),
  N_('Something else answers at its address.'),
  N_('Another laptop answers at its address.'),
  N_('It does not have what it announces.'),
  N_('It announces {claimed}, but that is {really}.'),
  // Of an image and its signature.
  N_('Nobody has signed this image.'),
  N_('This image is signed in a way that is not used here.'),
  N_('This image is signed with a kind of key that is not used here: {kind}.'),
  N_('The signature on this image was made for something else.'),
  N_('This image was changed after it was signed.'),
  N_('The signature of this image is damaged: {reason}'),
  N_('This laptop does not know the key that signed this image: {key}.'),
  N_('The key of {owner} was not valid yet when this image was made.'),
  N_('The key of {owner} was not valid any more when this image was made.'),
  N_('The key of {owner} may not sign images.'),
  N_('{name} is not safe any more: its makers want {floor} or newer.'),
  N_('Newer Journal entries may not show after going back.'),
  N_('What was announced as {claimed} is {really}.'),
  // What to do about it.
  N_('Take another laptop’s image, or ask whoever looks after your laptops.'),
  N_('Write the keys of those you trust into {file}.'),
  N_('Take {floor} or newer.'),
  N_('Choose another laptop.'),
  // What a teacher is shown of an upgrade that failed.
  N_('There is not enough room: {n} MB are missing.'),
  N_('The battery has only {percent} % left.'),
  N_('Plug the charger in, or wait until it has {percent} %.'),
  // Of this laptop and its network.
  N_('This laptop takes images that nobody has signed.'),
  N_('The trusted keys in {file} cannot be read: {reason}'),
  N_('Line {line} of {file} trusts nobody: {reason}.'),
  N_('The settings in {file} do not count: {reason}.'),
  N_('"{text}", which is set here as a source, is not an address.'),
  N_('{address}, which is set here as a source, cannot be used now. {problem}'),
  N_(
    '{n} laptops are seen here, but none of them answers: this network seems to keep laptops apart. Ask whoever runs it, type the address of a laptop or school server, or bring the image on a stick.',
  ),
  N_(
    'No other laptop is heard here. If there are some, this network keeps laptops apart. Ask whoever runs it, type the address of a laptop or school server, or bring the image on a stick.',
  ),
  N_('There is no network here now, so no neighbour can be seen.'),
  N_('There is no network on {where} now, so no neighbour can be seen.'),
  N_('Another program keeps the port for finding neighbours (UDP 5353) to itself, so none can be seen.'),
  N_('Neighbours cannot be found on {name}, because the network does not let us multicast ({reason}).'),
];

interface Form {
  text: string;
  pattern: RegExp;
  names: string[];
}

const FORMS: readonly Form[] = SENTENCES.map(text => {
  const parts = text.split(/\{(\w+)\}/);
  const pattern = parts.map((part, i) => (i % 2 === 1 ? '(.*)' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))).join('');
  return { text, pattern: new RegExp(`^${pattern}$`, 's'), names: parts.filter((_part, i) => i % 2 === 1) };
});

/** That sentence in this screen's language, with its values; `otherwise`, translated already, where it is not known. */
export function told(sentence: string, otherwise: string): string {
  for (const { text, pattern, names } of FORMS) {
    const values = pattern.exec(sentence)?.slice(1);
    if (!values) continue;
    // A sentence may end in another one.
    const value = (name: string, i: number) => (name === 'problem' ? toldProblem(values[i] ?? '') : (values[i] ?? ''));
    return fill(_(text), Object.fromEntries(names.map((name, i) => [name, value(name, i)])));
  }
  return /^en\b/.test(languageTag()) ? sentence : otherwise;
}

/** Of a neighbour that something is wrong with. */
export function toldProblem(sentence: string): string {
  return told(sentence, _('Something is wrong with it.'));
}

/** Of this laptop. */
export function toldWarning(sentence: string): string {
  return told(sentence, _('Something here needs a look by whoever looks after this laptop.'));
}
