// Reads translations (.po) and writes compiled catalogues (.mo), so that the build needs no gettext. The tests hold it
// against the real msgfmt. https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html and MO-Files.html

/**
 * @typedef {{ context: string | null, id: string, plural: string | null, texts: string[], fuzzy: boolean }} Entry
 */

/**
 * The entries of a PO file in its order, the header (id '') among them; obsolete ones are left out.
 * @param {string} text
 * @returns {Entry[]}
 */
export function parsePo(text) {
  const entries = [];
  let entry = null;
  let fuzzy = false;
  /** Where a string that goes on in the next line belongs. */
  let append = null;
  for (const [at, line] of text.split('\n').entries()) {
    const wrong = why => new Error(`line ${at + 1}: ${why}: ${line}`);
    if (line.startsWith('#,') && line.includes('fuzzy')) fuzzy = true;
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, keyword, index, quoted] = /^(?:(msg\w+)(?:\[(\d+)\])?\s+)?"(.*)"$/.exec(line.trim()) ?? [];
    if (quoted === undefined) throw wrong('not understood');
    const value = unquote(quoted);
    if (keyword === undefined) {
      if (!append) throw wrong('a string of nothing');
      append(value);
      continue;
    }
    if (keyword === 'msgctxt' || (keyword === 'msgid' && (!entry || entry.texts.length > 0 || entry.id !== null))) {
      entry = { context: null, id: null, plural: null, texts: [], fuzzy };
      entries.push(entry);
      fuzzy = false;
    }
    if (!entry) throw wrong('no msgid before it');
    const current = entry;
    const set = {
      msgctxt: () => grow('context'),
      msgid: () => grow('id'),
      msgid_plural: () => grow('plural'),
      msgstr: () => {
        const form = Number(index ?? 0);
        current.texts[form] = '';
        return more => {
          current.texts[form] += more;
        };
      },
    }[keyword];
    if (!set) throw wrong('unknown keyword');
    append = set();
    append(value);

    function grow(field) {
      current[field] = '';
      return more => {
        current[field] += more;
      };
    }
  }
  return entries;
}

const ESCAPES = { n: '\n', t: '\t', r: '\r', '"': '"', '\\': '\\' };

function unquote(quoted) {
  return quoted.replace(/\\(.)/g, (whole, c) => ESCAPES[c] ?? whole);
}

/**
 * The compiled catalogue of whatever is translated; fuzzy entries are left out, as msgfmt does.
 * @param {Entry[]} entries
 * @returns {Buffer}
 */
export function encodeMo(entries) {
  const pairs = entries
    .filter(({ id, texts, fuzzy }) => texts.length > 0 && texts.every(text => text !== '') && (!fuzzy || id === ''))
    .map(({ context, id, plural, texts }) => {
      const key = (context === null ? '' : `${context}\u0004`) + id + (plural === null ? '' : `\0${plural}`);
      return [Buffer.from(key), Buffer.from(texts.join('\0'))];
    })
    .sort(([a], [b]) => Buffer.compare(a, b));
  const tables = [28, 28 + 8 * pairs.length];
  let offset = 28 + 16 * pairs.length;
  const head = Buffer.alloc(offset);
  [0x950412de, 0, pairs.length, ...tables, 0, offset].forEach((word, i) => {
    head.writeUInt32LE(word, 4 * i);
  });
  const strings = [];
  for (const side of [0, 1]) {
    pairs.forEach((pair, i) => {
      head.writeUInt32LE(pair[side].length, tables[side] + 8 * i);
      head.writeUInt32LE(offset, tables[side] + 8 * i + 4);
      strings.push(pair[side], Buffer.alloc(1));
      offset += pair[side].length + 1;
    });
  }
  return Buffer.concat([head, ...strings]);
}
