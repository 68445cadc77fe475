// npm run bench [-- NAME [ARGUMENT…]]: measures on real images. Without a name: every bench there is.
import { readdirSync } from 'node:fs';
import { follow, main, Plain, say } from './run.mjs';
import { build, ensure } from './setup.mjs';

main(async () => {
  ensure(['bench']);
  build('--bench');
  const all = readdirSync('build/bench').flatMap(file => file.match(/^(.+)\.bench\.js$/)?.[1] ?? []);
  const [wanted, ...given] = process.argv.slice(2);
  if (wanted && !all.includes(wanted)) throw new Plain(`No bench is called ${wanted}. There are: ${all.join(', ')}`);
  for (const name of wanted ? [wanted] : all) {
    say(`bench ${name}`);
    const program = ['--enable-source-maps', `build/bench/${name}.bench.js`];
    const result = await follow(process.execPath, [...program, ...given]);
    if (result !== 0) return result;
  }
});
