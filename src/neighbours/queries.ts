/** Questions as packets that fit the network. */
import { MAX_PACKET, type Message, message, type Question, type RecordOf } from './dns';
import { SERVICE } from './records';

const HEADER = 12;
/** Type and class; the rest of a question is its name. */
const QUESTION = 4;
/** Pointer to the service name, type, class, TTL, length; and after the label a pointer again. */
const KNOWN_ANSWER = 2 + 10 + 3;
const SERVICE_BYTES = Buffer.byteLength(SERVICE) + 2;

/** Cuts `items` into runs whose sizes, each beside `overhead`, stay within one packet. */
function packed<T>(items: readonly T[], overhead: number, size: (item: T) => number): T[][] {
  const runs: T[][] = [[]];
  let left = MAX_PACKET - overhead;
  for (const item of items) {
    const bytes = size(item);
    if (bytes > left) {
      runs.push([]);
      left = MAX_PACKET - overhead;
    }
    runs.at(-1)!.push(item);
    left -= bytes;
  }
  return runs;
}

/** "Who has an image?", telling who is known already; over several packets if need be (RFC 6762 §7.1, §7.2). */
export function browseQuery(known: readonly RecordOf<'PTR'>[]): Message[] {
  const questions: Question[] = [{ name: SERVICE, type: 'PTR', unicast: false }];
  const overhead = HEADER + SERVICE_BYTES + QUESTION;
  const runs = packed(known, overhead, ({ data }) => KNOWN_ANSWER + Buffer.byteLength(data) - SERVICE.length);
  return runs.map((answers, i) =>
    message('query', { questions: i === 0 ? questions : [], answers, truncated: i < runs.length - 1 }),
  );
}

/** Questions about single names. */
export function directQueries(questions: readonly Question[]): Message[] {
  if (questions.length === 0) return [];
  return packed(questions, HEADER, ({ name }) => Buffer.byteLength(name) + 2 + QUESTION).map(run =>
    message('query', { questions: run }),
  );
}
