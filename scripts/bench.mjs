// npm run bench [-- NAME [ARGUMENT…]]: measures on real images. Without a name: every bench there is.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { follow, main, Plain, say } from './run.mjs';
import { build, ensure } from './setup.mjs';

/** As bench/end.ts names the folders in which benches work: by the process that this is. */
const WORK_FOLDER = /^bench-[a-z]+-(\d+)-/;
const IMAGES = 'build/images';

/**
 * What a bench starts or makes (services, displays, network namespaces) ends with it, however it ends: as root it has a
 * process namespace of its own, and its own list of network namespaces. When we are killed, it is, too.
 */
function confined(command) {
  const mortal = ['setpriv', '--pdeathsig', 'KILL'];
  if (process.getuid() !== 0) return [...mortal, ...command];
  const namespaces = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  // The shell stays: the first process of a namespace takes no notice of signals, and has the orphans to bury.
  const inside = 'mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && "$@"; exit $?';
  return [...mortal, ...namespaces, 'sh', '-c', inside, 'sh', ...command];
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Gigabytes, where a bench was killed without a word. */
function removeLeftovers() {
  const below = folder => (existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []);
  const sizes = below(IMAGES).flatMap(entry => (entry.isDirectory() ? [join(IMAGES, entry.name)] : []));
  for (const folder of [tmpdir(), '/dev/shm', ...sizes]) {
    for (const { name } of below(folder)) {
      const pid = WORK_FOLDER.exec(name)?.[1];
      if (pid === undefined || isAlive(Number(pid))) continue;
      try {
        rmSync(join(folder, name), { recursive: true, force: true });
      } catch (error) {
        say(`An earlier bench has left ${join(folder, name)}: ${error.message}`);
      }
    }
  }
}

main(async () => {
  ensure(['bench']);
  build('--bench');
  removeLeftovers();
  const all = readdirSync('build/bench').flatMap(file => file.match(/^(.+)\.bench\.js$/)?.[1] ?? []);
  const [wanted, ...given] = process.argv.slice(2);
  if (wanted && !all.includes(wanted)) throw new Plain(`No bench is called ${wanted}. There are: ${all.join(', ')}`);
  const env = { ...process.env, PASS_IT_ON_BENCH: String(process.pid) };
  for (const name of wanted ? [wanted] : all) {
    say(`bench ${name}`);
    const [program, ...args] = confined([process.execPath, '--enable-source-maps', `build/bench/${name}.bench.js`]);
    const result = await follow(program, [...args, ...given], { detached: true, env });
    if (result !== 0) return result;
  }
});
