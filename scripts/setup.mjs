// Makes a fresh machine able to run, test or measure this project. Asks the network for nothing when nothing is missing.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGES, packagesFor } from './packages.mjs';
import { must, Plain, say, status } from './run.mjs';

export const TOP = dirname(dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = [20, 11];

/**
 * Installs what these purposes need and is missing: Debian packages, node_modules, the compiled node-gtk.
 * @param {(keyof typeof PACKAGES)[]} purposes
 */
export function ensure(purposes) {
  process.chdir(TOP);
  ensureNode();
  ensurePackages(purposes);
  fetchPackages(purposes);
  ensureModules();
  if (purposes.includes('run')) ensureNodeGtk();
}

function ensureNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new Plain(`Pass It On needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}.`);
}

/** Which of these Debian packages are not installed. */
function missingPackages(names) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the braces are dpkg's
  const format = '${Package} ${db:Status-Status}\n';
  const told = spawnSync('dpkg-query', ['-W', '-f', format, ...names], { encoding: 'utf8' });
  if (told.error) {
    throw new Plain(
      `This is not Debian (no dpkg-query). Install what these Debian packages hold:\n  ${names.join(' ')}`,
    );
  }
  // It fails when it does not know one of them, and still prints the others.
  const installed = new Set(told.stdout.split('\n').flatMap(line => line.match(/^(\S+) installed$/)?.[1] ?? []));
  return names.filter(name => !installed.has(name));
}

function ensurePackages(purposes) {
  const missing = missingPackages(packagesFor(purposes));
  if (missing.length === 0) return;
  for (const purpose of purposes) {
    const names = PACKAGES[purpose].names.filter(name => missing.includes(name));
    if (names.length > 0) say(`Missing ${PACKAGES[purpose].why}: ${names.join(' ')}`);
  }
  const apt = ['apt-get', '-qq', '-o', 'Dpkg::Use-Pty=0', '-o', 'DPkg::Lock::Timeout=300'];
  const update = [...apt, 'update'];
  const install = [...apt, 'install', '-y', '--no-install-recommends'];
  const byHand = `  sudo apt-get update\n  sudo apt-get install --no-install-recommends ${missing.join(' ')}`;
  const asRoot = rootPrefix();
  if (asRoot === null)
    throw new Plain(`This needs an administrator. Run these two lines, then start again:\n${byHand}`);
  say('Installing them with apt-get');
  const quiet = ['env', 'DEBIAN_FRONTEND=noninteractive'];
  for (const command of [update, [...install, ...missing]]) {
    const [first, ...rest] = [...asRoot, ...quiet, ...command];
    if (status(first, rest) !== 0) {
      throw new Plain(`apt-get did not succeed; its messages are above. By hand it would be:\n${byHand}`);
    }
  }
}

/** Packages that are not installed but used as they are, from where apt gets all others: in build/packages. */
function fetchPackages(purposes) {
  const folder = 'build/packages';
  mkdirSync(folder, { recursive: true });
  const here = readdirSync(folder);
  for (const name of purposes.flatMap(purpose => PACKAGES[purpose].fetched ?? [])) {
    if (here.some(file => file.startsWith(`${name}_`) && file.endsWith('.deb'))) continue;
    // The user _apt may not write here.
    const download = ['-qq', '-o', 'APT::Sandbox::User=root', 'download', name];
    if (status('apt-get', download, { cwd: folder }) === 0) continue;
    throw new Plain(`${name} cannot be fetched. Run \`sudo apt-get update\`, then start again.`);
  }
}

/** What stands before a command that only root may run: nothing, sudo, or null when there is no way. */
function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  // A person at a terminal can type a password; a script cannot.
  const sudo = process.stdin.isTTY ? ['sudo'] : ['sudo', '-n'];
  return status(sudo[0], [...sudo.slice(1), 'true']) === 0 ? sudo : null;
}

/** npm's own record of what it installed tells whether node_modules is what package-lock.json asks for. */
function modulesAreCurrent() {
  try {
    const wanted = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;
    const installed = JSON.parse(readFileSync('node_modules/.package-lock.json', 'utf8')).packages;
    return Object.entries(wanted).every(([path, entry]) => {
      if (path === '') return true;
      // npm leaves out optional parts that do not fit this machine, or did not compile.
      if (!(path in installed)) return entry.optional === true;
      return installed[path].version === entry.version && installed[path].integrity === entry.integrity;
    });
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

function npmEnvironment() {
  const env = { ...process.env, JOBS: String(availableParallelism()) };
  // node-gyp would download Node's headers, although Node mostly comes with them.
  const prefix = dirname(dirname(process.execPath));
  const header = join(prefix, 'include/node/node_version.h');
  if (existsSync(header)) {
    const [major, minor, patch] = ['MAJOR', 'MINOR', 'PATCH'].map(
      part => readFileSync(header, 'utf8').match(new RegExp(`#define NODE_${part}_VERSION (\\d+)`))?.[1],
    );
    if (`${major}.${minor}.${patch}` === process.versions.node) env.npm_package_config_node_gyp_nodedir = prefix;
  }
  return env;
}

function installModules() {
  must('Installing node_modules', 'npm', ['ci', '--no-audit', '--no-fund'], { env: npmEnvironment() });
}

function ensureModules() {
  if (modulesAreCurrent()) return;
  say('Installing node_modules with npm ci; where it compiles node-gtk, this takes a minute or two');
  installModules();
}

/** Why node-gtk cannot be loaded, or null when it can. */
function nodeGtkProblem() {
  if (!existsSync('node_modules/node-gtk')) return 'it is not in node_modules';
  const probe = spawnSync(process.execPath, ['-e', "require('node-gtk')"], { encoding: 'utf8' });
  return probe.status === 0 ? null : probe.stderr.trim() || `loading it ended by ${probe.signal ?? probe.status}`;
}

/**
 * node-gtk is optional, so npm leaves it out without a word when it does not compile (on a machine that had no GTK
 * when `npm ci` ran); it also stops loading when Node changes.
 */
function ensureNodeGtk() {
  if (nodeGtkProblem() === null) return;
  say('Compiling node-gtk; this takes a minute or two');
  if (existsSync('node_modules/node-gtk')) {
    must('Compiling node-gtk', 'npm', ['rebuild', 'node-gtk'], { env: npmEnvironment() });
  } else {
    installModules();
  }
  const problem = nodeGtkProblem();
  if (problem === null) return;
  throw new Plain(`node-gtk, which draws the screen, does not load: ${problem}\n${nodeGtkAdvice()}`);
}

function nodeGtkAdvice() {
  const version = JSON.parse(readFileSync('package.json', 'utf8')).optionalDependencies['node-gtk'];
  // Outside this project it is not optional there, so that npm shows why it fails.
  return `To see why it does not compile: npm install --foreground-scripts --prefix "$(mktemp -d)" node-gtk@${version}`;
}

/** Bundles the product (and what is named: --tests, --bench). A program of its own: it needs node_modules. */
export function build(...wants) {
  must('The build', process.execPath, ['scripts/build.mjs', ...wants]);
}

/** Whether a window could be shown to somebody here. */
export function hasDisplay() {
  return Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}
