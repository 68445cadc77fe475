/** Every command, option, script and file that README and docs name is there, and every option there is has its help. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { COMMANDS } from '../../src/cli/commands';
import { COMMAND_HELP, HELP, helpOf } from '../../src/cli/help';
import { SERVE_OPTIONS } from '../../src/cli/serve';

const EVERYWHERE = ['store', 'json', 'help'];

function optionsOf(command: string): string[] {
  return Object.keys(command === 'serve' ? SERVE_OPTIONS : (COMMANDS[command]?.options ?? {}));
}

const PAGES = [
  'README.md',
  ...readdirSync('docs')
    .filter(name => name.endsWith('.md'))
    .map(name => join('docs', name)),
];
const pages = PAGES.map(page => ({ page, text: readFileSync(page, 'utf8') }));

test('help tells every command, and of each exactly the options that it takes', () => {
  assert.deepEqual(Object.keys(COMMAND_HELP).sort(), [...Object.keys(COMMANDS), 'serve'].sort());
  for (const command of Object.keys(COMMAND_HELP)) {
    assert.ok(HELP.includes(`pass-it-on ${command}`), command);
    const told = [...helpOf(command).matchAll(/^ {2}--([a-z-]+)/gm)].map(match => match[1]);
    assert.deepEqual(told.sort(), [...optionsOf(command), ...EVERYWHERE].sort(), command);
  }
});

test('help fits a terminal', () => {
  for (const text of [HELP, ...Object.keys(COMMAND_HELP).map(helpOf)]) {
    for (const line of text.split('\n')) assert.ok(line.length <= 110, line);
  }
});

test('commands that the pages show are commands, with options that they take', () => {
  let seen = 0;
  for (const { page, text } of pages) {
    for (const [, command = '', rest = ''] of text.matchAll(/(?:pass-it-on |`)([a-z-]+)([^`\n]*)/g)) {
      // Many other things stand between backticks.
      if (!Object.hasOwn(COMMAND_HELP, command)) continue;
      seen += 1;
      for (const [, option = ''] of rest.matchAll(/ \[?--([a-z-]+)/g)) {
        assert.ok([...optionsOf(command), ...EVERYWHERE].includes(option), `${page}: ${command} --${option}`);
      }
    }
  }
  assert.ok(seen > 40, `${seen} commands seen`);
});

test('files and scripts that the pages name are there', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  for (const { page, text } of pages) {
    for (const [, link = ''] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      assert.ok(existsSync(join(dirname(page), link)), `${page}: ${link}`);
    }
    for (const [, file = ''] of text.matchAll(/`((?:src|test|bench|scripts|activity|docs|icons|locale)\/[\w./-]*)`/g)) {
      // LANG.po stands for one of them.
      if (!/[A-Z]{4}/.test(basename(file))) assert.ok(existsSync(file), `${page}: ${file}`);
    }
    for (const [, script = ''] of text.matchAll(/npm run ([a-z]+)/g)) {
      assert.ok(Object.hasOwn(scripts, script), `${page}: npm run ${script}`);
    }
  }
});
