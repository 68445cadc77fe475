import { badData } from '../bad-data';
import type { PassItOnError } from '../errors';
import { FORM, LENGTH_BYTES, mostSteps, PARTS, SLACK_BYTES, WINDOW_BYTES, WORD_BYTES } from './format';
import { MOST_UNPACKED_BYTES, Packing, unpack } from './gzip/file';
import { PagedReader } from './paged';
import { newPatchSpace, type PatchSpace } from './patch-space';
import { mustFill, type RandomReader } from './reader';
import { ByteSource, unfold } from './varint';

/**
 * Makes the target from its base and what `encodeDelta` gave, in pieces of at most 1 MiB. **A piece is valid until the next
 * one is asked for**: the memory is used again. A delta may come from a stranger: whatever it says, `targetSize` bytes come
 * out or an error, in bounded time and about 5 MB of memory. Whether they are the right bytes only their hash says.
 *
 * @param delta in pieces of any size
 * @param space which nobody else uses meanwhile
 * @throws PassItOnError 'bad-data' when it is no delta for files of these sizes; 'damaged' when the base is shorter than its
 *   reader said; and whatever reader and stream throw
 */
export async function* applyDelta(
  base: RandomReader,
  delta: AsyncIterable<Buffer>,
  targetSize: number,
  space = newPatchSpace(),
): AsyncGenerator<Buffer> {
  const input = new Pieces(delta);
  const paged = base.isInMemory ? base : new PagedReader(base, space.pages, space.mostPages);
  try {
    const form = await input.length(1);
    if (form === FORM.plain) yield* windows(paged, input, targetSize, space);
    else if (form === FORM.targetUnpacked) yield* packed(paged, input, targetSize, space);
    else if (form === FORM.bothUnpacked) yield* packed(await unpackedBase(base), input, targetSize, space);
    else throw badData(`A delta of unknown form ${form}.`);
  } finally {
    await input.close();
    if (paged instanceof PagedReader) paged.close();
  }
}

/** Makes a gzip file from what it is when unpacked. */
async function* packed(
  base: RandomReader,
  input: Pieces,
  targetSize: number,
  space: PatchSpace,
): AsyncGenerator<Buffer> {
  const size = await input.length(LENGTH_BYTES);
  if (size > MOST_UNPACKED_BYTES) throw badData(`A delta makes a gzip file of ${size} bytes.`);
  const packing = new Packing(size);
  let left = targetSize;
  try {
    for await (const window of windows(base, input, size, space)) {
      for (const piece of packing.take(window)) {
        left -= piece.length;
        if (left < 0) throw otherSize(targetSize);
        yield piece;
      }
    }
  } finally {
    packing.close();
  }
  if (left !== 0) throw otherSize(targetSize);
}

function otherSize(targetSize: number): PassItOnError {
  return badData(`A delta makes a gzip file of other than ${targetSize} bytes.`);
}

async function unpackedBase(base: RandomReader): Promise<RandomReader> {
  if (base.size <= MOST_UNPACKED_BYTES) {
    const bytes = Buffer.allocUnsafeSlow(base.size);
    mustFill(bytes, await base.read(bytes, 0));
    const unpacked = unpack(bytes);
    if (unpacked !== null) return unpacked;
  }
  throw badData('A delta takes a file for a gzip file that is none.');
}

async function* windows(
  base: RandomReader,
  input: Pieces,
  targetSize: number,
  space: PatchSpace,
): AsyncGenerator<Buffer> {
  const patcher = new Patcher(base);
  for (let start = 0; start < targetSize; start += WINDOW_BYTES) {
    const target = space.target.subarray(0, Math.min(WINDOW_BYTES, targetSize - start));
    await patcher.make(target, await readParts(target.length, input, space.parts));
    yield target;
  }
  if (!(await input.ended())) throw badData('A delta goes on behind the end of its file.');
}

interface Parts {
  control: ByteSource;
  gaps: ByteSource;
  words: ByteSource;
  literals: ByteSource;
}

/** The parts of a window that makes `size` bytes. */
async function readParts(size: number, input: Pieces, memory: Buffer): Promise<Parts> {
  const ends: number[] = [];
  let end = 0;
  for (let part = 0; part < PARTS; part++) {
    end += await input.length(LENGTH_BYTES);
    ends.push(end);
  }
  if (end > size + SLACK_BYTES) throw badData(`A delta has ${end} bytes to make ${size}.`);
  await input.fill(memory.subarray(0, end));
  const part = (index: number, what: string) => {
    return new ByteSource(memory.subarray(index === 0 ? 0 : ends[index - 1]!, ends[index]!), `${what} of a delta`);
  };
  return {
    control: part(0, 'steps'),
    gaps: part(1, 'gaps'),
    words: part(2, 'differences'),
    literals: part(3, 'literals'),
  };
}

class Patcher {
  /** Of the base: behind what was taken last. */
  private position = 0;
  /** Bytes to take as they are until the next word that differs. */
  private gap = 0;

  constructor(private readonly base: RandomReader) {}

  /** The next window. */
  async make(target: Buffer, parts: Parts): Promise<void> {
    const { control, literals } = parts;
    const size = target.length;
    this.nextGap(parts);
    let at = 0;
    for (let steps = 0; at < size; steps++) {
      if (steps === mostSteps(size)) throw badData(`A delta makes ${size} bytes in more than ${steps} steps.`);
      const seek = unfold(control.number(2 * this.base.size));
      const take = control.number(size - at);
      const literal = control.number(size - at - take);
      if (take + literal === 0) throw badData('A delta has a step that makes nothing.');
      const taken = this.take(target.subarray(at, at + take), seek, parts);
      // A promise for each of thousands of steps would cost more than all the rest.
      if (taken) await taken;
      literals.bytes(literal).copy(target, at + take);
      at += take + literal;
    }
    if (this.gap !== Number.POSITIVE_INFINITY) throw badData('A delta has a difference behind all that it takes.');
    for (const part of [control, parts.gaps, parts.words, literals]) part.end();
  }

  private take(target: Buffer, seek: number, parts: Parts): Promise<void> | undefined {
    const position = this.position + seek;
    this.position = position + target.length;
    if (position < 0 || this.position > this.base.size) {
      throw badData(`A delta takes bytes ${position} to ${this.position} of a file of ${this.base.size}.`);
    }
    if (target.length === 0) return;
    const count = this.base.read(target, position);
    if (typeof count !== 'number') return count.then(read => this.differ(target, read, parts));
    this.differ(target, count, parts);
  }

  /** Changes what was taken where it differs. */
  private differ(target: Buffer, read: number, parts: Parts): void {
    mustFill(target, read);
    let at = 0;
    while (this.gap < target.length - at) {
      at += this.gap;
      at += change(target, at, parts.words);
      this.nextGap(parts);
    }
    this.gap -= target.length - at;
  }

  private nextGap({ gaps }: Parts): void {
    this.gap = gaps.left === 0 ? Number.POSITIVE_INFINITY : gaps.number(WINDOW_BYTES);
  }
}

const MOST_WORD = 2 ** (8 * WORD_BYTES) - 1;

/** Adds the next difference to the word there, which is shorter at the end of what a step takes; gives its width. */
function change(target: Buffer, at: number, words: ByteSource): number {
  const width = Math.min(WORD_BYTES, target.length - at);
  if (width === WORD_BYTES) {
    target.writeInt32LE((target.readInt32LE(at) + unfold(words.number(MOST_WORD))) | 0, at);
    return width;
  }
  const modulus = 2 ** (8 * width);
  const difference = unfold(words.number(modulus - 1));
  target.writeUIntLE((target.readUIntLE(at, width) + difference + modulus) % modulus, at, width);
  return width;
}

/** Exact reads from a stream of pieces of any size. */
class Pieces {
  private readonly source: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.source = stream[Symbol.asyncIterator]();
  }

  async fill(into: Buffer): Promise<void> {
    for (let have = 0; have < into.length; ) {
      if (await this.ended()) throw badData('A delta ends too early.');
      const copied = this.rest.copy(into, have);
      this.rest = this.rest.subarray(copied);
      have += copied;
    }
  }

  /** A number of so many bytes, little endian. */
  async length(bytes: number): Promise<number> {
    const number = Buffer.alloc(bytes);
    await this.fill(number);
    return number.readUIntLE(0, bytes);
  }

  async ended(): Promise<boolean> {
    while (this.rest.length === 0) {
      const next = await this.source.next();
      if (next.done) return true;
      this.rest = next.value;
    }
    return false;
  }

  async close(): Promise<void> {
    await this.source.return?.();
  }
}
