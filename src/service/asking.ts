/**
 * Asks those who are shown what they really have: "seen" becomes "can give" only by an answer over HTTP. Each now and
 * then, by chance and few at a time, because thirty laptops share one radio. Pure: time, chance and asking come from outside.
 */
import { PassItOnError } from '../core/errors';
import type { Sentence } from '../core/sentences';
import { Agenda } from '../neighbours/agenda';
import { between, type Clock, type Random, type Timer } from '../neighbours/clock';
import type { ImagesAnswer } from '../transfer/images-answer';
import { ANOTHER, type Claim, failureOf, problemOf, SILENT, sameClaim, vouches } from './claim';

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
  /**
   * `GET /images` there; 'late' where somebody took the question, but is too busy to answer now. Rejects with PassItOnError,
   * 'source-lied' where something else answers. Gives up by itself.
   */
  ask(address: string): Promise<ImagesAnswer | 'late'>;
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
/**
 * Who took the question, but did not answer in time, is there: a dead one takes none. It is asked again after so many ms,
 * and goes as silent after so many in a row, for somebody's program may hang.
 */
const LATE_PAUSE = 15_000;
const MOST_LATE = 8;
/**
 * Who did not answer at all, but still is announced, is asked again so many times with this pause: its service may just
 * be starting, or the kernel may take its address for another laptop's that had it before, for up to a minute (arp(7),
 * base_reachable_time).
 */
const MORE_TRIES = 6;
const PAUSE_AFTER_SILENCE = 20_000;
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
/** Whom an upgrade asks now need not be asked meanwhile: longer than that waits for an answer, in ms. */
const ASKED_ELSEWHERE = 4_000;
const MAX_ADDRESSES = 4;

/** Of whom nothing is known yet. */
export const UNTOLD: Standing = {
  confirmed: false,
  problem: null,
  address: null,
  roundTrip: null,
  lastAnswer: null,
  answer: null,
};

class Asked implements Standing {
  confirmed: boolean;
  problem: Sentence | null;
  address: string | null;
  roundTrip: number | null;
  lastAnswer: number | null;
  answer: ImagesAnswer | null;
  /** When it answered last with this claim, by the clock; null: not yet. */
  answered: number | null = null;
  failures = 0;
  /** How often in a row it was late. */
  late = 0;
  asking = false;
  /** Where it stands among those whose time has not come, and among newcomers whose has. */
  place = -1;
  placeAsNew = -1;

  constructor(
    readonly id: string,
    readonly claim: Claim,
    before: Standing,
    public due: number,
  ) {
    this.confirmed = before.confirmed;
    this.problem = before.problem;
    this.address = before.address;
    this.roundTrip = before.roundTrip;
    this.lastAnswer = before.lastAnswer;
    this.answer = before.answer;
  }
}

export class Asking {
  readonly #all = new Map<string, Asked>();
  /** By when it is their time. */
  readonly #waiting = new Agenda<Asked>({
    get: asked => asked.place,
    set: (asked, place) => {
      asked.place = place;
    },
  });
  /** Whose time has come, in that order; those of them of whom nothing is known, the newest first. */
  readonly #ready = new Set<Asked>();
  readonly #newcomers = new Agenda<Asked>({
    get: asked => asked.placeAsNew,
    set: (asked, place) => {
      asked.placeAsNew = place;
    },
  });
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
    for (const asked of this.#all.values()) if (!asked.asking) this.#queue(asked, this.#soon());
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
    const asked = new Asked(id, claim, known ?? UNTOLD, this.#soon());
    this.forget(id);
    this.#all.set(id, asked);
    this.#queue(asked, asked.due);
    this.#plan(asked.due);
  }

  forget(id: string): void {
    const asked = this.#all.get(id);
    if (!asked) return;
    this.#all.delete(id);
    this.#unqueue(asked);
  }

  standing(id: string): Standing | null {
    return this.#all.get(id) ?? null;
  }

  /** Asks it once, now, whatever the plan: whether it is still there. */
  async probe(id: string): Promise<boolean> {
    const asked = this.#all.get(id);
    if (!asked) return false;
    const outcome = await this.#answerOf(asked).catch((cause: unknown) => cause);
    return problemIn(asked, outcome) === null;
  }

  /**
   * It asked us, and said what it announces: it is there, and need not be asked for a while. Only of one that has
   * answered itself, for it shows nothing of what it can give.
   */
  asksUs(id: string, announced: NonNullable<ImagesAnswer['announced']>, current: string): void {
    const asked = this.#all.get(id);
    if (!this.#on || !asked?.confirmed || asked.answered === null || asked.asking) return;
    if (!vouches(asked.claim, { announced, current })) return;
    this.#queue(asked, Math.min(this.#later(), asked.answered + LONGEST_UNASKED));
    this.io.onVouched(id);
  }

  /**
   * Somebody else on this laptop asks what is held at this address. To be called with what was said there, null where nothing was: a good
   * answer is as good as one to a question from here. Any other is none, and who would have been asked meanwhile is asked now, for it is
   * asked twice, and at its other addresses, before anything bad is said of it.
   */
  askedElsewhere(address: string): (images: ImagesAnswer | null) => void {
    if (!this.#on) return () => {};
    const begun = this.io.clock.now();
    const waiting = new Map<Asked, number>();
    for (const asked of this.#idleAt(address)) {
      if (asked.due >= begun + ASKED_ELSEWHERE) continue;
      waiting.set(asked, asked.due);
      this.#queue(asked, begun + ASKED_ELSEWHERE);
    }
    return images => {
      for (const asked of this.#idleAt(address)) {
        const before = waiting.get(asked);
        if (images && problemOf(asked.claim, images) === null) {
          this.#judge(asked, { address, images, ms: this.io.clock.now() - begun });
        } else if (before !== undefined) this.#queue(asked, before);
        this.#plan(asked.due);
      }
    };
  }

  /** Those who may be asked there, and are not being asked. */
  #idleAt(address: string): Asked[] {
    return [...this.#all.values()].filter(({ claim, asking }) => !asking && claim.addresses.includes(address));
  }

  /** It is to be asked then (ms of the clock), and not before. */
  #queue(asked: Asked, due: number): void {
    this.#unqueue(asked);
    asked.due = due;
    this.#waiting.put(asked, due);
  }

  #unqueue(asked: Asked): void {
    this.#waiting.remove(asked);
    this.#newcomers.remove(asked);
    this.#ready.delete(asked);
  }

  /** When to ask again who was asked now, or need not be. */
  #later(pause = PAUSE): number {
    return this.io.clock.now() + pause * between(this.io.random, 1 - JITTER, 1 + JITTER);
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
    for (const asked of this.#waiting.until(this.io.clock.now())) {
      this.#waiting.remove(asked);
      this.#ready.add(asked);
      if (!asked.confirmed && asked.problem === null) this.#newcomers.put(asked, -asked.due);
    }
    const oldest = this.#ready.values().next().value;
    const picked = this.#newest ? (this.#newcomers.first ?? oldest) : oldest;
    if (picked) {
      this.#budget--;
      void this.#ask(picked);
    }
    this.#planNext();
  }

  #planNext(): void {
    const next = this.#ready.values().next().value?.due ?? this.#waiting.next;
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
    this.#unqueue(asked);
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
    const { id, confirmed, address, answer: said } = asked;
    const before = { confirmed, problem: asked.problem, address, answer: said };
    asked.late = outcome === 'late' ? asked.late + 1 : 0;
    if (asked.late > 0 && asked.late < MOST_LATE) {
      // Nothing is known that was not before, but that it is there.
      this.#queue(asked, this.io.clock.now() + LATE_PAUSE * between(this.io.random, 1 - JITTER, 1 + JITTER));
      return;
    }
    const answer = isAnswer(outcome) ? outcome : null;
    const problem = asked.late > 0 ? SILENT : problemIn(asked, outcome);
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
    this.#queue(asked, this.#later(problem === SILENT && asked.failures <= MORE_TRIES ? PAUSE_AFTER_SILENCE : PAUSE));
    if (changed(before, asked)) this.io.onChange(id);
    if (answer && vouches(asked.claim, answer.images)) this.io.onVouched(id);
    if ((problem === SILENT || problem === ANOTHER) && asked.failures === 1) this.io.onSilent(id);
  }

  /** Asks where it answered last, and only if that fails everywhere else, so that one false address cannot hide it. */
  async #answerOf({ claim, address }: Asked): Promise<Answer | 'late'> {
    const known = address !== null && claim.addresses.includes(address) ? address : claim.addresses[0];
    if (known === undefined) throw new PassItOnError('no-source', 'It has no address.', 'Wait.');
    const ask = async (where: string): Promise<Answer | 'late'> => {
      const begun = this.io.clock.now();
      const images = await this.io.ask(where);
      return images === 'late' ? 'late' : { address: where, images, ms: this.io.clock.now() - begun };
    };
    try {
      const answer = await ask(known);
      if (answer === 'late' || problemOf(claim, answer.images) === null) return answer;
      const other = await Promise.any(others(claim, known).map(ask)).catch(() => answer);
      return other === 'late' ? answer : other;
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

/** Where it answered what, and after how many ms. */
interface Answer {
  address: string;
  images: ImagesAnswer;
  ms: number;
}

function isAnswer(outcome: unknown): outcome is Answer {
  return typeof outcome === 'object' && outcome !== null && 'images' in outcome;
}

/** What is wrong with an answer, or with there being none; null: nothing, or it is still on its way. */
function problemIn({ claim }: Asked, outcome: unknown): Sentence | null {
  if (outcome === 'late') return null;
  return isAnswer(outcome) ? problemOf(claim, outcome.images) : failureOf(outcome);
}

function changed(
  a: Pick<Standing, 'confirmed' | 'problem' | 'address' | 'answer'>,
  b: Pick<Standing, 'confirmed' | 'problem' | 'address' | 'answer'>,
): boolean {
  if (a.confirmed !== b.confirmed || a.problem?.text !== b.problem?.text || a.address !== b.address) return true;
  return a.answer?.current !== b.answer?.current || a.answer?.images.length !== b.answer?.images.length;
}
