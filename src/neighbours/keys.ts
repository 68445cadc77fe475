/**
 * What tells records apart. Keys are made once for each record, for every packet has its records compared with all that is
 * known; so a record never changes.
 */
import { ipv6Bytes, type ResourceRecord } from './dns';
import { foldCase } from './names';

interface Keys {
  name: string;
  data: string;
  set: string;
  record: string;
}

const made = new WeakMap<ResourceRecord, Keys>();

function keysOf(record: ResourceRecord): Keys {
  let keys = made.get(record);
  if (keys === undefined) {
    const name = foldCase(record.name);
    const data = foldData(record);
    const set = `${name}|${record.type}`;
    keys = { name, data, set, record: `${set}|${data}` };
    made.set(record, keys);
  }
  return keys;
}

function foldData(record: ResourceRecord): string {
  switch (record.type) {
    case 'A':
      return record.data;
    case 'AAAA':
      return ipv6Bytes(record.data).toString('hex');
    case 'PTR':
      return foldCase(record.data);
    case 'SRV': {
      const { priority, weight, port, target } = record.data;
      return `${priority}|${weight}|${port}|${foldCase(target)}`;
    }
    case 'TXT':
      return record.data.map(part => part.toString('latin1')).join('\0');
    case 'NSEC':
      return [...record.data].sort().join();
  }
}

/** The name, folded. */
export function nameKey(record: ResourceRecord): string {
  return keysOf(record).name;
}

/** Equal for data that say the same, within one type. */
export function dataKey(record: ResourceRecord): string {
  return keysOf(record).data;
}

/** Name and type: equal for the records of one set. */
export function setKey(record: ResourceRecord): string {
  return keysOf(record).set;
}

/** Name, type and data: equal for records that say the same, whatever their TTL and flush bit. */
export function recordKey(record: ResourceRecord): string {
  return keysOf(record).record;
}
