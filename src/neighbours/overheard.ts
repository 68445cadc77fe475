/** What another laptop's question means to one that asks the same (RFC 6762 §7.1–§7.3). */
import type { Endpoint } from './answering';
import type { Message, Question, ResourceRecord } from './dns';
import { foldCase } from './names';
import { SERVICE } from './records';

/** Askers whose lists over several packets are followed at once. */
const MAX_LISTING = 32;

export class Overheard {
  /** Who asks what we ask, and is telling over several packets whom he knows: none yet whom we do not know. */
  readonly #listing = new Set<string>();

  /**
   * True where his question serves us too (§7.3): it asks for everybody, and leaves out nobody whom ours would not.
   * `open`: a question that begins now would come at the right time for us. `knows`: whether ours would leave it out, too.
   */
  servesUs(m: Message, from: Endpoint, open: boolean, knows: (answer: ResourceRecord) => boolean): boolean {
    const asker = `${from.address} ${from.port}`;
    const begins = open && m.questions.some(asksForAll);
    if (!begins && !this.#listing.has(asker)) return false;
    if (!m.answers.every(knows)) {
      this.#listing.delete(asker);
      return false;
    }
    if (!m.truncated) return true;
    // What he knows goes on in his next packet (§7.2): in a crowd no list fits into one.
    if (this.#listing.size < MAX_LISTING) this.#listing.add(asker);
    return false;
  }

  forget(): void {
    this.#listing.clear();
  }
}

function asksForAll({ type, name, unicast }: Question): boolean {
  return type === 'PTR' && !unicast && foldCase(name) === SERVICE;
}
