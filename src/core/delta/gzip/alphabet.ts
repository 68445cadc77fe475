const MOST_BITS = 15;

/** Of the literal and length alphabet, the largest there is. */
const MOST_NODES = 2 * 286 + 1;

// One tree is built at a time.
const heap = new Uint16Array(MOST_NODES);
const depth = new Uint8Array(MOST_NODES);
const parent = new Uint16Array(MOST_NODES);
const withBits = new Uint16Array(MOST_BITS + 1);

/**
 * One alphabet of deflate: how often each symbol came, and the code that gets it: that of GNU gzip (build_tree, gen_bitlen and
 * gen_codes of its trees.c). Huffman's construction leaves open which of two equally rare nodes comes first, and here that matters.
 */
export class Alphabet {
  /** How often each symbol came; behind the symbols, the inner nodes of the tree. */
  readonly count: Uint16Array;
  /** Bits of each symbol's code, 0 for none. */
  readonly bits: Uint8Array;
  /** Each symbol's code, its first bit lowest. */
  readonly code: Uint16Array;
  /** The highest symbol that has a code. */
  last = 0;
  /** How many bits follow the code of each symbol. */
  private readonly extra: Uint8Array;

  /**
   * @param extra how many bits follow the code of each symbol from `firstExtra` on
   * @param mostBits no code is longer
   */
  constructor(
    readonly size: number,
    extra: readonly number[],
    firstExtra: number,
    private readonly mostBits: number,
  ) {
    this.extra = new Uint8Array(size);
    this.extra.set(extra, firstExtra);
    this.count = new Uint16Array(2 * size + 1);
    this.bits = new Uint8Array(2 * size + 1);
    this.code = new Uint16Array(size);
  }

  /** One whose codes are given by their lengths. */
  static fixed(bits: readonly number[]): Alphabet {
    const alphabet = new Alphabet(bits.length, [], 0, MOST_BITS);
    alphabet.bits.set(bits);
    alphabet.last = bits.length - 1;
    alphabet.assign();
    return alphabet;
  }

  /** How many bits all that came would take in the codes of `codes`, with the bits that follow them. */
  cost(codes: Alphabet = this): number {
    const { count, extra, size } = this;
    const { bits } = codes;
    let cost = 0;
    for (let symbol = 0; symbol < size; symbol++) cost += count[symbol]! * (bits[symbol]! + extra[symbol]!);
    return cost;
  }

  /** Gives codes to the symbols that came, and to enough others that there are two. */
  build(): void {
    const { count, bits, size } = this;
    let length = 0;
    this.last = -1;
    for (let symbol = 0; symbol < size; symbol++) {
      bits[symbol] = 0;
      if (count[symbol] === 0) continue;
      heap[++length] = symbol;
      depth[symbol] = 0;
      this.last = symbol;
    }
    const added: number[] = [];
    while (length < 2) {
      const symbol = this.last < 2 ? ++this.last : 0;
      heap[++length] = symbol;
      count[symbol] = 1;
      depth[symbol] = 0;
      added.push(symbol);
    }
    const sorted = this.merge(length);
    this.measure(sorted);
    this.assign();
    for (const symbol of added) count[symbol] = 0;
  }

  /** Builds the tree; gives where in `heap` its nodes now begin, the most frequent first. */
  private merge(leaves: number): number {
    const { count } = this;
    let length = leaves;
    for (let node = length >> 1; node >= 1; node--) this.sink(node, length);
    let sorted = MOST_NODES;
    let inner = this.size;
    do {
      const rarest = heap[1]!;
      heap[1] = heap[length--]!;
      this.sink(1, length);
      const next = heap[1]!;
      heap[--sorted] = rarest;
      heap[--sorted] = next;
      count[inner] = count[rarest]! + count[next]!;
      depth[inner] = Math.max(depth[rarest]!, depth[next]!) + 1;
      parent[rarest] = parent[next] = inner;
      heap[1] = inner++;
      this.sink(1, length);
    } while (length >= 2);
    heap[--sorted] = heap[1]!;
    return sorted;
  }

  private before(one: number, other: number): boolean {
    const a = this.count[one]!;
    const b = this.count[other]!;
    return a < b || (a === b && depth[one]! <= depth[other]!);
  }

  /** Lets a node sink to its place in the heap. */
  private sink(from: number, length: number): void {
    const node = heap[from]!;
    let at = from;
    for (let child = at << 1; child <= length; child <<= 1) {
      if (child < length && this.before(heap[child + 1]!, heap[child]!)) child++;
      if (this.before(node, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = node;
  }

  /** Lengths of the codes, from the tree; those that are too long become `mostBits`, and others longer to make up for it. */
  private measure(sorted: number): void {
    const { bits, last, mostBits } = this;
    withBits.fill(0);
    let tooLong = 0;
    bits[heap[sorted]!] = 0;
    for (let at = sorted + 1; at < MOST_NODES; at++) {
      const node = heap[at]!;
      const wanted = bits[parent[node]!]! + 1;
      if (wanted > mostBits) tooLong++;
      bits[node] = Math.min(wanted, mostBits);
      if (node <= last) withBits[bits[node]!]!++;
    }
    if (tooLong === 0) return;
    for (; tooLong > 0; tooLong -= 2) {
      let shorter = mostBits - 1;
      while (withBits[shorter] === 0) shorter--;
      withBits[shorter]!--;
      withBits[shorter + 1]! += 2;
      withBits[mostBits]!--;
    }
    let at = MOST_NODES;
    for (let length = mostBits; length > 0; length--) {
      for (let left = withBits[length]!; left > 0; ) {
        const node = heap[--at]!;
        if (node > last) continue;
        bits[node] = length;
        left--;
      }
    }
  }

  /** The codes for their lengths: RFC 1951, 3.2.2. */
  private assign(): void {
    const { bits, code, last } = this;
    const next = new Uint16Array(MOST_BITS + 2);
    for (let symbol = 0; symbol <= last; symbol++) if (bits[symbol]! > 0) next[bits[symbol]! + 1]!++;
    for (let length = 1; length <= MOST_BITS; length++) next[length] = (next[length]! + next[length - 1]!) << 1;
    for (let symbol = 0; symbol <= last; symbol++) {
      const length = bits[symbol]!;
      if (length > 0) code[symbol] = reversed(next[length]!++, length);
    }
  }
}

function reversed(code: number, bits: number): number {
  let result = 0;
  for (let bit = 0; bit < bits; bit++) result |= ((code >> bit) & 1) << (bits - 1 - bit);
  return result;
}
