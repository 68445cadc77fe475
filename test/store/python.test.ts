/** Python itself says whether it finds its compiled files fresh in a staged tree. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fetchInto, folder, isRoot, openStore, run, TIME } from './support';

// Debian's own; another one may come first on PATH.
const PYTHON = '/usr/bin/python3';
const IMPORTS = 'import json, email.message, http.client, xml.dom.minidom, logging, unittest, own.module';
/** Not a part of what is imported, and large. */
const LEFT_OUT = /\/(test|tests|__pycache__|config-[^/]*|ensurepip|idlelib|lib2to3|pydoc_data|dist-packages)$/;

/** A root tree with Python in it, compiled as Debian's postinst does it. Returns where its library is, in the tree. */
function pythonRoot(root: string): string {
  const program = run('readlink', ['-f', PYTHON]).trim();
  const library = dirname(run(PYTHON, ['-I', '-c', 'import os; print(os.__file__)']).trim());
  const take = (path: string): void => {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    cpSync(path, join(root, path), { dereference: true, preserveTimestamps: true });
  };
  for (const [path] of run('ldd', [program]).matchAll(/\/\S+/g)) take(path);
  take(program);
  cpSync(library, join(root, library), {
    recursive: true,
    preserveTimestamps: true,
    filter: path => !LEFT_OUT.test(path),
  });
  const own = join(root, library, 'own');
  mkdirSync(own);
  run('sh', [
    '-c',
    `echo 'x = 1' > '${own}/module.py'; : > '${own}/__init__.py'; touch -d 2019-03-04T05:06:07Z '${own}'/*`,
  ]);
  run(PYTHON, ['-I', '-m', 'compileall', '-q', '-s', root, join(root, library)]);
  return library;
}

/** What Python says of every module that it imports from there. */
function importIn(root: string, library: string): { fresh: number; stale: string[] } {
  const program = run('readlink', ['-f', PYTHON]).trim();
  const words = ['-v', '-s', '-S', '-c', IMPORTS];
  const result = isRoot
    ? spawnSync('/usr/sbin/chroot', [root, program, ...words], { encoding: 'utf8', env: {} })
    : spawnSync(program, words, { encoding: 'utf8', env: { PYTHONHOME: join(root, dirname(dirname(library))) } });
  assert.equal(result.status, 0, result.stderr.slice(-2000));
  const lines = result.stderr.split('\n');
  return {
    fresh: lines.filter(line => /^# \S+\.pyc matches \S+\.py$/.test(line)).length,
    stale: lines.filter(line => /^# wrote |^# code object from '[^']+\.py'|bytecode is stale/.test(line)),
  };
}

function everything(root: string): string {
  return run('find', [root, '-printf', '%P %y %T@ %i %s\\n']).split('\n').sort().join('\n');
}

test('Python in a staged tree finds every compiled file fresh, and writes none', async t => {
  const dir = folder(t);
  const root = join(dir, 'root');
  const library = pythonRoot(root);
  const from = await openStore(t, join(dir, 'from'));
  const to = await openStore(t, join(dir, 'to'));
  const { image } = await from.publish(root, { name: 'python', version: '1', time: TIME, ownerRoot: !isRoot });
  const quarantine = await fetchInto(from, to, image.commit);
  await to.checkImage(image.commit, quarantine);
  const staged = (await to.stage(image.commit, quarantine)).dir;

  const before = everything(staged);
  const { fresh, stale } = importIn(staged, library);
  assert.deepEqual(stale, []);
  assert.ok(fresh > 50, `${fresh} modules were imported from compiled files`);
  assert.equal(everything(staged), before);

  // The judge is awake: with another time, the same import compiles again.
  const copy = join(dir, 'copy');
  run('cp', ['-a', staged, copy]);
  run('touch', ['-d', '2001-01-01', join(copy, library, 'json/decoder.py')]);
  assert.notDeepEqual(importIn(copy, library).stale, []);
});
