/**
 * The word that a misspelt one was meant to be: at most two letters off, a third of a short one, or its beginning. Null where
 * none is near.
 */
export function nearestWord(text: string, words: readonly string[]): string | null {
  const beginning =
    text.length < 3 ? undefined : words.find((word) => word.toLowerCase().startsWith(text.toLowerCase()));
  let best = beginning ?? null;
  let least = beginning === undefined ? Math.min(2, Math.ceil(text.length / 3)) + 1 : 2;
  for (const word of words) {
    if (Math.abs(word.length - text.length) >= least) continue;
    const distance = editDistance(text.toLowerCase(), word.toLowerCase());
    if (distance < least) {
      best = word;
      least = distance;
    }
  }
  return best;
}

/** Letters to insert, remove, replace or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let cost = Math.min((above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (above[column - 1] ?? 0) + same);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (before[column - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
    before = above;
    above = current;
  }
  return above[b.length] ?? 0;
}
