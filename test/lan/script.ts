/** What the packet scripts against a laptop of ours share. */
import { AUTHORITATIVE_ANSWER, type Question, type RecordType, type SrvAnswer } from 'dns-packet';
import type { Announcement } from '../../src/neighbours/neighbours';
import { Announcer } from './announcer';
import { Lan } from './namespaces';
import { type Heard, isProbe, isResponse, Prober, records } from './prober';

export const SERVICE = '_xo-image._tcp.local';
export const META = '_services._dns-sd._udp.local';
export const COMMIT = '0123456789abcdef0123456789abcdef01234567';
/** More than any delay of an answer, and the second in which nothing is said twice. */
export const PAUSE = 1300;

export const ana = `Ana.${SERVICE}`;

export function announcement(nick: string, version = '407', port = 20707): Announcement {
  return { image: 'olpc-xo', version, commit: COMMIT, port, nick, colors: ['#FF2B34', '#008009'] };
}

export function q(name: string, type: string): Question {
  return { name, type: type as RecordType };
}

export function srv(name: string, target: string, port = 1): SrvAnswer {
  return { name, type: 'SRV', ttl: 120, flush: true, data: { port, target } };
}

export function response(...answers: SrvAnswer[]) {
  return { type: 'response', flags: AUTHORITATIVE_ANSWER, answers } as const;
}

export const about = (name: string) => (heard: Heard) => {
  return records(heard.packet.answers).some(record => record.name.toLowerCase() === name.toLowerCase());
};
export const probesFor = (name: string) => (heard: Heard) =>
  isProbe(heard) && heard.packet.questions!.some(q => q.name === name);
export const announces = (name: string) => (heard: Heard) => isResponse(heard) && about(name)(heard);
export const quiet = (heard: Heard[], name: string) => heard.filter(one => isResponse(one) && about(name)(one));

/** One laptop of ours, the one that asks, and nobody else. */
export async function pair(ipv6 = false): Promise<{ lan: Lan; prober: Prober; laptop: Announcer }> {
  const lan = await Lan.create(2, { ipv6 });
  const prober = new Prober(lan, 1);
  await prober.ready;
  return { lan, prober, laptop: new Announcer(lan.run.bind(lan, 0)) };
}
