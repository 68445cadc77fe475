/** What a neighbour announces, held against what it answers. Pure. */
import { PassItOnError } from '../core/errors';
import { type Sentence, sentence } from '../core/sentences';
import { foldCase } from '../neighbours/names';
import type { ImagesAnswer } from '../transfer/images-answer';
import type { Neighbour } from './contract';

/** Whom to ask for what. */
export interface Claim {
  /** Where it may be asked, best first. */
  addresses: string[];
  /** What it announces; null where only the address is known. */
  image: { name: string; version: string; commit: string } | null;
  /** As what it announces itself; null where only the address is known. */
  announced: ImagesAnswer['announced'];
}

export const SILENT = sentence('neighbour-silent');
export const STRANGER = sentence('neighbour-stranger');
export const ANOTHER = sentence('neighbour-another');
export const LACKING = sentence('neighbour-lacks-image');

/** What is wrong between what it announces and what it answers; null: nothing. */
export function problemOf({ image, announced }: Claim, { images, announced: really }: ImagesAnswer): Sentence | null {
  if (image === null) return null;
  // Addresses are given anew: a classmate with the same image may have this one by now.
  if (announced && really && foldCase(announced.host) !== foldCase(really.host)) return ANOTHER;
  const has = images.find(({ commit }) => commit === image.commit);
  if (!has) return LACKING;
  return contradiction(image, has);
}

/** What is wrong where it did not answer. */
export function failureOf(cause: unknown): Sentence {
  const code = cause instanceof PassItOnError ? cause.code : '';
  return code === 'source-lied' || code === 'no-source' ? STRANGER : SILENT;
}

/** Whether what it says itself confirms every record of its announcement. */
export function vouches(
  { image, announced }: Claim,
  { current, announced: really }: Pick<ImagesAnswer, 'current' | 'announced'>,
): boolean {
  if (!announced || !really || image?.commit !== current) return false;
  return (
    foldCase(announced.host) === foldCase(really.host) && foldCase(announced.instance) === foldCase(really.instance)
  );
}

/** Where one image goes by two names or versions. */
export function contradiction(
  claimed: { name: string; version: string },
  really: { name: string; version: string },
): Sentence | null {
  if (claimed.name === really.name && claimed.version === really.version) return null;
  const title = ({ name, version }: { name: string; version: string }) =>
    claimed.name === really.name ? version : `${name} ${version}`;
  return sentence('neighbour-contradicts-itself', { claimed: title(claimed), really: title(really) });
}

/** Of a neighbour, as the contract has it. */
export function problemFields(problem: Sentence | null): Pick<Neighbour, 'problem' | 'problemSaid'> {
  return problem === null ? { problem } : { problem: problem.text, problemSaid: problem };
}

export function sameClaim(a: Claim, b: Claim): boolean {
  const said = ({ addresses, image, announced }: Claim) =>
    [image?.name, image?.version, image?.commit, announced?.instance, announced?.host, ...[...addresses].sort()].join(
      '\n',
    );
  return said(a) === said(b);
}
