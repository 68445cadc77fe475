import { FORM, LENGTH_BYTES, mostSteps, PARTS, SLACK_BYTES, WINDOW_BYTES, WORD_BYTES } from './format';
import { looksPacked, MOST_UNPACKED_BYTES, PACKED_HEAD_BYTES, type Unpacked, unpack, unpackSurely } from './gzip/file';
import { Matcher, type Step } from './match';
import { equalUntil, mustFill, Pages, type SyncReader, viewOf } from './reader';
import { Scratch } from './scratch';
import { type ByteSink, fold } from './varint';

/**
 * The delta that makes `target` from `base`, in pieces of at most 1 MiB and a little, **each valid until the next is asked for**; not compressed, but made so that brotli
 * makes it small. With an empty base it still makes small what is a gzip file. Synchronous, because it computes nearly all
 * the time: run it in a thread of its own. Needs up to 20 MB of memory whatever the sizes, much less for small files.
 *
 * @param scratch for one who makes many deltas, one after the other; no two at a time may share it
 * @throws PassItOnError 'damaged' when a file is shorter than its reader said; and whatever the readers throw
 */
export function* encodeDelta(
  base: SyncReader,
  target: SyncReader,
  scratch: Scratch = new Scratch(),
): Generator<Buffer> {
  const unpacked = readPacked(target, unpackSurely);
  const unpackedBase = unpacked && readPacked(base, unpack);
  if (unpacked === null || unpackedBase === null) {
    yield* encodeOver(base, target, unpacked, scratch);
    return;
  }
  yield packedHead(FORM.bothUnpacked, unpacked);
  yield* windows(unpackedBase, unpacked, scratch);
}

/**
 * The same with a base that is already as it is to be compared, and of a target that is a gzip file what is in it.
 *
 * @param unpacked of the target, as `unpackSurely` gives it; null where it is no such file
 */
export function* encodeOver(
  base: SyncReader,
  target: SyncReader,
  unpacked: Unpacked | null,
  scratch: Scratch,
): Generator<Buffer> {
  if (unpacked === null) yield Buffer.of(FORM.plain);
  else yield packedHead(FORM.targetUnpacked, unpacked);
  yield* windows(base, unpacked ?? target, scratch);
}

function packedHead(form: number, { size }: Unpacked): Buffer {
  const head = Buffer.of(form, 0, 0, 0);
  head.writeUIntLE(size, 1, LENGTH_BYTES);
  return head;
}

/** A gzip file, unpacked; null when it is none. */
export function readPacked(file: SyncReader, how: (bytes: Buffer) => Unpacked | null): Unpacked | null {
  if (file.size > MOST_UNPACKED_BYTES) return null;
  const start = Buffer.alloc(Math.min(file.size, PACKED_HEAD_BYTES));
  mustFill(start, file.read(start, 0));
  if (!looksPacked(start)) return null;
  const bytes = Buffer.allocUnsafeSlow(file.size);
  mustFill(bytes, file.read(bytes, 0));
  return how(bytes);
}

function* windows(base: SyncReader, target: SyncReader, scratch: Scratch): Generator<Buffer> {
  if (target.size === 0) return;
  const pages = new Pages(base, scratch);
  const matcher = new Matcher(base, pages, scratch);
  const writer = new WindowWriter(pages, scratch);
  const memory = Buffer.from(scratch.take('window'));
  for (let start = 0; start < target.size; start += WINDOW_BYTES) {
    const window = memory.subarray(0, Math.min(WINDOW_BYTES, target.size - start));
    mustFill(window, target.read(window, start));
    yield writer.write(window, matcher.match(window));
  }
}

/** Writes down what the matcher found. */
class WindowWriter {
  private readonly parts: readonly ByteSink[];
  private readonly control: ByteSink;
  private readonly gaps: ByteSink;
  private readonly words: ByteSink;
  private readonly literals: ByteSink;
  private readonly made: Buffer;
  /** Of the base: behind what was taken last. */
  private position = 0;
  /** Bytes taken as they are since the last word that differed. */
  private gap = 0;

  constructor(
    private readonly pages: Pages,
    scratch: Scratch,
  ) {
    this.parts = scratch.sinks;
    [this.control, this.gaps, this.words, this.literals] = scratch.sinks;
    this.made = Buffer.from(scratch.take('made'));
  }

  /** Valid until the next. */
  write(window: Buffer, steps: readonly Step[]): Buffer {
    const before = this.position;
    this.begin();
    let at = 0;
    for (const step of steps) {
      this.step(window, at, step);
      at += step.take + step.literal;
    }
    if (this.length > window.length + SLACK_BYTES || steps.length > mostSteps(window.length)) {
      this.position = before;
      this.begin();
      this.step(window, 0, { position: 0, take: 0, literal: window.length });
    }
    let length = PARTS * LENGTH_BYTES;
    for (const [index, part] of this.parts.entries()) {
      this.made.writeUIntLE(part.length, index * LENGTH_BYTES, LENGTH_BYTES);
      length += part.written.copy(this.made, length);
    }
    return this.made.subarray(0, length);
  }

  private begin(): void {
    for (const part of this.parts) part.clear();
    this.gap = 0;
  }

  private get length(): number {
    return this.parts.reduce((sum, part) => sum + part.length, 0);
  }

  private step(window: Buffer, at: number, { position, take, literal }: Step): void {
    // What takes nothing goes nowhere: its position may lie outside the base.
    this.control.number(take > 0 ? fold(position - this.position) : 0);
    this.control.number(take);
    this.control.number(literal);
    if (take > 0) this.differences(window, at, position, take);
    this.literals.bytes(window.subarray(at + take, at + take + literal));
  }

  private differences(window: Buffer, at: number, position: number, take: number): void {
    this.position = position + take;
    const target = viewOf(window);
    for (let done = 0; done < take; ) {
      const { view, start, end } = this.pages.around(position + done);
      const offset = position - start;
      // No word may reach over the end of a page, unless that is the end of all.
      const until = end >= position + take ? take : end - WORD_BYTES - position;
      while (done < until) {
        const equal = equalUntil(target, at + done, at + until, view, offset - at) - at - done;
        this.gap += equal;
        done += equal;
        if (done >= until) break;
        const width = Math.min(WORD_BYTES, take - done);
        const difference = wordAt(target, at + done, width) - wordAt(view, offset + done, width);
        const unused = 32 - 8 * width;
        this.gaps.number(this.gap);
        this.words.number(fold((difference << unused) >> unused));
        this.gap = 0;
        done += width;
      }
    }
  }
}

/** A number of 1 to 4 bytes, little endian. */
function wordAt(view: DataView, at: number, width: number): number {
  if (width === WORD_BYTES) return view.getInt32(at, true);
  let number = 0;
  for (let byte = 0; byte < width; byte++) number |= view.getUint8(at + byte) << (8 * byte);
  return number;
}
