// Brings locale/ up to the sources, by the real gettext: `node scripts/messages.mjs` writes the template from every text
// in the program and adds what is new to each translation; with --check it only says whether the template is stale.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LANGUAGES, TEMPLATE } from './locales.mjs';
import { main, must, Plain, say } from './run.mjs';

const FOLDERS = ['src/screen', 'src/sugar'];
/** What the service says, which the screen says in its own language. */
const SENTENCES = 'src/core/sentences.ts';
const HEADER = `# Every text of Pass It On that a person at the screen reads.
# Made by \`npm run messages\`: do not edit. Words in {braces} are replaced and must stay as they are.
msgid ""
msgstr ""
"Project-Id-Version: pass-it-on\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

`;

function sources() {
  const files = FOLDERS.flatMap(folder =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .map(entry => join(entry.parentPath ?? entry.path, entry.name))
      .filter(file => file.endsWith('.ts') && !file.endsWith('.d.ts')),
  );
  return [SENTENCES, ...files].sort();
}

/** The template as it should be. */
function template() {
  const folder = mkdtempSync(join(tmpdir(), 'pass-it-on-messages-'));
  try {
    const made = join(folder, 'made.pot');
    const keywords = ['', '_', 'says', 'ngettext:1,2'].map(keyword => `--keyword=${keyword}`);
    // Lines move all the time: a text's file is enough to find it.
    const form = ['--add-location=file', '--add-comments=TRANSLATORS', '--no-wrap', '--from-code=UTF-8'];
    must('xgettext', 'xgettext', ['--language=JavaScript', ...keywords, ...form, '-o', made, ...sources()], {
      // It warns of each text that is not ASCII; all of ours are UTF-8.
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    // Its own header has the time of day in it.
    const text = readFileSync(made, 'utf8');
    return HEADER + text.slice(text.indexOf('\n\n') + 2);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main(async () => {
  const made = template();
  const before = existsSync(TEMPLATE) ? readFileSync(TEMPLATE, 'utf8') : '';
  if (process.argv.includes('--check')) {
    if (made !== before) throw new Plain(`${TEMPLATE} is stale: run \`npm run messages\`, and translate what is new.`);
    return;
  }
  if (made !== before) writeFileSync(TEMPLATE, made);
  for (const language of LANGUAGES) {
    const file = `locale/${language}.po`;
    // A guess that looks right and is wrong does more harm than a gap: no fuzzy matching.
    const how = ['--quiet', '--update', '--backup=none', '--no-fuzzy-matching', '--no-wrap', '--previous'];
    must('msgmerge', 'msgmerge', [...how, file, TEMPLATE]);
    must('msgattrib', 'msgattrib', ['--no-obsolete', '--no-wrap', '-o', file, file]);
    must('msgfmt', 'msgfmt', ['--check-format', '--check-domain', '--statistics', '-o', '/dev/null', file]);
  }
  say(`${TEMPLATE} is up to date`);
});
