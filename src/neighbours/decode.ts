/** From what dns-packet decodes (through multicast-dns) to the few kinds of record that concern us. */
import { isIPv4, isIPv6 } from 'node:net';
import type { Answer, DecodedPacket, Question as DecodedQuestion } from 'dns-packet';
import { type Message, message, type Question, type RecordType, type ResourceRecord, type Service } from './dns';
import { fromDecoder } from './names';

/** dns-packet 5.6 does not know the QU bit and takes it for a class of its own. */
const CLASS_IN_QU = 'UNKNOWN_32769';
const OPCODE_AND_RCODE = 0x780f;
const TRUNCATED = 0x0200;
/** A TTL with the top bit set counts as zero (RFC 2181 §8). */
const MAX_TTL = 0x7fffffff;

const TYPES = new Set<string>(['A', 'AAAA', 'PTR', 'SRV', 'TXT', 'NSEC']);

function isRecordType(type: string): type is RecordType {
  return TYPES.has(type);
}

function toQuestion(question: DecodedQuestion): Question | null {
  const klass: string = question.class ?? 'IN';
  const unicast = klass === CLASS_IN_QU;
  const name = fromDecoder(question.name);
  if (name === null || !(unicast || klass === 'IN' || klass === 'ANY')) return null;
  const type: string = question.type;
  return { name, type: type === 'ANY' || isRecordType(type) ? type : 'OTHER', unicast };
}

function toService(data: Service | { port: number; target: string; priority?: number; weight?: number }) {
  const target = fromDecoder(data.target);
  return target === null ? null : { port: data.port, target, priority: data.priority ?? 0, weight: data.weight ?? 0 };
}

function toRecord(answer: Answer): ResourceRecord | null {
  if (answer.type === 'OPT' || (answer.class ?? 'IN') !== 'IN') return null;
  const name = fromDecoder(answer.name);
  if (name === null) return null;
  const ttl = answer.ttl ?? 0;
  const common = { name, ttl: ttl > MAX_TTL ? 0 : ttl, flush: answer.flush === true };
  switch (answer.type) {
    case 'A':
      return isIPv4(answer.data) ? { ...common, type: 'A', data: answer.data } : null;
    case 'AAAA':
      return isIPv6(answer.data) ? { ...common, type: 'AAAA', data: answer.data } : null;
    case 'PTR': {
      const data = fromDecoder(answer.data);
      return data === null ? null : { ...common, type: 'PTR', data };
    }
    case 'SRV': {
      const data = toService(answer.data);
      return data === null ? null : { ...common, type: 'SRV', data };
    }
    case 'TXT': {
      const parts = Array.isArray(answer.data) ? answer.data : [answer.data];
      return { ...common, type: 'TXT', data: parts.map(part => (Buffer.isBuffer(part) ? part : Buffer.from(part))) };
    }
    case 'NSEC':
      return { ...common, type: 'NSEC', data: answer.data.rrtypes.filter(isRecordType) };
    default:
      return null;
  }
}

function present<T>(item: T | null): item is T {
  return item !== null;
}

/**
 * A decoded packet as a Message; null for what RFC 6762 §18.3 and §18.11 tell us to ignore. Questions, records and
 * names that mean nothing to us are left out.
 */
export function toMessage(packet: DecodedPacket): Message | null {
  const flags = packet.flags ?? 0;
  if ((flags & OPCODE_AND_RCODE) !== 0) return null;
  return message(packet.type === 'response' ? 'response' : 'query', {
    id: packet.id ?? 0,
    truncated: (flags & TRUNCATED) !== 0,
    questions: (packet.questions ?? []).map(toQuestion).filter(present),
    answers: (packet.answers ?? []).map(toRecord).filter(present),
    authorities: (packet.authorities ?? []).map(toRecord).filter(present),
    additionals: (packet.additionals ?? []).map(toRecord).filter(present),
  });
}
