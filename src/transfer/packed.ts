/**
 * Whether blobs are packed already (pictures, archives, an initrd): compressing them again would cost processor time
 * on both sides and save nothing.
 */
import type { Oid } from '../core/object';
import type { Holdings } from './holdings';

/** A batch holds what is alike: so many blobs tell for all. */
const LOOKS = 4;
/** So many bytes from the middle of each: archives begin with what is not packed, and a few of them end so. */
const SAMPLE_BYTES = 4 << 10;
/** Bits a byte. 4 kB by pure chance have 7.955; the code of programs has 6, text 4 to 5. */
const PACKED_FROM = 7.85;

/** @param oids of a batch, to be sent whole. False for gzip files, which are unpacked on their way. */
export async function arePacked(holdings: Holdings, oids: readonly Oid[]): Promise<boolean> {
  const step = Math.max(1, Math.floor(oids.length / LOOKS));
  for (let at = Math.floor(step / 2); at < oids.length; at += step) {
    if (!(await isPacked(holdings, oids[at]!))) return false;
  }
  return oids.length > 0;
}

/** By the entropy of its bytes (Shannon 1948): nearly as if each came by chance. Too few bytes tell nothing. */
export function looksPacked(sample: Buffer): boolean {
  if (sample.length < SAMPLE_BYTES) return false;
  const counts = new Uint32Array(256);
  for (const byte of sample) counts[byte]!++;
  const bits = counts.reduce((sum, count) => sum - (count > 0 ? count * Math.log2(count / sample.length) : 0), 0);
  return bits / sample.length >= PACKED_FROM;
}

async function isPacked(holdings: Holdings, oid: Oid): Promise<boolean> {
  const blob = await holdings.openBlob(oid);
  if (!blob) return false;
  const sample = async (from: number) => {
    for await (const chunk of blob.chunks(from)) return Buffer.from(chunk.subarray(0, SAMPLE_BYTES));
    return Buffer.alloc(0);
  };
  try {
    if (blob.size < SAMPLE_BYTES || beginsGzip(await sample(0))) return false;
    return looksPacked(await sample(Math.floor((blob.size - SAMPLE_BYTES) / 2)));
  } finally {
    await blob.close();
  }
}

/** RFC 1952 §2.3.1. */
function beginsGzip(start: Buffer): boolean {
  return start[0] === 0x1f && start[1] === 0x8b;
}
