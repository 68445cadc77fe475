/** Neighbours that no announcement leads to: school servers from the settings, addresses that were typed, sticks. */
import { type Sentence, sentence } from '../core/sentences';
import { cleanText } from '../neighbours/txt';
import { looksLikeFolder } from '../transfer/folder-source';
import type { ImagesAnswer, SharedImage } from '../transfer/images-answer';
import type { Asking } from './asking';
import { problemFields } from './claim';
import type { Neighbour, Relation } from './contract';
import { mainImage } from './sources';

interface Fixed {
  from: 'settings' | 'typed' | 'stick';
  /** What it is called; '' if only its answer tells. */
  label: string;
  /** Told to whoever watches, and as what. */
  shown: Neighbour | null;
}

export interface FixedIo {
  asking: Asking;
  /** It is a neighbour already, because it announces itself. */
  isSeenAt(address: string): boolean;
  relation(image: SharedImage): Relation;
  emit(event: 'added' | 'changed' | 'removed', neighbour: Neighbour): void;
  /** There is something new in problems(). */
  onProblem(): void;
}

/** Addresses that persons may type. */
const MAX_TYPED = 16;

export class FixedAddresses {
  private readonly all = new Map<string, Fixed>();
  private asks = false;

  constructor(private readonly io: FixedIo) {}

  /** address: in the form of normal(). */
  add(address: string, from: Fixed['from'], label = ''): void {
    // One from the settings stays one.
    if (this.all.has(address)) return;
    if (from === 'typed' && [...this.all.values()].filter(one => one.from === from).length >= MAX_TYPED) return;
    this.all.set(address, { from, label, shown: null });
    if (this.asks) this.ask(address);
  }

  /** The stick was pulled out. */
  remove(address: string): void {
    const fixed = this.all.get(address);
    if (fixed?.from !== 'stick') return;
    this.all.delete(address);
    this.io.asking.forget(address);
    if (fixed.shown) this.io.emit('removed', fixed.shown);
  }

  has(address: string): boolean {
    return this.all.has(address);
  }

  addresses(): string[] {
    return [...this.all.keys()];
  }

  /** Who is shown now. */
  list(): Neighbour[] {
    return Array.from(this.all, ([address, { shown }]) => shown && this.describe(address)).filter(one => one !== null);
  }

  start(): void {
    this.asks = true;
    for (const address of this.all.keys()) this.ask(address);
  }

  /** Nobody watches any more: what was typed, or plugged in, is forgotten. */
  stop(): void {
    this.asks = false;
    for (const [address, { from, shown }] of [...this.all]) {
      this.io.asking.forget(address);
      if (shown) this.io.emit('removed', shown);
      if (from === 'settings') this.all.get(address)!.shown = null;
      else this.all.delete(address);
    }
  }

  /** Its standing is another, or it announces itself now, or no more. */
  look(address: string): void {
    const fixed = this.all.get(address);
    if (!fixed) return;
    const standing = this.io.asking.standing(address);
    // Who set a school server wants to see that it does not answer; what was typed is gone then.
    const wanted = !this.io.isSeenAt(address) && (standing?.confirmed || fixed.from === 'settings');
    const before = fixed.shown;
    fixed.shown = wanted ? this.describe(address) : null;
    if (fixed.shown) this.io.emit(before ? 'changed' : 'added', fixed.shown);
    else if (before) this.io.emit('removed', before);
    if (fixed.from === 'settings') this.io.onProblem();
  }

  /** Of sources from the settings that should answer and do not. */
  problems(): Sentence[] {
    return Array.from(this.all, ([address, { from }]) => {
      const problem = from === 'settings' ? (this.io.asking.standing(address)?.problem ?? null) : null;
      return problem && sentence('source-unusable', { address, problem });
    }).filter(said => said !== null);
  }

  private ask(address: string): void {
    this.io.asking.take(address, { addresses: [address], image: null, announced: null });
  }

  /** What answers there, with its current image, or else its newest; null while it never answered, or has none. */
  private describe(address: string): Neighbour | null {
    const fixed = this.all.get(address);
    const standing = this.io.asking.standing(address);
    const image = standing?.answer && mainImage(standing.answer);
    if (!fixed || !image) return null;
    const { name, version, commit } = image;
    return {
      id: address,
      kind: kindOf(address, fixed, standing.answer!),
      nick: fixed.label || cleanText(standing.answer!.nick) || address.replace(/:\d+$/, ''),
      colors: null,
      address,
      image: name,
      version,
      commit,
      relation: this.io.relation(image),
      lastSeen: new Date(standing.lastAnswer ?? 0).toISOString(),
      confirmed: standing.confirmed,
      ...problemFields(standing.problem),
    };
  }
}

function kindOf(address: string, { from }: Fixed, { announced }: ImagesAnswer): Neighbour['kind'] {
  if (from === 'stick') return 'stick';
  if (looksLikeFolder(address)) return 'folder';
  return announced ? 'laptop' : 'server';
}
