/**
 * Asks those who are shown what they really have: "seen" becomes "can give" only by an answer over HTTP. Each now and
 * then, by chance and few at a time, because thirty laptops share one radio. Pure: time, chance and asking come from outside.
 */
import { PassItOnError } from '../core/errors';
import { type Sentence, sentence } from '../core/sentences';
import { between, type Clock, type Random, type Timer } from '../neighbours/clock';
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

export interface Standing {
  /** It answered when asked last, and has what it announces. */
  confirmed: boolean;
  /** What is wrong with it; null: nothing, or not asked yet. */
  problem: Sentence | null;
  /** Where it answered; null: it never did. */
  address: string | null;
  /** How long its answers take, smoothed, in ms; null: it never answered. */
  roundTrip: number | null;
  /** When it answered last, in ms since 1970. */
  lastAnswer: number | null;
  answer: ImagesAnswer | null;
}

export interface AskingIo {
  clock: Clock;
  random: Random;
  /** `GET /images` there; rejects with PassItOnError, 'source-lied' where something else answers. Gives up by itself. */
  ask(address: string): Promise<ImagesAnswer>;
  /** Its standing is another now. */
  onChange(id: string): void;
  /** It answered that all it announces is so: itself, and not just anybody with the same image. */
  onVouched(id: string): void;
  /** It was asked twice and did not answer, or another answered at its address. */
  onSilent(id: string): void;
}

/** Pause between two questions to one neighbour, in ms. With what follows on a silence it is gone in two minutes. */
const PAUSE = 75_000;
const JITTER = 0.15;
/** Who does not answer is asked once more before anything is said. */
const SECOND_TRY = 1000;
/** A class that arrives together is asked over this time for each of it, in ms. */
const SPREAD_EACH = 100;
const SPREAD_MOST = 5000;
const MAX_AT_ONCE = 6;
/**
 * So many questions in one go, and then one each 2 s: enough for a class, of which each asks half and is asked by the
 * other. In a crowd each pair would be too much, and multicast refreshes for all at once whom nobody had time to ask.
 */
const MOST_IN_ONE_GO = 60;
const MS_EACH = 2000;
/** Who asks us shows that it is there; but that it answers is asked at least so often, in ms. */
const LONGEST_UNASKED = 600_000;
const MAX_ADDRESSES = 4;

export const SILENT = sentence('neighbour-silent');
export const STRANGER = sentence('neighbour-stranger');
export const ANOTHER = sentence('neighbour-another');
export const LACKING = sentence('neighbour-lacks-image');

/** Of whom nothing is known yet. */
export const UNTOLD: Standing = {
  confirmed: false,
  problem: null,
  address: null,
  roundTrip: null,
  lastAnswer: null,
  answer: null,
};

interface Asked extends Standing {
  id: string;
  claim: Claim;
  due: number;
  /** When it answered last with this claim, by the clock; null: not yet. */
  answered: number | null;
  failures: number;
  asking: boolean;
}

export class Asking {
  readonly #all = new Map<string, Asked>();
  #running = 0;
  /** Questions that may be asked at `#filled` (ms of the clock). */
  #budget = MOST_IN_ONE_GO;
  #filled = Number.NEGATIVE_INFINITY;
  /** It is the turn of the newest. */
  #newest = false;
  #timer: Timer | null = null;
  /** When that timer is due. */
  #next = 0;
  #on = false;

  constructor(private readonly io: AskingIo) {}

  /** Begins to ask; who was known before is asked anew. */
  start(): void {
    this.#on = true;
    for (const asked of this.#all.values()) asked.due = this.#soon();
    this.#planNext();
  }

  /** Asks no more; what is known stays known. */
  stop(): void {
    this.#on = false;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** It is near, or says something new: it is asked soon. */
  take(id: string, claim: Claim): void {
    const known = this.#all.get(id);
    if (known && sameClaim(known.claim, claim)) return;
    // What was confirmed stays so until it is asked again: new words of an honest one must not make it flicker.
    const before = known ?? UNTOLD;
    const fresh = { id, claim, due: this.#soon(), answered: null, failures: 0, asking: false };
    const asked: Asked = { ...before, ...fresh };
    this.#all.set(id, asked);
    this.#plan(asked.due);
  }

  forget(id: string): void {
    this.#all.delete(id);
  }

  standing(id: string): Standing | null {
    return this.#all.get(id) ?? null;
  }

  /** Asks it once, now, whatever the plan: whether it is still there. */
  async probe(id: string): Promise<boolean> {
    const asked = this.#all.get(id);
    if (!asked) return false;
    const answer = await this.#answerOf(asked).catch(() => null);
    return answer !== null && problemOf(asked.claim, answer.images) === null;
  }

  /**
   * It asked us, and said what it announces: it is there, and need not be asked for a while. Only of one that has
   * answered itself, for it shows nothing of what it can give.
   */
  asksUs(id: string, announced: NonNullable<ImagesAnswer['announced']>, current: string): void {
    const asked = this.#all.get(id);
    if (!this.#on || !asked?.confirmed || asked.answered === null || asked.asking) return;
    if (!vouches(asked.claim, { announced, current })) return;
    asked.due = Math.min(this.#later(), asked.answered + LONGEST_UNASKED);
    this.io.onVouched(id);
  }

  /** When to ask again who was asked now, or need not be. */
  #later(): number {
    return this.io.clock.now() + PAUSE * between(this.io.random, 1 - JITTER, 1 + JITTER);
  }

  #soon(): number {
    const spread = Math.min(SPREAD_MOST, SPREAD_EACH * (1 + this.#all.size));
    return this.io.clock.now() + between(this.io.random, 0, spread);
  }

  /** Somebody is to be asked then (ms of the clock), and the next question may be that one. */
  #plan(due: number): void {
    if (!this.#on || this.#running >= MAX_AT_ONCE || (this.#timer !== null && due >= this.#next)) return;
    this.#timer?.cancel();
    this.#next = due;
    const wait = Math.max(due - this.io.clock.now(), this.#untilAllowed());
    this.#timer = this.io.clock.after(Math.max(0, wait), () => this.#askNext());
  }

  /** Asks in turn who waits longest, and who came last, whom a flood of others must not hold up. */
  #askNext(): void {
    this.#timer = null;
    this.#newest = !this.#newest;
    const now = this.io.clock.now();
    let oldest: Asked | null = null;
    let newest: Asked | null = null;
    for (const asked of this.#all.values()) {
      if (asked.asking || asked.due > now) continue;
      if (oldest === null || asked.due < oldest.due) oldest = asked;
      const isNew = !asked.confirmed && asked.problem === null;
      if (isNew && (newest === null || asked.due > newest.due)) newest = asked;
    }
    const picked = this.#newest ? (newest ?? oldest) : oldest;
    if (picked) {
      this.#budget--;
      void this.#ask(picked);
    }
    this.#planNext();
  }

  #planNext(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const { asking, due } of this.#all.values()) if (!asking) next = Math.min(next, due);
    if (next < Number.POSITIVE_INFINITY) this.#plan(next);
  }

  /** Fills up what may be asked; returns the ms until one question may be. */
  #untilAllowed(): number {
    const now = this.io.clock.now();
    this.#budget = Math.min(MOST_IN_ONE_GO, this.#budget + (now - this.#filled) / MS_EACH);
    this.#filled = now;
    return (1 - this.#budget) * MS_EACH;
  }

  async #ask(asked: Asked): Promise<void> {
    asked.asking = true;
    this.#running++;
    // It may have gone, or say something else by now.
    const same = () => this.#all.get(asked.id) === asked;
    let outcome = await this.#answerOf(asked).catch((cause: unknown) => cause);
    if (asked.failures === 0 && problemIn(asked, outcome) !== null && same()) {
      // An answer that got lost, or news that crossed the question.
      await new Promise<void>(resolve => void this.io.clock.after(SECOND_TRY, resolve));
      if (same()) outcome = await this.#answerOf(asked).catch((cause: unknown) => cause);
    }
    this.#running--;
    asked.asking = false;
    if (same()) this.#judge(asked, outcome);
    // All were held up while as many as may be were asked at once.
    if (this.#timer === null) this.#planNext();
    else this.#plan(asked.due);
  }

  #judge(asked: Asked, outcome: unknown): void {
    const { id } = asked;
    const before = { ...asked };
    const answer = isAnswer(outcome) ? outcome : null;
    const problem = problemIn(asked, outcome);
    if (answer) {
      asked.answered = this.io.clock.now();
      asked.address = answer.address;
      asked.answer = answer.images;
      asked.lastAnswer = Date.now();
      asked.roundTrip = asked.roundTrip === null ? answer.ms : 0.7 * asked.roundTrip + 0.3 * answer.ms;
    }
    asked.failures = problem === null ? 0 : asked.failures + 1;
    asked.confirmed = problem === null;
    asked.problem = problem;
    asked.due = this.#later();
    if (changed(before, asked)) this.io.onChange(id);
    if (answer && vouches(asked.claim, answer.images)) this.io.onVouched(id);
    if ((problem === SILENT || problem === ANOTHER) && asked.failures === 1) this.io.onSilent(id);
  }

  /** Asks where it answered last, and only if that fails everywhere else, so that one false address cannot hide it. */
  async #answerOf({ claim, address }: Asked): Promise<{ address: string; images: ImagesAnswer; ms: number }> {
    const known = address !== null && claim.addresses.includes(address) ? address : claim.addresses[0];
    if (known === undefined) throw new PassItOnError('no-source', 'It has no address.', 'Wait.');
    const ask = async (where: string) => {
      const begun = this.io.clock.now();
      const images = await this.io.ask(where);
      return { address: where, images, ms: this.io.clock.now() - begun };
    };
    try {
      const answer = await ask(known);
      if (problemOf(claim, answer.images) === null) return answer;
      return await Promise.any(others(claim, known).map(ask)).catch(() => answer);
    } catch (cause) {
      return await Promise.any(others(claim, known).map(ask)).catch(() => {
        throw cause;
      });
    }
  }
}

function others(claim: Claim, known: string): string[] {
  return claim.addresses.slice(0, MAX_ADDRESSES).filter(address => address !== known);
}

function isAnswer(outcome: unknown): outcome is { address: string; images: ImagesAnswer; ms: number } {
  return typeof outcome === 'object' && outcome !== null && 'images' in outcome;
}

/** What is wrong with an answer, or with there being none; null: nothing. */
function problemIn({ claim }: Asked, outcome: unknown): Sentence | null {
  return isAnswer(outcome) ? problemOf(claim, outcome.images) : failureOf(outcome);
}

function failureOf(cause: unknown): Sentence {
  const code = cause instanceof PassItOnError ? cause.code : '';
  return code === 'source-lied' || code === 'no-source' ? STRANGER : SILENT;
}

/** What is wrong between what it announces and what it answers; null: nothing. */
function problemOf({ image, announced }: Claim, { images, announced: really }: ImagesAnswer): Sentence | null {
  if (image === null) return null;
  // Addresses are given anew: a classmate with the same image may have this one by now.
  if (announced && really && foldCase(announced.host) !== foldCase(really.host)) return ANOTHER;
  const has = images.find(({ commit }) => commit === image.commit);
  if (!has) return LACKING;
  return contradiction(image, has);
}

/** Whether what it says itself confirms every record of its announcement. */
function vouches(
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

function sameClaim(a: Claim, b: Claim): boolean {
  const said = ({ addresses, image, announced }: Claim) =>
    [image?.name, image?.version, image?.commit, announced?.instance, announced?.host, ...[...addresses].sort()].join(
      '\n',
    );
  return said(a) === said(b);
}

function changed(a: Standing, b: Standing): boolean {
  if (a.confirmed !== b.confirmed || a.problem?.text !== b.problem?.text || a.address !== b.address) return true;
  return a.answer?.current !== b.answer?.current || a.answer?.images.length !== b.answer?.images.length;
}
