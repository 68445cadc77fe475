/** The bundle as Sugar's own parser sees it: accepted without a word of warning, with a name in each language. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { it } from 'node:test';

const READ = `
import json, logging, sys
class Told(logging.Handler):
    def emit(self, record):
        print('WARNING ' + record.getMessage(), file=sys.stderr)
logging.getLogger().addHandler(Told())
from sugar3.bundle.activitybundle import ActivityBundle
b = ActivityBundle(sys.argv[1])
print(json.dumps(dict(name=b.get_name(), id=b.get_bundle_id(), version=b.get_activity_version(), summary=b.get_summary(),
    single=b.get_single_instance(), mime=b.get_mime_types(), tags=b.get_tags(), command=b.bundle_exec)))
`;

interface Seen {
  name: string;
  id: string;
  version: string;
  summary: string;
  single: boolean;
  mime: string[];
  tags: string[];
  command: string;
}

function read(language: string): Seen {
  const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', READ, resolve('PassItOn-1.xo')], {
    env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', LANG: `${language}.UTF-8` },
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  return JSON.parse(stdout) as Seen;
}

it("is accepted by Sugar's own parser without a warning", () => {
  const bundle = read('C');
  assert.equal(bundle.name, 'Pass It On');
  assert.equal(bundle.id, 'org.laptop.PassItOn');
  assert.equal(bundle.version, '1');
  assert.equal(bundle.single, true);
  assert.deepEqual(bundle.mime, ['application/x-pass-it-on']);
  assert.equal(bundle.command, 'pass-it-on-screen');
});

it('has its name and summary in each language', () => {
  const languages = readdirSync('activity/linfo').map(file => basename(file, '.linfo'));
  assert.deepEqual(languages.sort(), ['ar', 'en', 'es', 'fr', 'pt']);
  const english = read('en');
  for (const language of languages) {
    const { name, summary } = read(language);
    const told = readFileSync(`activity/linfo/${language}.linfo`, 'utf8');
    assert.equal(told, `[Activity]\nname = ${name}\nsummary = ${summary}\n`);
    if (language !== 'en') assert.notEqual(summary, english.summary);
  }
});
