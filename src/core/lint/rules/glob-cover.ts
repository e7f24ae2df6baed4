/**
 * What may still be compared: whoever writes a policy of a thousand long globs must not keep anybody waiting. Where it is used up
 * nothing is said any more to cover anything.
 */
export interface Effort {
  left: number;
}

/** A few milliseconds' worth. */
const ENOUGH = 2_000_000;

/** A new one, for one policy. */
export function createEffort(): Effort {
  return { left: ENOUGH };
}

/** What the names are, that globs match: with `/` in them, where `*` ends, or without any. */
export type GlobbedNames = 'paths' | 'words';

/**
 * Does each of some globs match only what others match, too? Each is compared with one at a time, so that a `false` is no proof of
 * the contrary.
 */
export function globsCover(
  broader: readonly string[],
  narrower: readonly string[],
  names: GlobbedNames,
  effort: Effort,
): boolean {
  return narrower.every((glob) => broader.some((other) => covers(other, glob, names, effort)));
}

/** A wildcard may stand for what a wildcard stands for, and for itself: what is matched that way is matched however it is filled. */
function covers(broader: string, narrower: string, names: GlobbedNames, effort: Effort): boolean {
  if (broader === narrower) return true;
  effort.left -= (broader.length + 1) * (narrower.length + 1);
  if (effort.left < 0) return false;
  const [outer, inner] = [tokens(broader, names), tokens(narrower, names)];
  // The row below: does what is left of the broader one match what is left of the narrower?
  let below = inner.map(() => false);
  below.push(true);
  for (const token of outer.toReversed()) {
    const row = below.map(() => false);
    for (let at = inner.length; at >= 0; at -= 1) {
      const other = inner[at];
      if (token === '*' || token === '**') {
        const isTaken = other !== undefined && (token === '**' || (other !== '**' && other !== '/'));
        row[at] = below[at] === true || (isTaken && row[at + 1] === true);
      } else row[at] = other === token && below[at + 1] === true;
    }
    below = row;
  }
  return below[0] === true;
}

function tokens(glob: string, names: GlobbedNames): readonly string[] {
  const found = glob.match(/\*\*|[^]/g) ?? [];
  return names === 'paths' ? found : found.map((token) => (token === '*' ? '**' : token));
}
