/** The word among `known` that `typed` was probably meant to be: at most two letters off; null when none is. */
export function nearest(typed: string, known: readonly string[]): string | null {
  const most = Math.min(2, Math.floor(typed.length / 2));
  const rated = known.map(word => ({ word, off: lettersOff(typed, word) })).sort((a, b) => a.off - b.off);
  return rated[0] !== undefined && rated[0].off <= most ? rated[0].word : null;
}

/** Letters to add, drop, change, or exchange with the one beside it (optimal string alignment distance). */
function lettersOff(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let off = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        off = Math.min(off, rows[i - 2]![j - 2]! + 1);
      row.push(off);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
