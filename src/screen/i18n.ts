/**
 * Every text a person sees passes here, in xgettext's own words, so that the catalogue can be made from the sources.
 * As yet the answer is the English text itself.
 */

/** The text in the language of this laptop. */
export function _(text: string): string {
  return text;
}

/** The form that goes with `n` things. */
export function ngettext(one: string, many: string, n: number): string {
  return n === 1 ? one : many;
}

/** Replaces `{name}` by the value of that name; translators may move the places about. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}
