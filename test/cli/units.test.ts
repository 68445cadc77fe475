/** The units for systemd give what the service needs: it works with exactly those rights. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { VerifyReport } from '../../src/service/contract';
import { Laptop } from '../lan/laptop';
import { isRoot, nastyTree, rsyncDifferences } from '../store/support';
import { tempFolder } from '../support/temp';

/** What systemd makes of the unit's lines, as far as setpriv(1) can: an ordinary user has no capabilities to lose. */
function rightsOf(unit: string): string[] {
  const text = readFileSync(unit, 'utf8');
  assert.match(text, /^NoNewPrivileges=yes$/m);
  const rights = ['setpriv', '--no-new-privs'];
  const kept = /^CapabilityBoundingSet=(.*)$/m.exec(text)?.[1]?.split(' ');
  if (!isRoot || kept === undefined) return rights;
  const names = kept.map(name => name.replace('CAP_', '').toLowerCase());
  return [...rights, '--inh-caps=-all', `--bounding-set=-all,${names.map(name => `+${name}`).join(',')}`];
}

for (const kind of ['system', 'user']) {
  test(`the ${kind} unit's rights are enough for everything that an image can hold`, async t => {
    const folder = tempFolder(t);
    const tree = nastyTree(join(folder, 'tree')).dir;
    // These alone need a right that is as good as all of them: the page on operations says so.
    if (isRoot) {
      execFileSync('setfattr', ['-h', '-x', 'trusted.symlink', join(tree, 'links/bytes')]);
      execFileSync('setfattr', ['-h', '-x', 'trusted.fifo', join(tree, 'fifo2')]);
    }
    const giver = new Laptop('giver', [], join(folder, 'giver'));
    await giver.run('publish', tree, '--name', 'unit-os', '--version', '1');
    const out = join(folder, 'export');
    await giver.run('export', out);

    const laptop = new Laptop(
      'laptop',
      rightsOf(`activity/systemd/${kind}/pass-it-on.service`),
      join(folder, 'laptop'),
    );
    await laptop.upgrade('1', '--from', out);
    await laptop.activate();
    const [report] = await laptop.run<VerifyReport>('verify');
    assert.deepEqual([report?.problems, report?.notKept], [[], []]);
    assert.deepEqual(rsyncDifferences(tree, laptop.currentTree), []);
    await laptop.run('publish', tree, '--name', 'unit-os', '--version', '2');
  });
}
