import { PassItOnError } from '../errors';
import type { Scratch } from './scratch';

/** Bytes that can be read anywhere, such as a file. */
export interface RandomReader {
  /** Bytes. */
  readonly size: number;
  /** Reading is copying: there is nothing to wait for. */
  readonly isInMemory?: boolean;
  /** Fills `into` with what stands at `position`; gives the number of bytes, as `fs.read` does. */
  read(into: Buffer, position: number): number | Promise<number>;
}

/** For the encoder, which jumps about: `fs.readSync` in a thread of its own costs far less than a promise each time. */
export interface SyncReader extends RandomReader {
  read(into: Buffer, position: number): number;
}

/** @throws PassItOnError 'damaged' when a reader could not fill a Buffer: its file became shorter behind our back. */
export function mustFill(into: Buffer, count: number): void {
  if (count === into.length) return;
  throw new PassItOnError(
    'damaged',
    `A file on this laptop is shorter than it was: ${into.length - count} bytes are missing.`,
    'Let Pass It On check the image on this laptop.',
  );
}

export function memoryReader(bytes: Buffer): SyncReader {
  return { size: bytes.length, isInMemory: true, read: (into, position) => bytes.copy(into, 0, position) };
}

export function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** How far from `from` on, and at most to `until`, the one has the same bytes as the other has `offset` farther on. */
export function equalUntil(one: DataView, from: number, until: number, other: DataView, offset: number): number {
  let at = from;
  for (; at + 4 <= until; at += 4) {
    const differing = one.getInt32(at, true) ^ other.getInt32(at + offset, true);
    // The lowest bit that differs says which byte is the first.
    if (differing !== 0) return at + ((31 - Math.clz32(differing & -differing)) >> 3);
  }
  while (at < until && one.getUint8(at) === other.getUint8(at + offset)) at++;
  return at;
}

/** A stretch of the base in memory. */
export interface Page {
  readonly bytes: Buffer;
  /** The same bytes: four at once are read from here in a third of the time. */
  readonly view: DataView;
  /** Where in the base it begins. */
  readonly start: number;
  readonly end: number;
}

interface Slot extends Page {
  /** All of it: the last page of a base needs less. */
  readonly memory: Buffer;
  /** What it is the page around: without the margins. */
  readonly from: number;
  readonly to: number;
}

/** Bases up to this size are held as one page, which makes smaller deltas: programs of this size are in every image. */
const WHOLE_BYTES = 4 << 20;
const PAGE_BYTES = 16 << 10;
/** What a page has on both sides of its own stretch, so that who compares near a border need not change pages. */
export const MARGIN_BYTES = 4 << 10;
const MAX_PAGES = 160;
const SLOT_BYTES = PAGE_BYTES + 2 * MARGIN_BYTES;

const NOTHING = { bytes: Buffer.alloc(0), view: viewOf(Buffer.alloc(0)) };

/** A base as pages, of which those used last stay in memory: about 4 MB at most, however large the base. */
export class Pages {
  private readonly pages = new Map<number, Slot>();
  private readonly stretch: number;
  private last: Slot = { ...NOTHING, start: 0, end: 0, memory: NOTHING.bytes, from: 0, to: 0 };
  private readonly all: ArrayBuffer;

  constructor(
    private readonly base: SyncReader,
    scratch: Scratch,
  ) {
    const whole = base.size <= WHOLE_BYTES;
    this.stretch = whole ? WHOLE_BYTES : PAGE_BYTES;
    this.all = scratch.take('pages');
  }

  /** The page with MARGIN_BYTES before and after `position`, or with all there is. Outside of the base: the nearest page. */
  around(position: number): Page {
    if (position >= this.last.from && position < this.last.to) return this.last;
    const inside = Math.max(0, Math.min(position, this.base.size - 1));
    const number = Math.floor(inside / this.stretch);
    const page = this.pages.get(number) ?? this.load(number);
    // A Map remembers the order of insertion: the first is the one not used for longest.
    this.pages.delete(number);
    this.pages.set(number, page);
    this.last = page;
    return page;
  }

  private load(number: number): Slot {
    const start = Math.max(0, number * this.stretch - MARGIN_BYTES);
    const end = Math.min(this.base.size, (number + 1) * this.stretch + MARGIN_BYTES);
    const memory = this.memory();
    const bytes = memory.subarray(0, end - start);
    mustFill(bytes, this.base.read(bytes, start));
    return {
      bytes,
      view: viewOf(bytes),
      start,
      end,
      memory,
      from: number * this.stretch,
      to: (number + 1) * this.stretch,
    };
  }

  /** Used again once there are enough: what is only dropped stays in memory until somebody collects it. */
  private memory(): Buffer {
    if (this.pages.size === MAX_PAGES) {
      for (const [number, oldest] of this.pages) {
        this.pages.delete(number);
        return oldest.memory;
      }
    }
    return Buffer.from(
      this.all,
      this.pages.size * SLOT_BYTES,
      Math.min(this.base.size, this.stretch + 2 * MARGIN_BYTES),
    );
  }
}
