import { Alphabet } from './alphabet';
import type { BitSink } from './bits';

export const MIN_MATCH = 3;
export const MAX_MATCH = 258;
/** A block has at most one less symbols than this. */
const MOST_SYMBOLS = 1 << 15;
/** So often gzip looks whether a block is so good already that it had better end. */
const TRIED_SYMBOLS = 1 << 12;

const END_OF_BLOCK = 256;
const FIRST_LENGTH = 257;
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_EXTRA = Array.from({ length: 30 }, (_, code) => Math.max(0, (code >> 1) - 1));
const LENGTH_BASE = bases(LENGTH_EXTRA);
// The code before reaches that far, too, but the longest length has one of its own.
LENGTH_BASE[LENGTH_BASE.length - 1] = MAX_MATCH - MIN_MATCH;
const DISTANCE_BASE = bases(DISTANCE_EXTRA);
const LENGTH_CODE = codes(LENGTH_BASE, MAX_MATCH - MIN_MATCH + 1);
const DISTANCE_CODE = codes(DISTANCE_BASE, 1 << 15);

/** The alphabet of code lengths: 0 to 15, and three kinds of runs. */
const REPEATED = 16;
const FEW_ZEROS = 17;
const MANY_ZEROS = 18;
const RUN_EXTRA = [2, 3, 7];
const RUN_BASE = [3, 3, 11];
const LENGTHS_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** What a block may be longer than it was said to cost: its kind, its end, what was left of the one before. */
const MORE_BYTES = 16;

const STORED = 0;
const FIXED = 1;
const DYNAMIC = 2;
const FIXED_SYMBOLS = Alphabet.fixed(
  Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)),
);
const FIXED_DISTANCES = Alphabet.fixed(Array<number>(30).fill(5));

/** Where the values of each code begin. */
function bases(extra: readonly number[]): number[] {
  let next = 0;
  return extra.map(bits => {
    next += 1 << bits;
    return next - (1 << bits);
  });
}

function codes(starts: readonly number[], count: number): Uint8Array {
  const result = new Uint8Array(count);
  for (const [code, start] of starts.entries()) result.fill(code, start);
  return result;
}

/** A code length, or a run of some, and how long the run is. */
type Run = [symbol: number, extra: number];

/**
 * A block of deflate (RFC 1951, 3.2.3): collects literals and matches, then writes them as GNU gzip would (ct_tally and
 * flush_block of its trees.c).
 */
export class Block {
  private readonly symbols = new Alphabet(286, LENGTH_EXTRA, FIRST_LENGTH, 15);
  private readonly distances = new Alphabet(30, DISTANCE_EXTRA, 0, 15);
  private readonly lengths = new Alphabet(19, RUN_EXTRA, REPEATED, 7);
  /** Each a literal, or the length of a match less 3. */
  private readonly values = new Uint8Array(MOST_SYMBOLS);
  /** The distance of a match, or 0. */
  private readonly back = new Uint16Array(MOST_SYMBOLS);
  private size = 0;
  private matches = 0;

  /** @param done bytes of the file that this block holds, without this one. Gives whether gzip ends the block here. */
  literal(byte: number, done: number): boolean {
    this.values[this.size] = byte;
    this.back[this.size] = 0;
    this.symbols.count[byte]!++;
    return this.added(done);
  }

  match(distance: number, length: number, done: number): boolean {
    this.values[this.size] = length - MIN_MATCH;
    this.back[this.size] = distance;
    this.symbols.count[FIRST_LENGTH + LENGTH_CODE[length - MIN_MATCH]!]!++;
    this.distances.count[DISTANCE_CODE[distance - 1]!]!++;
    this.matches++;
    return this.added(done);
  }

  private added(done: number): boolean {
    this.size++;
    if (this.size % TRIED_SYMBOLS === 0 && this.matches < this.size >> 1) {
      let bits = this.size * 8;
      for (const [code, extra] of DISTANCE_EXTRA.entries()) bits += this.distances.count[code]! * (5 + extra);
      if (Math.floor(bits / 8) < Math.floor(done / 2)) return true;
    }
    return this.size === MOST_SYMBOLS - 1;
  }

  /** @param content what the block holds, uncompressed; null when gzip does not have it any more */
  write(sink: BitSink, content: Uint8Array | null, length: number, last: boolean): void {
    this.symbols.count[END_OF_BLOCK] = 1;
    this.symbols.build();
    this.distances.build();
    const runs = [...this.runs(this.symbols), ...this.runs(this.distances)];
    for (const [symbol] of runs) this.lengths.count[symbol]!++;
    this.lengths.build();
    let written = LENGTHS_ORDER.length;
    while (written > 4 && this.lengths.bits[LENGTHS_ORDER[written - 1]!] === 0) written--;

    const header = 5 + 5 + 4 + 3 * written + this.lengths.cost();
    const dynamic = bytesOf(header + this.symbols.cost() + this.distances.cost());
    const fixed = bytesOf(this.symbols.cost(FIXED_SYMBOLS) + this.distances.cost(FIXED_DISTANCES));
    const end = last ? 1 : 0;
    sink.reserve(Math.min(dynamic, fixed) + MORE_BYTES);
    if (content !== null && length + 4 <= Math.min(dynamic, fixed)) {
      sink.bits((STORED << 1) | end, 3);
      sink.align();
      sink.bits(length, 16);
      sink.bits(~length & 0xffff, 16);
      sink.bytes(content);
    } else if (fixed <= dynamic) {
      sink.bits((FIXED << 1) | end, 3);
      this.writeSymbols(sink, FIXED_SYMBOLS, FIXED_DISTANCES);
    } else {
      sink.bits((DYNAMIC << 1) | end, 3);
      this.writeCodes(sink, runs, written);
      this.writeSymbols(sink, this.symbols, this.distances);
    }
    if (last) sink.align();
    this.clear();
  }

  /** As if new. */
  clear(): void {
    for (const { count } of [this.symbols, this.distances, this.lengths]) count.fill(0);
    this.size = this.matches = 0;
  }

  /** The lengths of an alphabet's codes, equal ones in runs: scan_tree of gzip. */
  private runs({ bits, last }: Alphabet): Run[] {
    const runs: Run[] = [];
    let before = -1;
    for (let symbol = 0; symbol <= last; ) {
      const length = bits[symbol]!;
      const most = length === 0 ? 138 : length === before ? 6 : 7;
      let count = 1;
      while (count < most && symbol + count <= last && bits[symbol + count] === length) count++;
      symbol += count;
      if (count < (length === 0 || length === before ? 3 : 4)) {
        for (let single = 0; single < count; single++) runs.push([length, 0]);
      } else if (length > 0) {
        if (length !== before) {
          runs.push([length, 0]);
          count--;
        }
        runs.push([REPEATED, count - RUN_BASE[0]!]);
      } else if (count <= 10) runs.push([FEW_ZEROS, count - RUN_BASE[1]!]);
      else runs.push([MANY_ZEROS, count - RUN_BASE[2]!]);
      before = length;
    }
    return runs;
  }

  private writeCodes(sink: BitSink, runs: readonly Run[], written: number): void {
    const { bits, code } = this.lengths;
    sink.bits(this.symbols.last + 1 - 257, 5);
    sink.bits(this.distances.last + 1 - 1, 5);
    sink.bits(written - 4, 4);
    for (const symbol of LENGTHS_ORDER.slice(0, written)) sink.bits(bits[symbol]!, 3);
    for (const [symbol, extra] of runs) {
      sink.bits(code[symbol]!, bits[symbol]!);
      if (symbol >= REPEATED) sink.bits(extra, RUN_EXTRA[symbol - REPEATED]!);
    }
  }

  private writeSymbols(sink: BitSink, symbols: Alphabet, distances: Alphabet): void {
    const { values, back, size } = this;
    for (let at = 0; at < size; at++) {
      const value = values[at]!;
      const distance = back[at]!;
      if (distance === 0) {
        sink.bits(symbols.code[value]!, symbols.bits[value]!);
        continue;
      }
      const length = LENGTH_CODE[value]!;
      sink.bits(symbols.code[FIRST_LENGTH + length]!, symbols.bits[FIRST_LENGTH + length]!);
      sink.bits(value - LENGTH_BASE[length]!, LENGTH_EXTRA[length]!);
      const far = DISTANCE_CODE[distance - 1]!;
      sink.bits(distances.code[far]!, distances.bits[far]!);
      sink.bits(distance - 1 - DISTANCE_BASE[far]!, DISTANCE_EXTRA[far]!);
    }
    sink.bits(symbols.code[END_OF_BLOCK]!, symbols.bits[END_OF_BLOCK]!);
  }
}

/** Of a block's bits and the three that say of which kind it is. */
function bytesOf(bits: number): number {
  return Math.ceil((bits + 3) / 8);
}
