import type { Path } from './document.ts';

/** The places where two values differ, in order; null where there are too many values to compare. */
export type Differences = readonly Path[] | null;

/**
 * Compares two values as JSON has them, aliases written out.
 *
 * @param mostValues ends the comparison: a few aliases can stand for more values than there is time for.
 */
export function findDifferences(before: unknown, after: unknown, mostValues: number): Differences {
  const found: Path[] = [];
  let values = 0;

  function compare(left: unknown, right: unknown, path: Path): void {
    values += 1;
    if (values > mostValues) return;
    if (Array.isArray(left) && Array.isArray(right) && left.length === right.length) {
      for (const [index, item] of left.entries()) compare(item, right[index], [...path, index]);
    } else if (isObject(left) && isObject(right) && sameKeys(left, right)) {
      for (const [key, value] of Object.entries(left)) compare(value, right[key], [...path, key]);
    } else if (!Object.is(left, right)) {
      found.push(path);
    }
  }

  compare(before, after, []);
  return values > mostValues ? null : found;
}

function sameKeys(left: object, right: object): boolean {
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => Object.hasOwn(right, key));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
