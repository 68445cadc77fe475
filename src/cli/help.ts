/** What `--help` says: of the whole, and of each command. */

interface CommandHelp {
  /** The words behind the command's name. */
  words: string;
  says: string;
  /** As they are typed, and what each is for. */
  options?: readonly (readonly [option: string, says: string])[];
}

const FROM = ['--from ADDRESS', 'ask there as well; may be repeated'] as const;
const WAIT = ['--wait SECONDS', 'how long to wait for another laptop when all are gone (60)'] as const;
const EFFORT = [
  '--effort auto|bytes|speed',
  'auto measures, bytes is for links that cost money, speed for fast wires',
] as const;
const RESTART = ['--restart', 'run the activation hook of this laptop afterwards, which restarts it'] as const;

export const COMMAND_HELP: Readonly<Record<string, CommandHelp>> = {
  publish: {
    words: 'DIR --name NAME --version VERSION',
    says: 'import a root file system as an image into the store',
    options: [
      ['--name NAME', 'of the image: olpc-xo'],
      ['--version VERSION', 'of the image: 407'],
      ['--time SECONDS', "release time since 1970 (SOURCE_DATE_EPOCH, else the newest file's)"],
      ['--root-owned', 'everything belongs to root, whoever owns it here'],
      ['--no-xattrs', 'leave extended attributes out'],
      ['--sign-with KEY', 'an OpenSSH Ed25519 key, or the public one of a key in the ssh-agent'],
      ['--minimum-version V', 'nobody who has seen this image takes one below V any more'],
      ['--journal-format NUMBER', 'raise it when older systems cannot read the Journal of this one'],
      ['--release-notes TEXT|@FILE', 'what is new, for those who are asked to take it'],
    ],
  },
  use: { words: 'VERSION', says: 'make a held image the current one' },
  serve: {
    words: '',
    says: "announce and share this laptop's images, until ended",
    options: [
      ['--port P', 'TCP port (20707, or any if that is taken); 0: any'],
      ['--interface IF', 'only on this network interface'],
      ['--nick NAME', 'what others see; none unless given'],
      ["--colors '#RRGGBB,#RRGGBB'", 'stroke and fill of the laptop that others see'],
      ['--rate BYTES-PER-SECOND', 'send no more than that to all together'],
      ['--linger SECONDS', 'end when nobody has needed the service for so long'],
    ],
  },
  neighbours: {
    words: '',
    says: 'who is near, and which version they have',
    options: [
      ['--wait SECONDS', 'how long to look (3)'],
      ['--watch', 'tell every change, until interrupted'],
      ['--compare', 'also who has signed it, and how much there is to fetch'],
      FROM,
    ],
  },
  compare: { words: 'VERSION|ADDRESS', says: 'what would change, and how much to fetch', options: [FROM] },
  upgrade: {
    words: 'VERSION',
    says: 'compare, fetch, check and stage a version, newer or older',
    options: [FROM, WAIT, EFFORT],
  },
  status: { words: '', says: 'the images here, and a running upgrade' },
  activate: { words: '', says: 'the staged image becomes the current one', options: [RESTART] },
  'go-back': { words: '', says: 'the previous image becomes the current one', options: [RESTART] },
  verify: {
    words: '[VERSION]',
    says: 'every path of an image here against its manifest',
    options: [['--repair', 'mend what differs'], FROM],
  },
  manifest: { words: '[VERSION]', says: 'all paths of an image here, for mtree(8)' },
  adopt: {
    words: 'VERSION --root DIR',
    says: 'take the image that this laptop runs from its own files',
    options: [['--root DIR', 'the running system, usually /'], FROM, WAIT, EFFORT],
  },
  export: { words: 'DIR [VERSION]...', says: 'write images as a git repository for a web server or a USB stick' },
  remove: { words: 'VERSION', says: 'drop an image that is not in use' },
  gc: { words: '', says: 'drop all that are not current, previous, staged, served or fetched' },
};

const EVERYWHERE = [
  ['--store DIR', "the images (PASS_IT_ON_STORE, this machine's own service, or your data folder)"],
  ['--json', 'answers as lines of JSON, for scripts'],
  ['--help', 'this'],
] as const;

/** Two columns; a left side that is too long has a line of its own. */
function columns(rows: readonly (readonly [string, string])[], width: number): string {
  return rows
    .map(([left, right]) => {
      const apart = left.length < width ? left.padEnd(width) : `${left}\n  ${''.padEnd(width)}`;
      return `  ${apart}${right}\n`;
    })
    .join('');
}

const VERSION = 'VERSION is 407, olpc-xo/407 or 7 or more digits of a commit.';
const ADDRESS = `ADDRESS is host:port, [v6%zone]:port, or an
exported folder (/media/stick/images, ./images, https://school.example/images/).`;

export const HELP = `Pass It On: upgrades this laptop from its neighbours, any version to any other.

${columns(
  Object.entries(COMMAND_HELP).map(([name, { words, says }]) => [`pass-it-on ${name} ${words}`.trimEnd(), says]),
  39,
)}
pass-it-on COMMAND --help tells the options of a command, pass-it-on --version which one this is. Everywhere:

${columns(EVERYWHERE.slice(0, -1), 15)}
${VERSION} ${ADDRESS}
Exit status: 0 done, 1 refused or failed, 2 wrong usage.
`;

export function helpOf(name: string): string {
  const { words, says, options = [] } = COMMAND_HELP[name]!;
  const usage = `pass-it-on ${name} ${words}`.trimEnd();
  // publish gives an image its version; all others name one that there is.
  const named = words.replace('--version VERSION', '');
  const meanings = [/VERSION/.test(named) && VERSION, /ADDRESS/.test(`${named} ${options.join(' ')}`) && ADDRESS];
  const explained = meanings.filter(Boolean).join(' ');
  const sentence = `${says[0]!.toUpperCase()}${says.slice(1)}.`;
  return `${usage} [OPTION]...\n\n${sentence}\n\n${columns([...options, ...EVERYWHERE], 30)}${explained && `\n${explained}\n`}`;
}
