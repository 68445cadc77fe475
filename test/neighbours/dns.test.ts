import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decode } from 'dns-packet';
import fc from 'fast-check';
import { toMessage } from '../../src/neighbours/decode';
import {
  compareRecords,
  encode,
  MAX_MESSAGE,
  type Message,
  message,
  type Question,
  type ResourceRecord,
} from '../../src/neighbours/dns';
import { recordKey, setKey } from '../../src/neighbours/keys';
import { cutUtf8, escapeLabel, foldCase, fromDecoder, labelsOf } from '../../src/neighbours/names';
import { SERVICE } from '../../src/neighbours/records';

/** Any text of 1 to 63 bytes, dots, spaces and backslashes included. */
const label = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .map(text => cutUtf8(text.replaceAll('\uFFFD', '?'), 63))
  .filter(text => text !== '');
const hostLabel = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9-]{0,20}$/);
const instance = label.map(text => `${escapeLabel(text)}.${SERVICE}`);
const host = hostLabel.map(text => `${text}.local`);
function plain<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true });
}
const common = { ttl: fc.integer({ min: 0, max: 0x7fffffff }), flush: fc.boolean() };
const u16 = fc.integer({ min: 0, max: 0xffff });

const record: fc.Arbitrary<ResourceRecord> = fc.oneof(
  plain({ ...common, name: host, type: fc.constant('A' as const), data: fc.ipV4() }),
  plain({ ...common, name: host, type: fc.constant('AAAA' as const), data: fc.ipV6() }),
  plain({ ...common, name: fc.constant(SERVICE), type: fc.constant('PTR' as const), data: instance }),
  plain({
    ...common,
    name: instance,
    type: fc.constant('SRV' as const),
    data: plain({ priority: u16, weight: u16, port: u16, target: host }),
  }),
  plain({
    ...common,
    name: instance,
    type: fc.constant('TXT' as const),
    data: fc.array(fc.uint8Array({ maxLength: 255 }).map(Buffer.from), { minLength: 1, maxLength: 5 }),
  }),
  plain({
    ...common,
    name: fc.oneof(host, instance),
    type: fc.constant('NSEC' as const),
    data: fc.subarray(['A', 'PTR', 'TXT', 'AAAA', 'SRV', 'NSEC'] as const).map(types => [...types]),
  }),
);
const question: fc.Arbitrary<Question> = plain({
  name: fc.oneof(host, instance, fc.constant(SERVICE)),
  type: fc.constantFrom('A', 'AAAA', 'PTR', 'SRV', 'TXT', 'ANY'),
  unicast: fc.boolean(),
});
const anyMessage: fc.Arbitrary<Message> = plain({
  kind: fc.constantFrom('query', 'response'),
  id: u16,
  truncated: fc.boolean(),
  questions: fc.array(question, { maxLength: 4 }),
  answers: fc.array(record, { maxLength: 6 }),
  authorities: fc.array(record, { maxLength: 3 }),
  additionals: fc.array(record, { maxLength: 3 }),
});

/** Addresses have many spellings; everything else must come back as it was. */
function spelledAlike(m: Message): unknown {
  const section = (records: readonly ResourceRecord[]) =>
    records.map(item => (item.type === 'AAAA' ? { ...item, data: recordKey(item) } : item));
  const { answers, authorities, additionals } = m;
  return { ...m, answers: section(answers), authorities: section(authorities), additionals: section(additionals) };
}

describe('encoding', () => {
  it('is understood by the real decoder', () => {
    fc.assert(
      fc.property(anyMessage, m => {
        const received = toMessage(decode(encode(m)));
        assert.deepEqual(received && spelledAlike(received), spelledAlike(m));
      }),
      { numRuns: 500 },
    );
  });

  it('compresses: thirty known answers fit one packet', () => {
    const answers = Array.from({ length: 30 }, (_none, i): ResourceRecord => {
      return { name: SERVICE, type: 'PTR', ttl: 4500, flush: false, data: `Laptop number ${i}.${SERVICE}` };
    });
    const questions = [{ name: SERVICE, type: 'PTR' as const, unicast: false }];
    const bytes = encode(message('query', { questions, answers })).length;
    assert.ok(bytes < 1000, `${bytes} bytes`);
  });

  it('refuses what no message can hold', () => {
    const long = `${'x'.repeat(64)}.local`;
    assert.throws(
      () => encode(message('query', { questions: [{ name: long, type: 'A', unicast: false }] })),
      RangeError,
    );
    const data = Array.from({ length: 40 }, () => Buffer.alloc(255));
    const answers: ResourceRecord[] = [{ name: 'a.local', type: 'TXT', ttl: 1, flush: true, data }];
    assert.ok(40 * 256 > MAX_MESSAGE);
    assert.throws(() => encode(message('response', { answers })), RangeError);
  });
});

describe('decoding', () => {
  it('ignores other opcodes and errors', () => {
    const bytes = encode(message('query', { questions: [{ name: SERVICE, type: 'PTR', unicast: false }] }));
    assert.ok(toMessage(decode(bytes)));
    for (const flags of [0x2800, 0x0003, 0x8403]) {
      const other = Buffer.from(bytes);
      other.writeUInt16BE(flags, 2);
      assert.equal(toMessage(decode(other)), null, flags.toString(16));
    }
  });

  it('leaves out names that are not UTF-8, and keeps the rest of the message', () => {
    const answers: ResourceRecord[] = ['xy', 'ok'].map(name => {
      return { name: SERVICE, type: 'PTR', ttl: 9, flush: false, data: `${name}.${SERVICE}` };
    });
    const bytes = encode(message('response', { answers }));
    bytes[bytes.indexOf('xy')] = 0xff;
    const received = toMessage(decode(bytes));
    assert.deepEqual(
      received?.answers.map(({ data }) => data),
      [`ok.${SERVICE}`],
    );
  });

  it('never throws anything but what the decoder throws, whatever arrives', () => {
    fc.assert(
      fc.property(
        anyMessage,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
        (m, hits) => {
          const bytes = encode(m);
          for (const [at, value] of hits) bytes[at % bytes.length] = value;
          let decoded: ReturnType<typeof decode>;
          try {
            decoded = decode(bytes);
          } catch {
            return;
          }
          const received = toMessage(decoded);
          // What was let in can be compared and sent again.
          if (received) assert.ok(encode(received).length <= MAX_MESSAGE);
          for (const item of received?.answers ?? []) {
            assert.equal(typeof recordKey(item), 'string');
            assert.equal(compareRecords(item, item), 0);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('names', () => {
  it('keep their labels through escaping', () => {
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 5 }), labels => {
        assert.deepEqual(labelsOf(labels.map(escapeLabel).join('.')), labels);
      }),
    );
  });

  it('get back the borders that the decoder lost', () => {
    assert.deepEqual(labelsOf(fromDecoder(`St. Ana\\B.${SERVICE}`)!), ['St. Ana\\B', '_xo-image', '_tcp', 'local']);
    assert.deepEqual(labelsOf(fromDecoder('_services._dns-sd._udp.local')!).length, 4);
    assert.deepEqual(labelsOf(fromDecoder('xo-1.local')!), ['xo-1', 'local']);
    assert.equal(fromDecoder('.'), '');
    // Two labels of 63 bytes, taken for one, could never be asked for.
    assert.equal(fromDecoder(`${'x'.repeat(63)}.${'y'.repeat(63)}.${SERVICE}`), null);
  });

  it('fold in ASCII only', () => {
    assert.equal(foldCase('ANA.Local'), 'ana.local');
    assert.equal(foldCase('É'), 'É');
    const record = { type: 'A' as const, ttl: 1, flush: true, data: '10.0.0.1' };
    assert.notEqual(setKey({ ...record, name: 'É' }), setKey({ ...record, name: 'é' }));
    assert.equal(setKey({ ...record, name: 'ANA' }), setKey({ ...record, name: 'Ana', data: '10.0.0.2' }));
  });

  it('are cut between characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat({ max: 70 }), (text, max) => {
        const cut = cutUtf8(text, max);
        assert.ok(text.startsWith(cut) && Buffer.byteLength(cut) <= max);
        const next = [...text.slice(cut.length)][0];
        assert.ok(next === undefined || Buffer.byteLength(cut + next) > max);
      }),
    );
  });
});

describe('tie-breaking order', () => {
  const a = (data: string): ResourceRecord => ({ name: 'x.local', type: 'A', ttl: 1, flush: true, data });

  it('compares bytes, not text (the example of RFC 6762 §8.2)', () => {
    assert.ok(compareRecords(a('169.254.99.200'), a('169.254.200.50')) < 0);
  });

  it('compares types first, and only the data then', () => {
    const aaaa: ResourceRecord = { name: 'x.local', type: 'AAAA', ttl: 1, flush: true, data: '::' };
    assert.ok(compareRecords(a('255.255.255.255'), aaaa) < 0);
    assert.equal(compareRecords(a('1.2.3.4'), { ...a('1.2.3.4'), ttl: 99, flush: false }), 0);
  });
});
