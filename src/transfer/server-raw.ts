/**
 * Blobs as they are. In raw answers contents are read into the very memory that is sent, by synchronous calls: a piece takes the kernel
 * 40 µs where it has it in memory, and as long as the disk needs where it has not; between two the loop may turn.
 */
import { closeSync, readSync } from 'node:fs';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { breathe, isOutOfBreath } from '../store/pace';
import type { OpenFile } from '../store/store';
import { ANSWER, ANSWERS_MAGIC, encodeAnswerHeader, encodeAnswersEnd } from './answers';
import type { Sink } from './gathering-writer';
import type { Holdings } from './holdings';

/** A blob, from a byte on; null where it is not here. */
interface AskedRaw {
  oid: Oid | null;
  offset?: number;
}

/** The whole stream: an answer for each of the blobs, in their order. */
export async function giveRaw(holdings: Holdings, asked: readonly AskedRaw[], sink: Sink): Promise<void> {
  await sink.write(ANSWERS_MAGIC);
  for (const { oid, offset = 0 } of asked) {
    if (isOutOfBreath()) await breathe();
    const file = oid === null ? null : (holdings.openFile?.(oid) ?? null);
    if (oid === null || file === null) {
      for await (const part of blobAnswer(holdings, oid, offset)) await sink.write(part);
      continue;
    }
    try {
      await giveFile(oid, file, offset, sink);
    } finally {
      closeSync(file.descriptor);
    }
  }
  await sink.write(encodeAnswersEnd());
}

async function giveFile(oid: Oid, { size, descriptor }: OpenFile, offset: number, sink: Sink): Promise<void> {
  const from = offset < size ? offset : 0;
  await sink.write(encodeAnswerHeader(from > 0 ? ANSWER.rest : ANSWER.whole, size - from));
  for (let at = from; at < size; ) {
    const room = await sink.room(size - at);
    const bytes = readSync(descriptor, room, 0, room.length, at);
    // The length is promised already: a file that shrank can only be answered by breaking off.
    if (bytes === 0) throw new PassItOnError('damaged', `Blob ${oid} is cut off.`, 'Repair it with verify.');
    sink.took(bytes);
    at += bytes;
    if (isOutOfBreath()) await breathe();
  }
}

/** The answer with all of a blob, or with what is behind the first `offset` bytes. */
export async function* blobAnswer(holdings: Holdings, oid: Oid | null, offset: number): AsyncGenerator<Buffer> {
  await breathe();
  const small = oid === null || offset > 0 ? null : holdings.readSmallBlob?.(oid);
  if (small) {
    yield encodeAnswerHeader(ANSWER.whole, small.length);
    yield small;
    return;
  }
  const blob = oid === null ? null : await holdings.openBlob(oid);
  if (!blob) {
    yield encodeAnswerHeader(ANSWER.missing, 0);
    return;
  }
  try {
    const from = offset < blob.size ? offset : 0;
    yield encodeAnswerHeader(from > 0 ? ANSWER.rest : ANSWER.whole, blob.size - from);
    yield* blob.chunks(from);
  } finally {
    await blob.close();
  }
}
