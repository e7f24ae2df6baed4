import { type Constraint, satisfies } from '../../version/constraint.ts';
import { parseVersion, type Version } from '../../version/version.ts';

/**
 * Is no version in a range, as in `>2 <1`? Where any is, one of those that stand next to a limit is: the limit itself, what comes
 * right after it as a pre-release, and the next patch, minor and major.
 */
export function isEmptyRange(constraint: Constraint): boolean {
  const limits = constraint.alternatives.flatMap(({ comparators }) => comparators.map(({ version }) => version));
  return !['0.0.0', '0.0.0-0', ...limits.flatMap(neighbours)].some((text) => {
    const version = parseVersion(text);
    return version !== null && satisfies(constraint, version);
  });
}

function neighbours({ major, minor, patch, prerelease }: Version): readonly string[] {
  const releases = [
    `${major}.${minor}.${patch}`,
    `${major}.${minor}.${patch + 1n}`,
    `${major}.${minor + 1n}.0`,
    `${major + 1n}.0.0`,
  ];
  const own = prerelease.length === 0 ? [] : [`${releases[0]}-${prerelease.join('.')}`];
  return [...releases, ...releases.map((text) => `${text}-0`), ...own, ...own.map((text) => `${text}.0`)];
}
