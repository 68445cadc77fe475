// Bundles what runs (dist/) and, with --tests or --bench, what tests and measures it (build/).
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildLocales } from './locales.mjs';

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  // node-gtk only runs from CommonJS with GTK's loop started at the top level; one format for all keeps this simple.
  format: 'cjs',
  // Never --minify: node-gtk derives GType names from class names.
  keepNames: true,
  sourcemap: 'linked',
  external: ['node-gtk', 'x11', 'usocket', 'esbuild'],
  // Icons are part of the program: artists change the files, the build takes them in.
  loader: { '.svg': 'text' },
  logLevel: 'warning',
};

/** What runs keeps its text in memory as long as it runs: without comments. In lines, because an error shows the one where it happened. */
const product = {
  ...common,
  minifyWhitespace: true,
  lineLimit: 160,
  // Of a file of ours that is read later: by require, for node's own import() first parses all of it for what it exports.
  supported: { 'dynamic-import': false },
};

/** What most commands do without stays in a file of its own, which is read when it is asked for. */
const apart = {
  name: 'apart',
  setup({ onResolve }) {
    onResolve({ filter: /\/own-service$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './own-service.js', external: true } : undefined,
    );
  },
};

/** All files below `dir` whose name ends so. */
function filesBelow(dir, ending) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith(ending))
    .map(entry => join(entry.parentPath ?? entry.path, entry.name));
}

/** V8 keeps a text with two bytes for each character if only one of them has no place in Latin-1: here one of a library's. */
function inLatin1(file) {
  const text = readFileSync(file, 'utf8');
  // What is not in comments is in strings and regular expressions.
  const latin1 = text.replace(/[^\0-\xff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  writeFileSync(file, latin1);
}

export async function buildProduct() {
  // Beside its place, then renamed: a failed build leaves the last good one, and what runs finds whole files.
  const fresh = 'dist-new';
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  await build({
    ...product,
    entryPoints: { 'pass-it-on': 'src/cli/main.ts' },
    plugins: [apart],
    outdir: fresh,
    // mallopt(3): one heap of malloc for all threads, because one for each keeps 30 MB more that nobody uses; and large pieces go
    // back to the system when they are freed, because by default malloc learns from the first to keep the later ones: 10 MB. V8 sizes the space for what is
    // new when it starts: 5 to 10 MB.
    banner: {
      js: '#!/usr/bin/env -S MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=262144 node --max-semi-space-size=2',
    },
  });
  await build({
    ...product,
    entryPoints: {
      'own-service': 'src/cli/own-service.ts',
      screen: 'src/screen/main.ts',
      demo: 'src/demo/main.ts',
      'delta-worker': 'src/transfer/delta-worker.ts',
      'intake-worker': 'src/store/intake-worker.ts',
      'receive-worker': 'src/transfer/receive-worker.ts',
    },
    outdir: fresh,
  });
  for (const file of filesBelow(fresh, '.js')) inLatin1(file);
  buildLocales(join(fresh, 'locale'));
  // An executable's name has no ending.
  renameSync(join(fresh, 'pass-it-on.js'), join(fresh, 'pass-it-on'));
  chmodSync(join(fresh, 'pass-it-on'), 0o755);
  rmSync('dist', { recursive: true, force: true });
  renameSync(fresh, 'dist');
}

export async function buildTests() {
  rmSync('build/test', { recursive: true, force: true });
  const entries = [...filesBelow('test', '.test.ts'), ...filesBelow('test', '.tool.ts')];
  await build({ ...common, entryPoints: entries, outdir: 'build/test', outbase: 'test' });
}

export async function buildBench() {
  rmSync('build/bench', { recursive: true, force: true });
  await build({ ...common, entryPoints: filesBelow('bench', '.bench.ts'), outdir: 'build/bench', outbase: 'bench' });
}

if (process.argv[1]?.endsWith('build.mjs')) {
  const wants = new Set(process.argv.slice(2));
  if (!wants.has('--only')) await buildProduct();
  if (wants.has('--tests')) await buildTests();
  if (wants.has('--bench')) await buildBench();
}
