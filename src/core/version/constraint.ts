import { RE2JS } from 're2js';
import { type Comparator, makeComparator, meets, type Operator } from './comparator.ts';
import { parseVersion, type Version } from './version.ts';

/**
 * A range of versions as Masterminds/semver v3.5 `NewConstraint` reads it: alternatives divided by `||`, each of comparators
 * that must all hold, divided by spaces or commas. `semver`'s own ranges mean something else for one in three.
 */
export interface Constraint {
  /** What was read. */
  readonly text: string;
  readonly alternatives: readonly Alternative[];
}

interface Alternative {
  readonly comparators: readonly Comparator[];
  /** One comparator with a pre-release lets them in for the whole alternative, and for it alone. */
  readonly takesPrereleases: boolean;
}

export type ParsedConstraint =
  | { readonly ok: true; readonly constraint: Constraint }
  | { readonly ok: false; readonly problem: string };

/** Masterminds' own bounds. */
const LONGEST_CONSTRAINT = 512;
const MOST_ALTERNATIVES = 32;

// Masterminds' expressions, in its own engine's language: what they let through by accident is part of the contract, and a
// backtracking engine takes for ever over the third one.
const PARTIAL_VERSION =
  'v?([0-9|x|X|\\*]+)(\\.[0-9|x|X|\\*]+)?(\\.[0-9|x|X|\\*]+)?' +
  '(-([0-9A-Za-z\\-]+(\\.[0-9A-Za-z\\-]+)*))?(\\+([0-9A-Za-z\\-]+(\\.[0-9A-Za-z\\-]+)*))?';
const OPERATORS = '=||!=|>|<|>=|=>|<=|=<|~|~>|\\^';
const COMPARATOR = RE2JS.compile(`(${OPERATORS})\\s*(${PARTIAL_VERSION})`);
const HYPHEN_RANGE = RE2JS.compile(`\\s*(${PARTIAL_VERSION})\\s+-\\s+(${PARTIAL_VERSION})\\s*`);
const ALTERNATIVE = RE2JS.compile(
  `^(\\s*(${OPERATORS})\\s*(${PARTIAL_VERSION})\\s*)((?:\\s+|,\\s*)(${OPERATORS})\\s*(${PARTIAL_VERSION})\\s*)*$`,
);

/**
 * Reads a range: `>=1.2.0 <2`, `~1.2`, `^1`, `1.x || >=3.0.0-0`, `1.0 - 2.1`, `>=1.0.0, !=1.5.0`.
 *
 * @returns the range, or one sentence that says what is wrong with it. An empty text is `*`, which Masterminds refuses and
 * Argo CD Image Updater takes.
 */
export function parseConstraint(text: string): ParsedConstraint {
  const source = text.trim() === '' ? '*' : text;
  if (source.length > LONGEST_CONSTRAINT) return bad(`the range is longer than ${LONGEST_CONSTRAINT} characters`);
  const parts = withoutHyphens(source).split('||');
  if (parts.length > MOST_ALTERNATIVES) return bad(`the range has more than ${MOST_ALTERNATIVES} alternatives`);

  const alternatives: Alternative[] = [];
  for (const part of parts) {
    if (part.trim() === '') return bad('one side of || is empty');
    if (!ALTERNATIVE.test(part))
      return bad(`${JSON.stringify(part.trim())} is not a version range such as ">=1.2.0 <2"`);
    const comparators: Comparator[] = [];
    for (const [whole, operator = '', version = '', ...numbers] of COMPARATOR.matchAll(part)) {
      const comparator = makeComparator(operator as Operator, version, numbers);
      if (comparator === null) return bad(`${JSON.stringify(whole)} has no version that can be compared`);
      comparators.push(comparator);
    }
    alternatives.push({
      comparators,
      takesPrereleases: comparators.some(({ version }) => version.prerelease.length > 0),
    });
  }
  return { ok: true, constraint: { text, alternatives } };
}

/** Is the version in the range? Pre-releases are only where the alternative itself names one: `>=1.0.0-0`. */
export function satisfies(constraint: Constraint, version: Version): boolean {
  return constraint.alternatives.some(
    ({ comparators, takesPrereleases }) =>
      (takesPrereleases || version.prerelease.length === 0) &&
      comparators.every((comparator) => meets(comparator, version)),
  );
}

/** Is the version a pre-release that the range would take if it took any? */
export function coversPrereleases(constraint: Constraint, version: Version): boolean {
  return (
    version.prerelease.length > 0 &&
    constraint.alternatives.some(({ comparators }) => comparators.every((comparator) => meets(comparator, version)))
  );
}

/** Is the text of a tag a version in the range? What is no version is in no range. */
export function textSatisfies(constraint: Constraint, text: string): boolean {
  const version = parseVersion(text);
  return version !== null && satisfies(constraint, version);
}

/** `1.0 - 2.1` is `>= 1.0, <= 2.1`; the second keeps its missing parts, so 2.1.9 is in. */
function withoutHyphens(text: string): string {
  let result = text;
  for (const match of HYPHEN_RANGE.matchAll(text)) {
    result = result.replace(match[0], () => `>= ${match[1]}, <= ${match[11]} `);
  }
  return result;
}

function bad(problem: string): ParsedConstraint {
  return { ok: false, problem };
}
