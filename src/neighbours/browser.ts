/**
 * When to ask who is near on one link: listens always, asks while somebody watches (RFC 6762 §5.2, §7, §10).
 * Pure: time, chance and sending come from outside.
 */
import { type Endpoint, MDNS_PORT, type Send } from './answering';
import { between, type Timer } from './clock';
import { Directory, type DirectoryIo, type LinkSighting } from './directory';
import type { Message, Question, ResourceRecord } from './dns';
import { Hints } from './hints';
import { recordKey } from './keys';
import { foldCase } from './names';
import { Overheard } from './overheard';
import { browseQuery, directQueries } from './queries';

export { type LinkSighting, MAX_NEIGHBOURS } from './directory';

export interface BrowserIo extends DirectoryIo {
  send: Send;
  /** This instance may have appeared, changed or gone (`key` as for sighting()). */
  onChange(key: string): void;
}

/** The second question comes a second after the first, then twice as long each time, at most an hour (§5.2). */
const FIRST_INTERVAL = 1000;
const LONGEST_INTERVAL = 3_600_000;
/** Who else answers than is heard here may make us ask at most so often, in ms. */
const AGAIN_INTERVAL = 10_000;
/** Direct questions in one second, so that a flood of names cannot make us flood. */
const MAX_QUESTIONS = 60;
const TICK = 1000;

/** Missing records of an instance: when to ask next, how long to wait after that, and how often others asked instead. */
interface Missing {
  at: number;
  pause: number;
  served: number;
}

/** Another's question takes the place of our own in the next so many ms (§7.3). */
const SERVED = 1000;
/** And so often in a row: perhaps we are heard where he is not. */
const MOST_SERVED = 4;

export class Browser {
  readonly #directory: Directory;
  readonly #missing = new Map<string, Missing>();
  readonly #overheard = new Overheard();
  readonly #hints: Hints;
  #state: 'listening' | 'watching' | 'closed' = 'listening';
  #interval = FIRST_INTERVAL;
  #browsedAt = 0;
  #browseTimer: Timer | null = null;
  #askTimer: Timer | null = null;
  #againTimer: Timer | null = null;
  #askNotBefore = 0;
  /** The next questions include the one for everybody. */
  #askForAll = false;
  #sweepTimer: Timer | null = null;
  #sweepAt = Number.POSITIVE_INFINITY;

  constructor(private readonly io: BrowserIo) {
    this.#directory = new Directory(io);
    this.#hints = new Hints(io.clock, io.random, {
      isKnown: pointer => this.#directory.cache.find(pointer) !== null,
      onMissed: () => this.#askForEverybody(),
    });
  }

  /** Asks, and keeps asking ever more rarely, until unwatch(). */
  watch(): void {
    if (this.#state !== 'listening') return;
    this.#state = 'watching';
    this.#interval = FIRST_INTERVAL;
    this.#browsedAt = this.io.clock.now();
    this.#browseTimer = this.io.clock.after(between(this.io.random, 20, 120), () => this.#browse());
    for (const key of this.keys()) this.#resolve(key);
    this.#sweepWithin(TICK);
  }

  unwatch(): void {
    if (this.#state === 'watching') this.#state = 'listening';
    this.#browseTimer?.cancel();
    this.#againTimer?.cancel();
    this.#askTimer?.cancel();
    this.#askTimer = null;
    this.#askForAll = false;
    this.#overheard.forget();
    this.#hints.forget();
    this.#missing.clear();
  }

  close(): void {
    this.unwatch();
    this.#state = 'closed';
    this.#sweepTimer?.cancel();
  }

  /** Somebody could not reach it: unless it answers now, it is gone in ten seconds (§10.4). */
  doubt(key: string): void {
    this.#directory.doubt(key);
    this.#ask();
    this.#sweepWithin(TICK);
  }

  /** It said itself, elsewhere than here, that all it announces is still so. */
  vouch(key: string): void {
    this.#directory.vouch(key);
  }

  /** Somebody is known to be there who is not heard of here: everybody is asked for once more, soon but not often. */
  askAgain(): void {
    if (this.#state !== 'watching') return;
    const wait = Math.max(0, AGAIN_INTERVAL - (this.io.clock.now() - this.#browsedAt));
    this.#againTimer?.cancel();
    this.#againTimer = this.io.clock.after(wait, () => this.#askForEverybody());
  }

  /** The keys of all instances heard of, complete or not. */
  keys(): string[] {
    return this.#directory.keys();
  }

  /** What is known of an instance; null while it is incomplete, makes no sense, or is not on this link. */
  sighting(key: string): LinkSighting | null {
    return this.#directory.sighting(key);
  }

  receive(m: Message, from: Endpoint): void {
    if (this.#state === 'closed' || from.port !== MDNS_PORT) return;
    if (m.kind === 'query') {
      this.#expectAnswers(m);
      this.#hearQuestion(m, from);
      return;
    }
    this.#tell(this.#directory.take(m, from));
  }

  /** These may be others than before. */
  #tell(touched: ReadonlySet<string>): void {
    for (const key of touched) {
      this.#resolve(key);
      this.io.onChange(key);
    }
    if (touched.size > 0) this.#sweepWithin(TICK);
  }

  #browse(): void {
    this.#sendBrowse();
    this.#nextBrowse();
  }

  #nextBrowse(): void {
    this.#overheard.forget();
    this.#browsedAt = this.io.clock.now();
    this.#browseTimer?.cancel();
    this.#browseTimer = this.io.clock.after(this.#interval * between(this.io.random, 1, 1.1), () => this.#browse());
    this.#interval = Math.min(this.#interval * 2, LONGEST_INTERVAL);
  }

  #sendBrowse(): void {
    for (const query of browseQuery(this.#directory.known())) this.io.send(query);
  }

  /**
   * Somebody else asks what we ask. If he knows no more than we do, his question serves us too (§7.3). If he knows
   * somebody of whom we never heard, because packets get lost, that is reason to ask again; it is no more than a hint,
   * for what is known to others must not be believed (§7.1).
   */
  #hearQuestion(m: Message, from: Endpoint): void {
    if (this.#state !== 'watching') return;
    const missed = m.answers.filter(one => this.#directory.leadsToOther(one) && !this.#directory.cache.find(one));
    if (missed.length > 0) {
      this.#hints.take(missed);
      return;
    }
    // The pause under way is half of #interval; before half of it is over we still ask ourselves.
    const open = this.io.clock.now() - this.#browsedAt >= this.#interval / 4;
    const knows = (answer: ResourceRecord) => this.#directory.knows(answer);
    if (this.#overheard.servesUs(m, from, open, knows)) this.#nextBrowse();
  }

  #askForEverybody(): void {
    this.#browsedAt = this.io.clock.now();
    this.#askForAll = true;
    this.#ask();
  }

  /** What somebody asks for, and does not know, will be answered while it is true: if not, it is not (§10.5). */
  #expectAnswers({ questions, answers, truncated }: Message): void {
    // Of a question whose known answers follow elsewhere we cannot tell what it expects.
    if (truncated) return;
    const { cache } = this.#directory;
    const known = new Set(answers.map(recordKey));
    for (const { name, type } of questions) {
      if (type === 'OTHER' || type === 'NSEC') continue;
      if (type === 'SRV') this.#leaveTo(foldCase(name));
      const types = type === 'ANY' ? (['SRV', 'TXT', 'A', 'AAAA'] as const) : [type];
      for (const { record } of types.flatMap(one => cache.get(name, one))) {
        if (known.has(recordKey(record))) continue;
        cache.expected(record);
        // With it come the addresses, as with our own question.
        if (record.type === 'SRV') for (const address of this.#directory.addresses(record)) cache.leave(address);
      }
    }
    this.#sweepWithin(TICK);
  }

  /** Somebody else asks for what this instance lacks (§7.3): all of a crowd notice at one moment who is gone. */
  #leaveTo(key: string): void {
    const missing = this.#missing.get(key);
    const now = this.io.clock.now();
    if (!missing || missing.served >= MOST_SERVED || missing.at > now + SERVED) return;
    this.#missing.set(key, { ...later(missing, now), served: missing.served + 1 });
  }

  #resolve(key: string): void {
    if (this.#directory.lacking(key).length === 0) this.#missing.delete(key);
    else if (this.#state === 'watching' && !this.#missing.has(key)) {
      this.#missing.set(key, { at: this.io.clock.now(), pause: TICK, served: 0 });
      this.#ask();
    }
  }

  /** Soon asks for all that is missing or about to end. */
  #ask(): void {
    if (this.#state !== 'watching' || this.#askTimer) return;
    const wait = Math.max(between(this.io.random, 20, 120), this.#askNotBefore - this.io.clock.now());
    this.#askTimer = this.io.clock.after(wait, () => {
      this.#askTimer = null;
      this.#sendQuestions();
    });
  }

  #sendQuestions(): void {
    const now = this.io.clock.now();
    const questions = new Map<string, Question>();
    const add = (question: Question) => questions.set(`${question.type} ${foldCase(question.name)}`, question);
    for (const [key, missing] of this.#missing) {
      if (missing.at > now || questions.size >= MAX_QUESTIONS) continue;
      const lacking = this.#directory.lacking(key);
      lacking.forEach(add);
      if (lacking.length === 0) this.#missing.delete(key);
      else this.#missing.set(key, { ...later(missing, now), served: 0 });
    }
    let browse = this.#askForAll;
    this.#askForAll = false;
    for (const { name, type } of this.#directory.cache.due(MAX_QUESTIONS - questions.size)) {
      if (type === 'PTR') browse = true;
      else if (type === 'A' || type === 'AAAA') this.#directory.renewing(name, type).forEach(add);
      else add({ name, type, unicast: false });
    }
    if (browse) this.#sendBrowse();
    for (const query of directQueries([...questions.values()])) this.io.send(query);
    if (questions.size >= MAX_QUESTIONS) this.#askNotBefore = now + TICK;
    this.#sweepWithin(TICK);
  }

  /** Sweeps at most `ms` from now. */
  #sweepWithin(ms: number): void {
    const at = this.io.clock.now() + ms;
    if (this.#state === 'closed' || at >= this.#sweepAt) return;
    this.#sweepTimer?.cancel();
    this.#sweepAt = at;
    this.#sweepTimer = this.io.clock.after(ms, () => this.#sweep());
  }

  #sweep(): void {
    this.#sweepAt = Number.POSITIVE_INFINITY;
    const watching = this.#state === 'watching';
    this.#tell(this.#directory.expire(watching));
    let next = this.#directory.cache.next(watching);
    if (watching) for (const { at } of this.#missing.values()) next = Math.min(next, at);
    const wait = next - this.io.clock.now();
    if (watching && wait <= 0) this.#ask();
    if (next !== Number.POSITIVE_INFINITY) this.#sweepWithin(Math.max(wait, TICK / 4));
  }
}

function later({ pause }: Missing, now: number): { at: number; pause: number } {
  return { at: now + pause, pause: Math.min(pause * 2, LONGEST_INTERVAL) };
}
