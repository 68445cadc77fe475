/**
 * The body of an HTTP/1.1 answer that comes in chunks (RFC 9112, 7.1), as pieces of what came: nothing is copied, which for half a
 * gigabyte is worth more than all the rest of HTTP costs. Pure.
 *
 *     body  = chunk* "0" CRLF trailer* CRLF
 *     chunk = hex digits [";" …] CRLF data CRLF
 */

/** No line that frames chunks, and no trailer, is nearly as long. Bytes. */
const LONGEST_LINE = 4096;
const MOST_TRAILERS = 64;
const SIZE = /^([0-9a-f]{1,13})[\t ]*(?:;.*)?$/i;
const CR = 0x0d;
const LF = 0x0a;

type Next = 'size' | 'data' | 'after data' | 'trailer' | 'nothing';

/** What came is not HTTP. */
export class NotHttp extends Error {}

export class ChunkedBody {
  /** In lower case. */
  readonly trailers = new Map<string, string>();
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;
  private next: Next = 'size';
  /** Of the chunk. */
  private left = 0;
  /** The beginning of a line whose end has not come. */
  private begun = '';

  /** The body has come to its end. */
  get isWhole(): boolean {
    return this.next === 'nothing';
  }

  /** Bytes that came behind it. */
  get behind(): number {
    return this.isWhole ? this.bytes.length - this.at : 0;
  }

  /** What came next; to be called when `part` has nothing more. */
  feed(bytes: Buffer): void {
    this.bytes = bytes;
    this.at = 0;
  }

  /** The next piece of the body in what came, null when there is none. @throws NotHttp */
  part(): Buffer | null {
    while (this.at < this.bytes.length && this.next !== 'nothing') {
      if (this.next === 'data') return this.data();
      const line = this.line();
      if (line !== null) this.frame(line);
    }
    return null;
  }

  private data(): Buffer {
    const part = this.bytes.subarray(this.at, this.at + this.left);
    this.at += part.length;
    this.left -= part.length;
    if (this.left === 0) this.next = 'after data';
    return part;
  }

  private frame(line: string): void {
    if (this.next === 'trailer') {
      if (line === '') this.next = 'nothing';
      else this.trailer(line);
    } else if (this.next === 'after data') {
      if (line !== '') throw new NotHttp('a chunk is longer than it says');
      this.next = 'size';
    } else {
      const size = SIZE.exec(line)?.[1];
      if (size === undefined) throw new NotHttp(`a chunk of ${JSON.stringify(line.slice(0, 20))} bytes`);
      this.left = Number.parseInt(size, 16);
      this.next = this.left === 0 ? 'trailer' : 'data';
    }
  }

  private trailer(line: string): void {
    const colon = line.indexOf(':');
    if (colon < 1 || this.trailers.size >= MOST_TRAILERS) throw new NotHttp('a trailer that is none');
    this.trailers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }

  /** The next line, without its end; null while that has not come. */
  private line(): string | null {
    const end = this.bytes.indexOf(LF, this.at);
    const stop = end < 0 ? this.bytes.length : end;
    if (this.begun.length + stop - this.at > LONGEST_LINE) throw new NotHttp('a line without end');
    const line = this.begun + this.bytes.toString('latin1', this.at, stop);
    this.at = end < 0 ? stop : end + 1;
    this.begun = end < 0 ? line : '';
    if (end < 0) return null;
    if (line.charCodeAt(line.length - 1) !== CR) throw new NotHttp('a line that ends without a carriage return');
    return line.slice(0, -1);
  }
}
