/** The life of one record that was heard: when to ask for it again, and when it ends (RFC 6762 §5.2, §10). Pure. */
import type { Random } from './clock';
import type { RecordOf, RecordType } from './dns';

/** Shares of a record's life from which on it may be asked for again, and should be up to 2 % later by chance (§5.2). */
const REFRESH = [0.8, 0.85, 0.9, 0.95] as const;
/** Somewhat less than 2 %: the browser takes another 100 ms to gather what is due. */
const JITTER = 0.017;
/** A record that is doubted lives this much longer, and is asked for at these times (§10.4), in ms. */
const DOUBT = 10_000;
const DOUBT_QUERIES = [0, 1000, 3000, 7000] as const;
/** It is asked for so often, the one way or the other. */
const TIMES = 4;
/**
 * Passive observation of failures (§10.5): what others asked for so often without an answer, each time at least a
 * second after the last (sooner its owner must not answer again), ends ten seconds later. The RFC wants two questions or
 * more: three, because on a busy radio one answer in five may be missed here that others hear; and over a while, because in a
 * class of fifty three ask within seconds, and one that has no processor to spare answers late.
 */
const UNANSWERED = 3;
const UNANSWERED_GAP = 1500;
const UNANSWERED_SPAN = 15_000;
/** Another's question takes the place of our own in the next so many ms. */
const SERVED = 1000;
/** What is said goodbye to, or flushed, lives one second longer (§10.1, §10.2). */
const LAST_SECOND = 1000;
/** No claim is believed for longer than the longest TTL that RFC 6762 recommends, in seconds. */
const MAX_TTL = 4500;

/** By which shares of its life a record is asked for later than it may be, each of the times. */
export type Lateness = readonly number[];

export function lateness(random: Random): Lateness {
  return REFRESH.map(() => JITTER * random());
}

/** Lean, because a crowd has thousands: times are worked out when they are needed. */
export class Entry<T extends RecordType = RecordType> {
  record: RecordOf<T>;
  /** When it was last known from its owner, when it last came in a packet, and when it ends (ms of the clock). */
  heard: number;
  arrived: number;
  expires: number;
  /** Taken back by its owner: it only lives out its last second. */
  over = false;
  /** Where it stands in the agendas of its cache. */
  placeByEnd = -1;
  placeByPlan = -1;
  /** When its life began, or the doubt about it (`#late` is null then). */
  #since: number;
  #late: Lateness | null;
  /** How often it was time to ask for it since then. */
  #asked = 0;
  /** How often others asked for it since it was heard, and when they did last, or else when it was heard. */
  #unanswered = 0;
  #unansweredAt: number;
  #unansweredSince = 0;

  constructor(record: RecordOf<T>, now: number, late: Lateness) {
    this.record = record;
    this.arrived = now;
    this.heard = now;
    this.expires = now + this.#life;
    this.#since = now;
    this.#late = late;
    this.#unansweredAt = now;
  }

  get #life(): number {
    return Math.min(this.record.ttl, MAX_TTL) * 1000;
  }

  /** When to ask for it next; Infinity: never. */
  get planned(): number {
    if (this.#asked >= TIMES) return Number.POSITIVE_INFINITY;
    if (this.#late === null) return this.#since + DOUBT_QUERIES[this.#asked]!;
    return this.#since + this.#life * (REFRESH[this.#asked]! + this.#late[this.#asked]!);
  }

  /** From when on it may be asked for, where somebody else is: never before 80 % of its life. */
  get opens(): number {
    const share = REFRESH[this.#asked];
    return this.#late === null || share === undefined ? this.planned : this.#since + this.#life * share;
  }

  /** Its owner said it again. */
  hear(record: RecordOf<T>, now: number, late: Lateness): void {
    this.record = record;
    this.arrived = now;
    this.over = false;
    this.renew(now, late);
  }

  /** Its owner was asked elsewhere, and it still is true. */
  renew(now: number, late: Lateness): void {
    this.heard = now;
    this.expires = now + this.#life;
    this.#since = now;
    this.#late = late;
    this.#asked = 0;
    this.#unanswered = 0;
    this.#unansweredAt = now;
  }

  /** Its owner says that it is so no more. */
  takeBack(now: number): void {
    this.over = true;
    this.#end(now + LAST_SECOND);
  }

  /** Somebody found it not to be true: it ends in ten seconds unless it is heard again. */
  doubt(now: number): void {
    if (this.expires <= now + DOUBT) return;
    this.expires = now + DOUBT;
    this.#since = now;
    this.#late = null;
    this.#asked = 0;
  }

  /** It was asked for in vain: it ends in ten seconds unless it is heard again, and is asked for no more. */
  giveUp(now: number): void {
    this.#end(now + DOUBT);
  }

  /** It was given up, or asked for the last time, but not taken back. */
  get fading(): boolean {
    return this.#asked >= TIMES && !this.over;
  }

  /** Somebody else asks for it now, so we need not (§7.3); but before it ends we do, once. */
  leave(now: number): void {
    while (this.#asked < TIMES - 1 && this.planned <= now + SERVED) this.#asked++;
  }

  /** Somebody else asks for it, and should be answered. */
  expect(now: number): void {
    this.leave(now);
    if (now - this.#unansweredAt < UNANSWERED_GAP) return;
    this.#unansweredAt = now;
    if (this.#unanswered++ === 0) this.#unansweredSince = now;
    if (this.#unanswered >= UNANSWERED && now - this.#unansweredSince >= UNANSWERED_SPAN) this.giveUp(now);
  }

  /** It is asked for now: once for all the times that are over. */
  ask(now: number): void {
    do this.#asked++;
    while (this.planned <= now);
  }

  #end(at: number): void {
    this.expires = Math.min(this.expires, at);
    this.#asked = TIMES;
  }
}
