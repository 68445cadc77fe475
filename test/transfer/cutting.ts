/** Streams as a network delivers them. */
import fc from 'fast-check';

/** The stream cut into chunks of the lengths given. */
export async function* chunks(stream: Buffer, lengths: number[]): AsyncGenerator<Buffer> {
  for (let at = 0, i = 0; at < stream.length; i++) {
    const length = lengths[i % lengths.length]!;
    yield stream.subarray(at, at + length);
    at += length;
  }
}

/** Lengths for `chunks`. */
export const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 10 });
