/**
 * What is said to people of images, laptops and the network, each by a stable code: logs and the command line show the
 * English of here; the screen says the same in its own language, knowing it by code and values and never by its wording.
 * Codes cross processes: add freely, rename never.
 */

/** Marks a text for the template of translations (scripts/messages.mjs). Words in braces are the names of its values. */
function says<Text extends string>(english: Text): Text {
  return english;
}

export const SENTENCES = {
  // Of a neighbour.
  'neighbour-silent': says('It does not answer.'),
  'neighbour-stranger': says('Something else answers at its address.'),
  'neighbour-another': says('Another laptop answers at its address.'),
  'neighbour-lacks-image': says('It does not have what it announces.'),
  'neighbour-contradicts-itself': says('It announces {claimed}, but that is {really}.'),
  // Of an image and its signature.
  'image-unsigned': says('Nobody has signed this image.'),
  'signature-of-another-form': says('This image is signed in a way that is not used here.'),
  'signature-by-another-kind-of-key': says('This image is signed with a kind of key that is not used here: {kind}.'),
  'signature-for-something-else': says('The signature on this image was made for something else.'),
  'signature-of-something-else': says('This image was changed after it was signed.'),
  'signature-damaged': says('The signature of this image is damaged.'),
  'signer-unknown': says('This laptop does not know the key that signed this image: {key}.'),
  'signer-not-valid-yet': says('The key of {owner} was not valid yet when this image was made.'),
  'signer-not-valid-any-more': says('The key of {owner} was not valid any more when this image was made.'),
  'signer-not-for-images': says('The key of {owner} may not sign images.'),
  'image-below-floor': says('{name} is not safe any more: its makers want {floor} or newer.'),
  'image-writes-older-journal': says('Newer Journal entries may not show after going back.'),
  'image-announced-wrong': says('What was announced as {claimed} is {really}.'),
  'image-damaged': says(
    'The image {name} on this laptop is damaged: its commit cannot be read. Mend it with: verify {version} --repair.',
  ),
  // What to do about it.
  'take-image-of-another': says('Take another laptop’s image, or ask whoever looks after your laptops.'),
  'write-trusted-keys': says('Write the keys of those you trust into {file}.'),
  'take-floor-or-newer': says('Take {floor} or newer.'),
  'choose-another-laptop': says('Choose another laptop.'),
  // Of an upgrade that failed.
  'room-is-missing': says('There is not enough room: {n} MB are missing.'),
  'make-room': says('Delete something big and try again.'),
  'battery-low': says('The battery has only {percent} % left.'),
  'charge-battery': says('Plug the charger in, or wait until it has {percent} %.'),
  // Of this laptop's settings and keys.
  'unsigned-is-allowed': says('This laptop takes images that nobody has signed.'),
  'trusted-keys-unreadable': says('The trusted keys in {file} cannot be read: {reason}.'),
  'trusted-keys-line-ignored': says('Line {line} of {file} trusts nobody: {reason}.'),
  'settings-ignored': says('The settings in {file} do not count: {reason}.'),
  'setting-ignored': says('The setting {key} in {file} does not count: {reason}.'),
  // Why: the ends of such sentences.
  'reason-missing': says('it is not there'),
  'reason-not-permitted': says('this laptop may not read it'),
  'reason-unreadable': says('something went wrong while reading it'),
  'reason-too-long': says('it is too long'),
  'reason-no-json': says('they are not written as JSON'),
  'reason-no-object': says('they are no JSON object'),
  'reason-no-path': says('it is no path'),
  'reason-no-boolean': says('it is neither true nor false'),
  'reason-no-addresses': says('it is no list of at most {n} addresses'),
  'reason-none-of': says('it is none of {words}'),
  'reason-nul-byte': says('it holds a NUL byte'),
  'reason-no-who-and-key': says('it does not say who and which key'),
  'reason-no-key': says('it has no key'),
  'reason-kind-of-key': says('{kind} keys are not supported, only {only}'),
  'reason-certificate': says('certificates (cert-authority) are not supported'),
  'reason-key-base64': says('its key is no proper base64'),
  'reason-key-cut': says('its key is not a whole one'),
  'reason-open-quote': says('a quote is not closed'),
  'reason-twice': says('{name} stands there twice'),
  'reason-option': says('it has an option that is not known, or not well written'),
  'reason-last-comma': says('its options end in a comma'),
  'reason-never-valid': says('it is never valid (valid-before is not after valid-after)'),
  'reason-no-date': says('{name} is no date'),
  'reason-before-1970': says('{name} is before 1970'),
  'source-is-no-address': says('"{text}", which is set here as a source, is not an address.'),
  'source-unusable': says('{address}, which is set here as a source, cannot be used now. {problem}'),
  // Of the network.
  'network-keeps-apart': says(
    '{n} laptops are seen here, but none of them answers: this network seems to keep laptops apart. Ask whoever runs it, type the address of a laptop or school server, or bring the image on a stick.',
  ),
  'network-is-quiet': says(
    'No other laptop is heard here. If there are some, this network keeps laptops apart. Ask whoever runs it, type the address of a laptop or school server, or bring the image on a stick.',
  ),
  'network-missing': says('There is no network here now, so no neighbour can be seen.'),
  'network-missing-on': says('There is no network on {where} now, so no neighbour can be seen.'),
  'multicast-port-taken': says(
    'Another program keeps the port for finding neighbours (UDP 5353) to itself, so none can be seen.',
  ),
  'multicast-refused': says(
    'Neighbours cannot be found on {name}, because the network does not let us multicast ({reason}).',
  ),
} as const;

export type SentenceCode = keyof typeof SENTENCES;

/** Numbers are written as the reader's language writes them; a sentence may be part of another one. */
export type SentenceValue = string | number | Sentence;

export interface Sentence {
  code: SentenceCode;
  /** By the names in braces. */
  values: Readonly<Record<string, SentenceValue>>;
  /** In English, values filled in. */
  text: string;
}

type Places<Text extends string> = Text extends `${string}{${infer Place}}${infer Rest}` ? Place | Places<Rest> : never;
type PlacesOf<Code extends SentenceCode> = Places<(typeof SENTENCES)[Code]>;
/** Exactly the values that the sentence has places for: another one does not compile. */
type ValuesOf<Code extends SentenceCode> = [PlacesOf<Code>] extends [never]
  ? []
  : [values: Readonly<Record<PlacesOf<Code>, SentenceValue>>];

export function sentence<Code extends SentenceCode>(code: Code, ...values: ValuesOf<Code>): Sentence;
export function sentence(code: SentenceCode, values: Readonly<Record<string, SentenceValue>> = {}): Sentence {
  const text = SENTENCES[code].replace(/\{(\w+)\}/g, (place, name: string) => textOf(values[name] ?? place));
  return { code, values, text };
}

/** The same with what only the log and the command line add, in a library's or the system's own words. */
export function withDetail(said: Sentence, detail: string): Sentence {
  return { ...said, text: `${said.text} (${detail})` };
}

/** What it says in English. */
export function textOf(said: SentenceValue): string {
  return typeof said === 'object' ? said.text : String(said);
}
