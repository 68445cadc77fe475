/** What an ordinary user does with a store, in the folder given; results as JSON on stdout. */
import './become-nobody';
import { join } from 'node:path';
import { Store } from '../../src/store/store';
import { craft } from './craft';
import { nastyTree, rsyncDifferences, TIME, TreeBuilder } from './support';

async function main(dir: string): Promise<void> {
  const store = await Store.open(join(dir, 'store'));
  const tree = nastyTree(join(dir, 'tree'));
  const { image } = await store.publish(tree.dir, { name: 'nasty', version: '1', time: TIME, ownerRoot: true });
  const own = { rsync: rsyncDifferences(tree.dir, image.dir), report: await store.verify(image.commit) };

  const { commit, quarantine } = await craft(store, {
    below: {
      dev: {
        below: { null: { content: '', attributes: { type: 'char', device: { major: 1, minor: 3 }, mode: 0o666 } } },
      },
      etc: { below: { gshadow: { content: 'secret', attributes: { mode: 0, gid: 42 } }, passwd: { content: 'root' } } },
      locked: { below: { inside: { content: 'x' } }, attributes: { mode: 0o111 } },
    },
  });
  await store.checkImage(commit, quarantine);
  await store.stage(commit, quarantine);
  const fetched = await store.verify(commit);

  const secret = new TreeBuilder(join(dir, 'secret')).file('secret', 'x', 0);
  const unreadable = await store.publish(secret.dir, { name: 'x', version: '1' }).catch(error => error);
  await store.remove(commit);
  await store.close();
  process.stdout.write(JSON.stringify({ uid: process.geteuid?.(), own, fetched, unreadable }));
}

main(process.argv[2] ?? '').catch(error => {
  console.error(error);
  process.exitCode = 1;
});
