// npm test [-- AREA…]: sets the machine up, checks types and style, builds, and runs every test against the real parts.
// With areas (`core`, `lan/upgrade`) only their tests, and no checks of the whole.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { follow, main, must, Plain, say } from './run.mjs';
import { build, ensure } from './setup.mjs';

const TESTS = 'build/test';
const REPORT = 'build/test.tap';
// The slowest test of all ends within a minute or two: this only ends what would hang for ever.
const TEST_TIMEOUT_MS = 10 * 60_000;
const WHOLE_TIMEOUT_MS = 50 * 60_000;

/** Bundled test files whose path below test/ begins with one of the areas; all when none is given. */
function testFiles(areas) {
  return readdirSync(TESTS, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.test.js'))
    .map(entry => join(entry.parentPath ?? entry.path, entry.name))
    .filter(file => areas.length === 0 || areas.some(area => relative(TESTS, file).startsWith(area)))
    .sort();
}

main(async () => {
  const areas = process.argv.slice(2);
  ensure(['build', 'run', 'headless', 'bundle', 'test']);
  if (areas.length === 0) {
    say('Types');
    must('The type check', 'npm', ['run', '--silent', 'typecheck']);
    say('Style');
    must('The linter', 'npm', ['run', '--silent', 'lint', '--', ...(process.stdout.isTTY ? [] : ['--colors=off'])]);
  }
  say('Building');
  // Making the bundle builds the product, too.
  must('Making the bundle', process.execPath, ['scripts/bundle.mjs']);
  build('--only', '--tests');

  const files = testFiles(areas);
  if (files.length === 0) throw new Plain(`No tests are in ${areas.join(', ') || TESTS}.`);
  say(`Testing: ${files.length} files`);
  const result = await follow(
    process.execPath,
    [
      '--enable-source-maps',
      '--test',
      '--test-concurrency=2',
      `--test-timeout=${TEST_TIMEOUT_MS}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      '--test-reporter=tap',
      `--test-reporter-destination=${REPORT}`,
      ...files,
    ],
    // What this machine's own service has is nobody's business here.
    { timeout: WHOLE_TIMEOUT_MS, env: { ...process.env, PASS_IT_ON_SOCKET: '/nonexistent/service.sock' } },
  );
  // node's closing lines as every reader of test output knows them.
  const closing = readFileSync(REPORT, 'utf8').match(/^# (tests|suites|pass|fail|cancelled|skipped|todo) \d+$/gm);
  if (!closing) throw new Plain('The test runner ended without its closing lines.');
  console.log(closing.join('\n'));
  return result;
});
