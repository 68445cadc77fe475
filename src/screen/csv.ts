/** Tables for spreadsheets: comma-separated values (RFC 4180) and what a clipboard takes. */

/** A spreadsheet takes what begins so for a formula, and a stranger chooses the nick: https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA = /^[\s\uFEFF]*[=+\-@\t\r\n|%＝＋－＠]/u;

function harmless(field: string): string {
  return FORMULA.test(field) && !/^-?\d+(\.\d+)?$/.test(field) ? `'${field}` : field;
}

/** RFC 4180, section 2: CRLF after each record; fields with quotes, commas or line ends are quoted. */
export function csv(rows: readonly (readonly string[])[]): string {
  const quoted = (field: string) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);
  return rows.map(row => `${row.map(field => quoted(harmless(field))).join(',')}\r\n`).join('');
}

/** As spreadsheets paste it: tabs between, a line each. */
export function tabbed(rows: readonly (readonly string[])[]): string {
  return rows.map(row => `${row.map(field => harmless(field.replace(/[\t\r\n]+/g, ' '))).join('\t')}\n`).join('');
}
