/** What the tests of trust share: a school with its key, and laptops that trust it alone. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { PublishResult } from '../../src/service/contract';
import { type Key, KeyRing } from '../core/ssh';
import { CommandFailed, Laptop } from '../lan/laptop';
import { tempFolder } from '../support/temp';

export const NAME = 'trust-os';
export const SCHOOL = 'Colegio Roble';

/** A folder, the keys of a school and of a stranger, and laptops that trust the school alone. */
export function school(t: TestContext) {
  const folder = tempFolder(t);
  const ring = new KeyRing();
  const laptops: Laptop[] = [];
  t.after(async () => {
    await Promise.all(laptops.map(laptop => laptop.stop()));
    ring.remove();
  });
  const key = ring.make('school');
  const trustFile = ring.write('allowed_signers', trustIn(key));
  const laptop = (nick: string, more: Record<string, string> = {}) => {
    const strict = { PASS_IT_ON_ALLOWED_SIGNERS: trustFile, PASS_IT_ON_ALLOW_UNSIGNED: '0', SSH_AUTH_SOCK: '' };
    const one = new Laptop(nick, [], join(folder, nick), { ...strict, ...more });
    laptops.push(one);
    return one;
  };
  /** A small tree; each version has a file of its own. */
  const tree = (version: string) => {
    const dir = join(folder, `tree-${version}`);
    mkdirSync(join(dir, 'etc'), { recursive: true });
    writeFileSync(join(dir, 'etc/os-release'), `VERSION=${version}\n`);
    writeFileSync(join(dir, 'same'), 'the same in all\n');
    return dir;
  };
  return { folder, ring, key, trustFile, laptop, tree };
}

export function trustIn(key: Key, options = ''): string {
  return `"${SCHOOL}" ${options} ${key.text}\n`;
}

export async function publish(
  laptop: Laptop,
  tree: string,
  version: string,
  ...more: string[]
): Promise<PublishResult> {
  const [result] = await laptop.run<PublishResult>('publish', tree, '--name', NAME, '--version', version, ...more);
  return result!;
}

/** Publishes it signed and puts it to use: a laptop as it comes from the school. */
export async function flash(
  laptop: Laptop,
  tree: string,
  version: string,
  key: Key,
  ...more: string[]
): Promise<string> {
  const { image } = await publish(laptop, tree, version, '--sign-with', key.file, ...more);
  await laptop.run('use', image.commit);
  return image.commit;
}

export async function serve(laptop: Laptop): Promise<string> {
  await laptop.serve('--interface', 'lo', '--port', '0');
  return `127.0.0.1:${(await laptop.status()).port}`;
}

export interface Failure {
  code: string;
  message: string;
  remedy: string;
}

export async function failure(running: Promise<unknown>): Promise<Failure> {
  const error = await running.then(
    () => assert.fail('it should have failed'),
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof CommandFailed, String(error));
  assert.equal(error.status, 1);
  return JSON.parse(error.stderr.trim().split('\n').at(-1)!) as Failure;
}
