/** The states of the screen, for its picture gallery and the tests of its view model. */
import { type ErrorReport, PassItOnError } from '../../src/core/errors';
import { sentence } from '../../src/core/sentences';
import { relation } from '../../src/core/versions';
import { NO_MORE_ROOM, PROBLEM_CODES } from '../../src/screen/problems';
import { initialState, type ScreenState, withNeighbours } from '../../src/screen/state';
import { problemFields } from '../../src/service/claim';
import type {
  ImageInfo,
  Neighbour,
  Plan,
  Progress,
  Relation,
  SourceInfo,
  Status,
  UpgradeState,
} from '../../src/service/contract';
import { partDone } from '../../src/upgrade/progress';

export const MY_COLORS: [string, string] = ['#005FE4', '#00A0FF'];

/** Pairs from Sugar's palette (sugar3.graphics.xocolor). */
const PALETTE: [string, string][] = [
  ['#A700FF', '#FF2B34'],
  ['#E6000A', '#FFC169'],
  ['#008009', '#00EA11'],
  ['#5E008C', '#BCCDFF'],
  ['#FF8F00', '#9A5200'],
  ['#807500', '#FFFA00'],
  ['#C97E00', '#FF8F00'],
  ['#9900E6', '#AC32FF'],
  ['#00588C', '#8BFF7A'],
  ['#B20008', '#FF8F00'],
];

export function image(version: string, more: Partial<ImageInfo> = {}): ImageInfo {
  const commit = Buffer.from(version.padEnd(20, '.')).toString('hex').slice(0, 40);
  return {
    name: 'olpc-xo',
    version,
    commit,
    releaseTime: '2026-03-01T00:00:00.000Z',
    signedBy: null,
    bytes: 1_770_000_000,
    ...more,
  };
}

export function neighbour(nick: string, version: string, relation: Relation, more: Partial<Neighbour> = {}): Neighbour {
  const number = [...nick].reduce((sum, c) => sum + c.charCodeAt(0), 0);
  return {
    id: nick,
    nick,
    colors: PALETTE[number % PALETTE.length] ?? null,
    address: `${nick}:20707`,
    image: 'olpc-xo',
    version,
    commit: image(version).commit,
    relation,
    lastSeen: '2026-03-01T00:00:00.000Z',
    confirmed: true,
    problem: null,
    kind: 'laptop',
    ...more,
  };
}

export function status(more: Partial<Status> = {}): Status {
  const current = image('406');
  return {
    current,
    previous: null,
    staged: null,
    images: [current],
    upgrade: null,
    nick: 'Maya',
    colors: MY_COLORS,
    store: '/store',
    diskFree: 4e9,
    serving: true,
    port: 20707,
    canRestart: true,
    warnings: [],
    goBackWarnings: [],
    ...more,
  };
}

export const ANA = neighbour('Ana', '407', 'newer', { colors: ['#A700FF', '#FF2B34'] });
export const BEN = neighbour('Ben', '407', 'newer', { colors: ['#E6000A', '#FFC169'] });
export const CARLA = neighbour('Carla', '407', 'newer', { colors: ['#008009', '#00EA11'] });
export const TEACHER = neighbour('Teacher', '410', 'newer', { colors: ['#5E008C', '#BCCDFF'] });
export const DINA = neighbour('Dina', '406', 'same', { colors: ['#FF8F00', '#9A5200'] });
export const EMIL = neighbour('Emil', '406', 'same', { colors: ['#807500', '#FFFA00'] });
export const FATIMA = neighbour('Fatima', '405', 'older', { colors: ['#C97E00', '#FF8F00'] });
export const GABO = neighbour('Gabo', '402', 'older', { colors: ['#9900E6', '#AC32FF'] });
export const CLASS = [ANA, BEN, CARLA, TEACHER, DINA, EMIL, FATIMA, GABO];

export function near(state: ScreenState, neighbours: readonly Neighbour[]): ScreenState {
  return withNeighbours(state, new Map(neighbours.map(n => [n.id, n])));
}

export function base(neighbours: readonly Neighbour[] = CLASS, more: Partial<ScreenState> = {}): ScreenState {
  const state = { ...initialState({ nick: 'Maya', colors: MY_COLORS }), link: 'connected' as const, status: status() };
  return { ...near(state, neighbours), ...more };
}

export function sources(...neighbours: Neighbour[]): SourceInfo[] {
  return neighbours.map(n => ({ address: n.address, nick: n.nick, bytes: 0, state: 'idle' as const }));
}

export function plan(version = '407', more: Partial<Plan> = {}): Plan {
  return {
    from: image('406'),
    to: image(version),
    relation: relation(image('406'), image(version)),
    signedBy: null,
    trustProblem: null,
    warnings: [],
    journalWarning: null,
    releaseNotes: null,
    minimumVersion: null,
    added: 40,
    changed: 360,
    removed: 12,
    attributesChanged: 0,
    objects: 400,
    bytesRaw: 23_000_000,
    diskBytes: 25_000_000,
    diskFree: 900_000_000,
    seconds: 35,
    sources: sources(ANA, BEN, CARLA),
    ...more,
  };
}

export function upgrade(
  state: UpgradeState['state'],
  progress: Partial<Progress> = {},
  error?: ErrorReport,
): UpgradeState {
  const told = {
    step: 'fetch' as const,
    filesDone: 240,
    filesTotal: 400,
    bytesDone: 14_000_000,
    bytesTotal: 23_000_000,
    rate: 400_000,
    secondsLeft: 25,
    bytesReceived: 5_000_000,
    sources: sources(ANA, BEN, CARLA).map(s => ({ ...s, bytes: 4_000_000, state: 'giving' as const })),
    waiting: false,
    ...progress,
  };
  return {
    to: image('407'),
    from: image('406'),
    state,
    error: error ?? null,
    progress: { part: partDone(told), ...told },
  };
}

export function report(code: ErrorReport['code'], message: string, remedy: string): ErrorReport {
  return new PassItOnError(code, message, remedy).toJSON();
}

/** n laptops: mostly one step newer, some same, some older, a few odd ones. */
export function crowd(n: number): Neighbour[] {
  const names = [
    'Ana',
    'Bruno',
    'Carla',
    'Diego',
    'Elena',
    'Felipe',
    'Gabriela',
    'Hugo',
    'Ines',
    'Juan',
    'Karen',
    'Luis',
  ];
  return Array.from({ length: n }, (_, i) => {
    const nick =
      i < names.length ? (names[i] ?? '') : `${names[i % names.length]} ${String.fromCharCode(65 + (i % 26))}.`;
    const kinds: [string, Relation][] = [
      ['407', 'newer'],
      ['406', 'same'],
      ['405', 'older'],
      ['407', 'newer'],
      ['410', 'newer'],
    ];
    const [version, relation] = kinds[i % kinds.length] ?? ['407', 'newer'];
    return neighbour(nick, version, relation, { id: `n${i}`, address: `10.0.0.${i}:20707` });
  });
}

const restarted = { previous: image('406'), current: image('407'), images: [image('406'), image('407')] };
const staged = { staged: image('407'), images: [image('406'), image('407')] };
const odd = [
  neighbour('Oscar', '406', 'different', { commit: 'd'.repeat(40) }),
  neighbour('Pia', '12.1', 'other', { image: 'classmate', commit: 'e'.repeat(40) }),
];

function as(relation: Relation, ...neighbours: Neighbour[]): Neighbour[] {
  return neighbours.map(n => ({ ...n, relation }));
}

/** Every error code, as the end of an upgrade that had begun. */
const troubles = Object.fromEntries(
  PROBLEM_CODES.map(code => [
    `problem-${code}`,
    base(CLASS, {
      upgrade: upgrade('failed', {}, report(code, 'What the service says of it.', 'What the service would do.')),
    }),
  ]),
);

/** Name → state. */
export const STATES: Record<string, ScreenState> = {
  ...troubles,
  'no-more-room': base(CLASS, { error: NO_MORE_ROOM }),
  'give-up-previous': base(CLASS, { sacrificing: true, status: status({ previous: image('405') }) }),
  teacher: base(CLASS, {
    forTeacher: report(
      'untrusted',
      'This laptop does not know the key that signed this image: SHA256:abc.',
      'Write the keys of those you trust into /etc/pass-it-on/allowed_signers.',
    ),
  }),
  mending: base(CLASS, { pending: 'fix' }),
  starting: { ...initialState({ nick: 'Maya', colors: MY_COLORS }) },
  idle: base(),
  asking: base(CLASS, { selected: 'near:Ana', comparison: { state: 'asking' } }),
  choose: base(CLASS, { selected: 'near:Ana', comparison: { state: 'done', plan: plan() } }),
  'choose-signed': base(CLASS, {
    selected: 'near:Ana',
    comparison: {
      state: 'done',
      plan: plan('407', {
        to: image('407', { signedBy: 'Colegio Roble' }),
        seconds: 190,
        releaseNotes: 'Books open faster.\n\nA new game.',
      }),
    },
  }),
  'choose-no-room': base(CLASS, {
    selected: 'near:Ana',
    comparison: { state: 'done', plan: plan('407', { diskFree: 9_000_000 }) },
  }),
  'choose-same': base(CLASS, {
    selected: 'near:Dina',
    comparison: {
      state: 'done',
      plan: plan('406', { objects: 0, added: 0, changed: 0, removed: 0, sources: sources(DINA) }),
    },
  }),
  'choose-older': base(CLASS, {
    selected: 'near:Fatima',
    comparison: { state: 'done', plan: plan('405', { sources: sources(FATIMA) }) },
  }),
  'confirm-older': base(CLASS, {
    selected: 'near:Fatima',
    comparison: { state: 'done', plan: plan('405', { sources: sources(FATIMA) }) },
    confirming: true,
  }),
  'confirm-other': base([...CLASS, ...odd], {
    selected: 'near:Pia',
    comparison: { state: 'done', plan: plan('12.1', { to: image('12.1', { name: 'classmate' }), relation: 'other' }) },
    confirming: true,
  }),
  comparing: base(CLASS, {
    upgrade: upgrade('running', { step: 'compare', bytesDone: 0, bytesTotal: 0, sources: [] }),
  }),
  fetching: base(CLASS, { selected: 'near:Ana', upgrade: upgrade('running') }),
  waiting: base([DINA, EMIL, FATIMA], {
    upgrade: upgrade('running', { waiting: true, secondsLeft: null, sources: [] }),
  }),
  checking: base(CLASS, { upgrade: upgrade('running', { step: 'check', bytesDone: 9e8, bytesTotal: 17e8 }) }),
  staging: base(CLASS, { upgrade: upgrade('running', { step: 'stage', filesDone: 20_000, filesTotal: 39_000 }) }),
  stopped: base(CLASS, { upgrade: upgrade('stopped') }),
  failed: base([DINA, EMIL, FATIMA], {
    upgrade: upgrade(
      'failed',
      {},
      report('source-gone', 'The last laptop with 407 has left.', 'Bring one closer, then go on where it stopped.'),
    ),
  }),
  'no-answer': base(CLASS, {
    selected: 'near:Ana',
    comparison: {
      state: 'failed',
      error: report('no-source', 'Ana did not answer.', 'Bring both laptops closer together and try again.'),
    },
  }),
  lost: { ...base([], { link: 'lost' }) },
  ready: base(CLASS, { status: status(staged), upgrade: upgrade('staged', { step: 'ready' }) }),
  'ready-helper': base(CLASS, {
    status: status({ ...staged, canRestart: false }),
    upgrade: upgrade('staged', { step: 'ready' }),
  }),
  later: base(CLASS, { status: status(staged), acknowledged: image('407').commit }),
  after: near({ ...base(), status: status(restarted) }, [
    ...as('same', ANA, BEN, CARLA),
    TEACHER,
    ...as('older', DINA, EMIL, FATIMA, GABO),
  ]),
  arrived: near(
    {
      ...base(),
      status: status({
        ...restarted,
        arrived: { before: '406', back: false, releaseNotes: 'A new game.\nBooks open faster.' },
      }),
    },
    [...as('same', ANA, BEN, CARLA), TEACHER, ...as('older', DINA, EMIL, FATIMA, GABO)],
  ),
  'arrived-back': base(CLASS, {
    status: status({ previous: image('407'), arrived: { before: '407', back: true, releaseNotes: null } }),
  }),
  kept: near({ ...base(), status: status(restarted), selected: 'kept' }, as('same', ANA, BEN)),
  'confirm-back': base([DINA], { status: status(restarted), selected: 'kept', confirming: true }),
  mine: base(CLASS, { selected: 'mine', status: status({ previous: image('405') }) }),
  nobody: base([]),
  'nobody-kept': base([], {
    status: status({ ...restarted, warnings: ['Looking for neighbours does not work on wlan0.'] }),
  }),
  fresh: base(
    CLASS.map(n => ({ ...n, relation: 'newer' as const })),
    { status: status({ current: null, images: [] }) },
  ),
  'fresh-nobody': base([], { status: status({ current: null, images: [] }) }),
  odd: base([...CLASS, ...odd]),
  kinds: base([
    ...CLASS,
    neighbour('School server', '410', 'newer', { kind: 'server', colors: null }),
    neighbour('images', '410', 'newer', { kind: 'stick', colors: null }),
    neighbour('Sara', '409', 'newer', { signedBy: null }),
    neighbour('Tim', '409', 'newer', { confirmed: false }),
    neighbour('Rosa', '409', 'newer', problemFields(sentence('neighbour-lacks-image'))),
    ...odd,
  ]),
  problem: base([
    ANA,
    neighbour('Quinn', '410', 'newer', { confirmed: false, ...problemFields(sentence('neighbour-silent')) }),
    neighbour('Rosa', '409', 'newer', problemFields(sentence('neighbour-lacks-image'))),
  ]),
  untrusted: base(CLASS, {
    selected: 'near:Ana',
    comparison: {
      state: 'done',
      plan: plan('407', {
        trustProblem: report(
          'unsigned',
          'Nobody has signed this image, and this laptop takes only signed ones.',
          'Take another one, or ask whoever looks after this laptop.',
        ),
      }),
    },
  }),
  nameless: base([
    neighbour('', '407', 'newer', { id: 'x', colors: null }),
    neighbour('Bartholomew the Third of Cusco', '2026.03.01+build.17', 'newer'),
  ]),
  one: base([ANA]),
  forty: base(crowd(40)),
  'forty-fetching': base(crowd(40), {
    upgrade: upgrade('running', {
      sources: crowd(40)
        .filter(n => n.version === '407')
        .map(n => ({ address: n.address, nick: n.nick, bytes: 1, state: 'giving' as const })),
    }),
  }),
  'forty-newer': base(crowd(40).map(n => ({ ...n, version: '407', relation: 'newer' as const }))),
  'forty-same': base(crowd(40).map(n => ({ ...n, version: '406', relation: 'same' as const }))),
};
