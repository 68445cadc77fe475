/**
 * One piece of work on a store, which may crash at any step (see crash-here.ts); at its end it says how many there were.
 *   publish STORE TREE VERSION
 *   fetch STORE FROM VERSION      objects, blobs and meanwhile what is here of the tree, check, stage, setStaged, activate
 *   remove STORE VERSION
 *   discard STORE FROM VERSION    fetches, then forgets
 *   clean STORE
 *   repair STORE VERSION
 */

import { type Quarantine, Store } from '../../src/store/store';
import { StoreView } from '../../src/store/view';
import { fetchInto, TIME } from '../store/support';
import { changesSoFar } from './crash-here';

async function main([command = '', dir = '', ...args]: string[]): Promise<void> {
  const store = await Store.open(dir);
  const [first = '', version = ''] = args;
  if (command === 'publish') await store.publish(first, { name: 'x', version, time: TIME });
  else if (command === 'remove') await store.remove(store.resolve(first).commit);
  else if (command === 'clean') await store.clean(() => new Set());
  else if (command === 'repair') await store.repair(store.resolve(first).commit);
  else {
    const from = await StoreView.open(first);
    const { commit } = from.resolve(version);
    const begin = (half: Quarantine) => store.beginStage(commit, half);
    const quarantine = await fetchInto(from, store, commit, begin, () => store.continueStage(commit));
    if (command === 'discard') await quarantine.discard();
    else {
      await store.checkImage(commit, quarantine);
      await store.stage(commit, quarantine);
      await store.setStaged(commit);
      await store.activate();
    }
  }
  await store.close();
  process.stdout.write(String(changesSoFar()));
}

main(process.argv.slice(2)).catch(error => {
  console.error(error);
  process.exitCode = 1;
});
