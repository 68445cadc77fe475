/** The table for volunteers, without GTK: rows, order, filter, spreadsheet and clipboard. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareVersions } from '../../src/core/versions';
import { csv, tabbed } from '../../src/screen/csv';
import {
  COLUMNS,
  copyText,
  detailLines,
  FIRST_QUERY,
  sortedBy,
  type TableQuery,
  tableCsv,
  tableRows,
} from '../../src/screen/table-model';
import { type Cost, UNKNOWN_COST } from '../../src/service/survey';
import { tempFolder } from '../support/temp';
import { ANA, BEN, CLASS, crowd, FATIMA, GABO, neighbour, TEACHER } from './states';

const COSTS: Record<string, Cost> = {
  [ANA.commit]: { signedBy: 'Colegio Roble', bytesToFetch: 23_000_000, refusal: null },
  [TEACHER.commit]: { signedBy: null, bytesToFetch: 5_000_000, refusal: 'unsigned' },
};
const costOf = ({ commit }: { commit: string }) => COSTS[commit] ?? UNKNOWN_COST;

function ids(query: Partial<TableQuery>, neighbours = CLASS): string[] {
  return tableRows(neighbours, costOf, { ...FIRST_QUERY, ...query }).map(({ id }) => id);
}

describe('rows', () => {
  it('newest first; equal ones by nick', () => {
    assert.deepEqual(ids({}), ['Teacher', 'Ana', 'Ben', 'Carla', 'Dina', 'Emil', 'Fatima', 'Gabo']);
  });

  it('go by versions as versions, not as text', () => {
    const some = ['9', '10', '407', '13.2.10', '13.2.9'].map(version => neighbour(`has ${version}`, version, 'other'));
    const sort = { column: 'version', descending: false } as const;
    assert.deepEqual(
      ids({ sort }, some),
      ['9', '10', '13.2.9', '13.2.10', '407'].map(version => `has ${version}`),
    );
  });

  it('what is not known stands last, whichever way round', () => {
    for (const column of ['signedBy', 'bytesToFetch'] as const) {
      for (const descending of [false, true]) {
        const unknown = column === 'signedBy' ? ['Teacher'] : [];
        const expected = ['Dina', 'Emil', 'Fatima', 'Gabo', ...unknown];
        assert.deepEqual(ids({ sort: { column, descending } }).slice(-expected.length), expected, column);
      }
    }
    assert.equal(ids({ sort: { column: 'bytesToFetch', descending: false } })[0], 'Teacher');
  });

  it('are all there in any order, and the order is total', () => {
    const query = fc.record({ column: fc.constantFrom(...COLUMNS), descending: fc.boolean() });
    fc.assert(
      fc.property(query, fc.shuffledSubarray(crowd(40)), (sort, some) => {
        const forth = ids({ sort }, some);
        assert.deepEqual([...forth].sort(), some.map(({ id }) => id).sort());
        assert.deepEqual(ids({ sort }, [...some].reverse()), forth);
      }),
    );
    const versions = tableRows(crowd(40), costOf, FIRST_QUERY).map(({ neighbour: { version } }) => version);
    for (const [i, version] of versions.entries()) {
      assert.ok(i === 0 || compareVersions(versions[i - 1] ?? '', version) >= 0);
    }
  });

  it('a header chosen again turns the order round', () => {
    const once = sortedBy(FIRST_QUERY, 'nick');
    assert.deepEqual(once.sort, { column: 'nick', descending: false });
    assert.deepEqual(sortedBy(once, 'nick').sort, { column: 'nick', descending: true });
    assert.deepEqual(sortedBy(once, 'bytesToFetch').sort, { column: 'bytesToFetch', descending: true });
  });

  it('are found by any word in any column, without accents and capitals', () => {
    assert.deepEqual(ids({ filter: 'ana' }), ['Ana']);
    assert.deepEqual(ids({ filter: '407 Be' }), ['Ben']);
    assert.deepEqual(ids({ filter: ANA.commit }), ['Ana', 'Ben', 'Carla']);
    assert.deepEqual(ids({ filter: 'roble' }), ['Ana', 'Ben', 'Carla']);
    assert.deepEqual(ids({ filter: 'older' }), ['Fatima', 'Gabo']);
    assert.deepEqual(ids({ filter: 'jose' }, [neighbour('José', '407', 'newer')]), ['José']);
    assert.deepEqual(ids({ filter: 'nobody' }), []);
    assert.equal(ids({ filter: '   ' }).length, CLASS.length);
  });

  it('say in words what a sign says', () => {
    const broken = neighbour('Quinn', '410', 'newer', { problem: 'It does not answer.' });
    const [row] = tableRows([broken], costOf, FIRST_QUERY);
    assert.ok(row);
    assert.equal(row.cells.nick, '⚠ Quinn');
    assert.ok(detailLines(row).includes('It does not answer.'));
  });

  it('tell who signed and what there is to fetch, once that is known', () => {
    const [teacher, ana] = tableRows([TEACHER, ANA, FATIMA], costOf, FIRST_QUERY);
    assert.deepEqual([ana?.cells.signedBy, ana?.cells.bytesToFetch], ['Colegio Roble', '23 MB']);
    assert.deepEqual([teacher?.cells.signedBy, teacher?.cells.bytesToFetch], ['Not signed', '5 MB']);
    assert.ok(teacher && detailLines(teacher).some(line => line.includes('does not take it')));
    const [, , fatima] = tableRows([TEACHER, ANA, FATIMA], costOf, FIRST_QUERY);
    assert.deepEqual([fatima?.cells.signedBy, fatima?.cells.bytesToFetch], ['', '']);
  });
});

describe('as a spreadsheet', () => {
  const READER =
    'import csv,json,sys; print(json.dumps(list(csv.reader(open(sys.argv[1],newline="",encoding="utf-8")))))';

  it('comes back the same from another reader, whatever the fields hold', t => {
    const file = join(tempFolder(t), 'table.csv');
    const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', 'é', 'م', ' ', '1', ';') });
    const table = fc.array(
      fc.array(
        field.map(text => `x${text}`),
        { minLength: 2, maxLength: 4 },
      ),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(table, rows => {
        writeFileSync(file, csv(rows));
        assert.deepEqual(JSON.parse(execFileSync('python3', ['-c', READER, file], { encoding: 'utf8' })), rows);
      }),
      { numRuns: 15 },
    );
  });

  it('has the names and values of neighbours --json, whole', () => {
    const rows = tableRows([ANA, BEN], costOf, FIRST_QUERY);
    const [head, ana, ben, end] = tableCsv(rows).split('\r\n');
    assert.equal(
      head,
      'nick,image,version,commit,relation,address,lastSeen,confirmed,problem,signedBy,bytesToFetch,refusal',
    );
    const same = `${ANA.commit},newer`;
    assert.equal(ana, `Ana,olpc-xo,407,${same},Ana:20707,${ANA.lastSeen},true,,Colegio Roble,23000000,`);
    assert.ok(ben?.startsWith('Ben,'));
    assert.equal(end, '');
  });

  it('a nick that would be a formula is text', () => {
    for (const nick of ['=1+2', '+1', '-1+1', '@SUM(A1)', '\t=1', ' =1', '|cmd', '＝1']) {
      const row = csv([[nick, 'x']]);
      assert.match(row, /^"?'/, JSON.stringify(nick));
      assert.ok(tabbed([[nick]]).startsWith("'"), JSON.stringify(nick));
    }
    for (const harmless of ['407', '-5', '[fe80::1%eth0]:20707', 'Ana', '10.0.0.1:20707']) {
      assert.equal(csv([[harmless]]), `${harmless}\r\n`);
    }
  });
});

describe('on the clipboard', () => {
  it('is the chosen laptop, or else everything with tabs between', () => {
    const rows = tableRows([ANA, GABO], costOf, FIRST_QUERY);
    const all = copyText(rows, null).slice(0, -1).split('\n');
    assert.equal(all.length, 3);
    assert.deepEqual(new Set(all.map(line => line.split('\t').length)), new Set([12]));
    const one = copyText(rows, rows[0] ?? null);
    assert.ok(one.includes(ANA.commit) && one.includes('Ana has olpc-xo 407') && !one.includes('Gabo'));
  });
});
