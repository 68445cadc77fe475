// Makes PassItOn-1.xo: what Sugar installs. It holds the built program, the icon, and of node-gtk only what runs.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { buildProduct } from './build.mjs';
import { main, must, Plain, say, status } from './run.mjs';

const FOLDER = 'build/bundle';
const NAME = 'PassItOn.activity';
const NAMES = 'activity/linfo';
/** node-gtk's own code needs these two at run time; chalk and node-pre-gyp only for printing and for building. */
const NEEDED = ['lodash.camelcase', 'lodash.snakecase'];
/** Every file's time in the archive, so that the same sources give the same bundle: the first day a zip can name. */
const EPOCH = new Date('1980-01-02T00:00:00Z');

function copyNodeGtk(to) {
  const from = 'node_modules/node-gtk';
  const binding = `lib/binding/node-v${process.versions.modules}-${process.platform}-${process.arch}/node_gtk.node`;
  if (!existsSync(join(from, binding)))
    throw new Plain('node-gtk is not built here; run `npm ci` on a machine with GTK.');
  const target = join(to, 'node_modules/node-gtk');
  for (const part of ['package.json', 'LICENSE', 'lib']) {
    // Of bindings only the one for this Node: others may lie beside it.
    const filter = path =>
      !path.includes('/lib/binding/') || binding.startsWith(path.slice(from.length + 1)) || path.endsWith(binding);
    cpSync(join(from, part), join(target, part), { recursive: true, filter, dereference: true });
  }
  for (const name of NEEDED) cpSync(join('node_modules', name), join(to, 'node_modules', name), { recursive: true });
  const addon = join(target, binding);
  chmodSync(addon, 0o755);
  // 9.6 MB of which 9 are for debuggers; a bundle with them runs as well.
  if (status('strip', ['--strip-unneeded', addon]) !== 0)
    say('strip is not here: the bundle is larger than it needs to be');
}

function copyProgram(to) {
  mkdirSync(join(to, 'dist'), { recursive: true });
  // Without the maps, which are three times as large.
  for (const file of readdirSync('dist')) {
    if (file === 'pass-it-on' || file.endsWith('.js')) cpSync(join('dist', file), join(to, 'dist', file));
  }
  cpSync('activity', join(to, 'activity'), {
    recursive: true,
    filter: path => !['bin', 'linfo'].some(part => path.startsWith(join('activity', part))),
  });
  cpSync('activity/bin', join(to, 'bin'), { recursive: true });
  cpSync('LICENSE', join(to, 'LICENSE'));
  // At the top, where Sugar looks for it.
  cpSync('dist/locale', join(to, 'locale'), { recursive: true });
}

/** The activity's name and summary in each language, where Sugar's bundle parser looks for them. */
function copyNames(to) {
  for (const file of readdirSync(NAMES)) {
    const folder = join(to, 'locale', basename(file, '.linfo'));
    mkdirSync(folder, { recursive: true });
    cpSync(join(NAMES, file), join(folder, 'activity.linfo'));
  }
}

/** All paths below the folder, sorted, so that the archive's order is always the same. */
function paths(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map(entry => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

main(async () => {
  await buildProduct();
  const version = /^activity_version = (\d+)$/m.exec(readFileSync('activity/activity.info', 'utf8'))?.[1];
  if (!version) throw new Plain('activity/activity.info names no activity_version.');
  const archive = resolve(`PassItOn-${version}.xo`);
  const root = join(FOLDER, NAME);
  rmSync(FOLDER, { recursive: true, force: true });
  rmSync(archive, { force: true });
  mkdirSync(root, { recursive: true });
  copyProgram(root);
  copyNames(root);
  copyNodeGtk(root);
  const all = paths(root);
  for (const path of [...all, root]) utimesSync(path, EPOCH, EPOCH);
  const names = [root, ...all].map(path => path.slice(FOLDER.length + 1));
  must('zip', 'zip', ['-q', '-X', archive, '-@'], {
    cwd: FOLDER,
    input: `${names.join('\n')}\n`,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  say(`PassItOn-${version}.xo: ${Math.round(statSync(archive).size / 1000)} kB`);
});
