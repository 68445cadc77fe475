/** Who sits in the demo classroom, and with which version. Colours are pairs from Sugar's own palette. */
export interface Classmate {
  nick: string;
  /** Sugar's form: stroke,fill. */
  colors: string;
  version: string;
  /** Nobody has signed the image of this laptop, so that a child sees that, too. */
  unsigned?: true;
}

export const IMAGE_NAME = 'olpc-xo';

/** Oldest first. */
export const VERSIONS = ['402', '405', '406', '407', '410'] as const;

export const ME: Classmate = { nick: 'Maya', colors: '#005FE4,#00A0FF', version: '406' };

export const CLASSMATES: readonly Classmate[] = [
  { nick: 'Ana', colors: '#AC32FF,#FF2B34', version: '410' },
  { nick: 'Ben', colors: '#E6000A,#FFC169', version: '410' },
  { nick: 'Carla', colors: '#008009,#00EA11', version: '407' },
  { nick: 'Teacher', colors: '#5E008C,#BCCDFF', version: '410' },
  { nick: 'Dina', colors: '#FF8F00,#9A5200', version: '406' },
  { nick: 'Fatima', colors: '#C97E00,#FF8F00', version: '405' },
  { nick: 'Gabo', colors: '#9900E6,#AC32FF', version: '402', unsigned: true },
];

/** Who makes the images, and signs them. */
export const SCHOOL = 'Colegio Roble';

/** What the school says of a version. */
export const RELEASE_NOTES: Readonly<Record<string, string>> = {
  '407': 'Books open faster.',
  '410': 'A new game.\n\nBooks open faster.',
};

/** Each gives at most this many bytes a second, as a shared radio would: without it the demo is over in a blink. */
export const RATE = 700_000;
