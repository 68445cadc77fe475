import type { RandomReader } from './reader';

const PAGE_BYTES = 64 << 10;

interface Page {
  /** What is in it: less than PAGE_BYTES at the end of the base, or where that is shorter than it said. */
  bytes: Buffer;
  memory: Buffer;
}

/**
 * A base for one who takes little pieces of it, mostly near the last one, as a delta's steps do: a way to the disk and back costs more
 * than the piece, and a promise more than copying it. What lies in the pages of 64 kB that were used last is given at once.
 * One read at a time.
 */
export class PagedReader implements RandomReader {
  readonly size: number;
  /** By number; the one not used for longest first. */
  private readonly pages = new Map<number, Page>();
  private latest = -1;
  private latestPage: Page | undefined;

  /** spare: memory for pages, which is used before any other, and gets all of it back with `close`; most: pages at one time. */
  constructor(
    private readonly base: RandomReader,
    private readonly spare: Buffer[] = [],
    private readonly most = 32,
  ) {
    this.size = base.size;
  }

  /** Nothing is read after that. */
  close(): void {
    for (const { memory } of this.pages.values()) this.spare.push(memory);
    this.pages.clear();
    this.latest = -1;
  }

  read(into: Buffer, position: number): number | Promise<number> {
    const count = Math.min(into.length, this.size - position);
    if (count <= 0) return 0;
    if (count > PAGE_BYTES) return this.base.read(into, position);
    const first = Math.floor(position / PAGE_BYTES);
    const last = Math.floor((position + count - 1) / PAGE_BYTES);
    const one = this.page(first);
    if (one === undefined) return this.loaded(into, position, first, last);
    const from = position - first * PAGE_BYTES;
    // A base that ends early ends there.
    if (from >= one.bytes.length) return 0;
    if (last === first) return one.bytes.copy(into, 0, from);
    const other = this.page(last);
    if (other === undefined) return this.loaded(into, position, first, last);
    const copied = one.bytes.copy(into, 0, from);
    return from + copied < PAGE_BYTES ? copied : copied + other.bytes.copy(into, copied, 0);
  }

  private page(number: number): Page | undefined {
    if (number === this.latest) return this.latestPage;
    const page = this.pages.get(number);
    if (page === undefined) return undefined;
    this.pages.delete(number);
    this.keep(number, page);
    return page;
  }

  private keep(number: number, page: Page): void {
    this.pages.set(number, page);
    this.latest = number;
    this.latestPage = page;
  }

  private async loaded(into: Buffer, position: number, first: number, last: number): Promise<number> {
    for (let number = first; number <= last; number++) if (!this.page(number)) await this.load(number);
    return this.read(into, position);
  }

  private async load(number: number): Promise<void> {
    const start = number * PAGE_BYTES;
    const memory = this.memory();
    const wanted = memory.subarray(0, Math.min(PAGE_BYTES, this.size - start));
    const count = await this.base.read(wanted, start);
    this.keep(number, { bytes: wanted.subarray(0, count), memory });
  }

  private memory(): Buffer {
    if (this.pages.size < this.most) return this.spare.pop() ?? Buffer.allocUnsafeSlow(PAGE_BYTES);
    const [number, { memory }] = this.pages.entries().next().value as [number, Page];
    this.pages.delete(number);
    return memory;
  }
}
