// npm run bench [-- NAME…]: measures on real images. Without a name: every bench there is.
import { readdirSync } from 'node:fs';
import { follow, main, Plain, say } from './run.mjs';
import { build, ensure } from './setup.mjs';

main(async () => {
  ensure(['bench']);
  build('--bench');
  const all = readdirSync('build/bench').flatMap(file => file.match(/^(.+)\.bench\.js$/)?.[1] ?? []);
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter(name => !all.includes(name));
  if (unknown.length > 0) throw new Plain(`No bench is called ${unknown.join(', ')}. There are: ${all.join(', ')}`);
  for (const name of wanted.length > 0 ? wanted : all) {
    say(`bench ${name}`);
    const result = await follow(process.execPath, ['--enable-source-maps', `build/bench/${name}.bench.js`]);
    if (result !== 0) return result;
  }
});
