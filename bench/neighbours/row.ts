/** What is measured, and how it is shown. */

/** Packets or frames, and their bytes with all headers, of one laptop. */
export interface Cost {
  packets: number;
  bytes: number;
}

export interface Row {
  what: string;
  laptops: number;
  /** Multicast in the first ARRIVING_S seconds. */
  arriving: Cost;
  /** Multicast, and everything else, in an hour. */
  idle: Cost;
  unicast: Cost | null;
  /** From the last arrival until everybody saw everybody, in s; null: it never came to that, or was not measured. */
  settled: number | null;
  /** The same from the moment when the last one was first announced: how long that took was the processor's doing. */
  heard: number | null;
  /** Who went while nobody had left; null: not measured. */
  flickers: number | null;
  /** After the cable of one was pulled, until nobody shows it any more, in s. */
  pulled: number | null;
  /** Load averages of the machine (one minute), at the begin and the end. */
  load: [number, number];
}

/** Laptops arrive one after the other within this time; what they say until the other is what arriving costs. */
export const ARRIVAL_S = 10;
export const ARRIVING_S = 30;
/** From then on they are idle. */
export const IDLE_FROM_S = 60;

/** Frames as [seconds since the start, bytes]. */
export function cost(
  frames: readonly (readonly [number, number])[],
  laptops: number,
  from: number,
  until: number,
): Cost {
  const inside = frames.filter(([at]) => at >= from && at < until);
  const bytes = inside.reduce((sum, [, length]) => sum + length, 0);
  return { packets: inside.length / laptops, bytes: bytes / laptops };
}

/** What the same would be in an hour. */
export function hourly({ packets, bytes }: Cost, seconds: number): Cost {
  return { packets: (packets * 3600) / seconds, bytes: (bytes * 3600) / seconds };
}

/** Head of a table in Markdown; `minutes`: how long they were idle. */
export function head(minutes: number): string {
  const columns = [
    'what',
    'laptops',
    `first ${ARRIVING_S} s: packets`,
    'kB',
    'all see all, s after the last began',
    'after it was announced',
    `an hour idle (from ${minutes} min): packets`,
    'kB',
    'unicast: packets',
    'kB',
    'flickers',
    'pulled out: gone after, s',
    'load',
  ];
  return `| ${columns.join(' | ')} |\n| --- |${' ---: |'.repeat(columns.length - 1)}`;
}

export function line({ what, laptops, arriving, idle, unicast, settled, heard, flickers, pulled, load }: Row): string {
  const kilo = (bytes: number) => (bytes / 1000).toFixed(1);
  const maybe = (value: number | null, digits = 1) => value?.toFixed(digits) ?? '';
  const cells = [
    what,
    laptops,
    arriving.packets.toFixed(1),
    kilo(arriving.bytes),
    maybe(settled),
    maybe(heard),
    idle.packets.toFixed(0),
    kilo(idle.bytes),
    maybe(unicast?.packets ?? null, 0),
    unicast ? kilo(unicast.bytes) : '',
    maybe(flickers, 0),
    maybe(pulled, 0),
    load.map(one => one.toFixed(0)).join('–'),
  ];
  return `| ${cells.join(' | ')} |`;
}
