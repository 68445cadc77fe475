/**
 * Taking a whole tree in: publish, beside `ostree commit` and `git add && git commit` on the same tree, and beside what
 * nobody can do faster: reading every byte once and hashing it, and copying the tree. Seconds and peak memory; then
 * again for a second version, which should cost only what changed. Usage: npm run bench -- import [small|full]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { end, workFolder } from './end';

interface Row {
  what: string;
  seconds: number;
  /** Of processors, all threads and children together. */
  cpu: number;
  /** Peak memory of the largest process, in bytes. */
  memory: number;
  /** What it takes on the disk afterwards; null where that means nothing. */
  disk: number | null;
}

const size = process.argv[2] ?? 'small';
const images = resolve('build/images', size);
// On the same disk as the trees.
const work = workFolder('import', images);
const tree = (version: string) => join(images, version);
const PROGRAM = resolve('dist/pass-it-on');
const NOBODY = ['-c', 'user.name=a', '-c', 'user.email=a@localhost', '-c', 'gc.auto=0', '-c', 'core.fileMode=true'];

function usage(dir: string): number {
  return Number(execFileSync('du', ['-s', '--block-size=1', dir], { encoding: 'utf8' }).split('\t')[0]);
}

/** Runs one after the other; what has been written before is on the disk, and what is read is in memory for all alike. */
function measure(what: string, dir: string | null, ...commands: string[][]): Row {
  const before = dir === null || !existsSync(dir) ? 0 : usage(dir);
  execFileSync('sync');
  const row: Row = { what, seconds: 0, cpu: 0, memory: 0, disk: null };
  for (const words of commands) {
    const note = join(work, 'time');
    const result = spawnSync('time', ['-f', '%e %U %S %M', '-o', note, ...words], { cwd: work, encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`${words.join(' ')}: ${result.stderr}${result.error ?? ''}`);
    const last = readFileSync(note, 'utf8').trim().split('\n').at(-1)!;
    const [wall = 0, user = 0, system = 0, kilobytes = 0] = last.split(' ').map(Number);
    row.seconds += wall;
    row.cpu += user + system;
    row.memory = Math.max(row.memory, kilobytes * 1024);
  }
  if (dir !== null) row.disk = usage(dir) - before;
  console.log(`  ${what}: ${row.seconds.toFixed(1)} s`);
  return row;
}

function print(title: string, rows: Row[]): void {
  const ours = rows[0]!;
  console.log(`\n${title}\n\n| what | seconds | × ours | CPU s | peak MB | disk MB |`);
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
  for (const { what, seconds, cpu, memory, disk } of rows) {
    const ratio = (seconds / ours.seconds).toFixed(2);
    const megabytes = (bytes: number | null) => (bytes === null ? '' : (bytes / 1e6).toFixed(0));
    console.log(
      `| ${what} | ${seconds.toFixed(1)} | ${ratio} | ${cpu.toFixed(1)} | ${megabytes(memory)} | ${megabytes(disk)} |`,
    );
  }
}

/** The same for a first and a second version of the tree. */
function importAll(version: string): Row[] {
  const from = tree(version);
  const [store, ostree, git] = [join(work, 'store'), join(work, 'ostree'), join(work, 'git')];
  const publish = [PROGRAM, 'publish', from, '--name', 'debian', '--version', version, '--store', store];
  const rows = [measure('pass-it-on publish', store, publish)];

  // Without device nodes and FIFOs, which ostree refuses and git passes over; the same files, by other names.
  const plain = join(work, `plain-${version}`);
  execFileSync('cp', ['-al', from, plain]);
  execFileSync('find', [plain, '-not', '-type', 'f', '-not', '-type', 'd', '-not', '-type', 'l', '-delete']);
  for (const mode of ['bare', 'archive']) {
    const repository = `${ostree}-${mode}`;
    const init = existsSync(repository) ? [] : [['ostree', `--repo=${repository}`, 'init', `--mode=${mode}`]];
    const commit = ['ostree', `--repo=${repository}`, 'commit', '--branch=debian', `--tree=dir=${plain}`];
    rows.push(measure(`ostree commit (${mode})`, repository, ...init, commit));
  }

  const at = ['git', ...NOBODY, `--git-dir=${git}`, `--work-tree=${plain}`];
  const begin = existsSync(git) ? [] : [['git', 'init', '-q', '--bare', git]];
  rows.push(
    measure(
      'git add && git commit',
      git,
      ...begin,
      [...at, 'add', '-A', '-f', '.'],
      [...at, 'commit', '-q', '-m', version],
    ),
  );
  return rows;
}

function bounds(): Row[] {
  const from = tree('v1');
  const read = `find '${from}' -xdev -type f -print0 | xargs -0 cat | sha1sum`;
  const hashed = measure('reading every byte into sha1sum', null, ['sh', '-c', read]);
  const copied = measure('cp -a, and sync', join(work, 'copy'), ['cp', '-a', from, join(work, 'copy')], ['sync']);
  return [hashed, copied];
}

async function main(): Promise<void> {
  const missing = ['v1', 'v2'].filter(version => !existsSync(tree(version)));
  if (missing.length > 0) execFileSync('bench/images.sh', [size, images, ...missing], { stdio: 'inherit' });
  for (const version of ['v1', 'v2'])
    spawnSync('sh', ['-c', `find '${tree(version)}' -xdev -type f -print0 | xargs -0 cat >/dev/null`]);
  const first = importAll('v1');
  print('First version', [...first, ...bounds()]);
  print('Second version, one point release on', importAll('v2'));
}

end(main());
