import { comparePrereleases, compareVersions, parseVersion, type Version } from './version.ts';

/** How a range's operators are written; none is `=`. */
export type Operator = '' | '=' | '!=' | '>' | '<' | '>=' | '=>' | '<=' | '=<' | '~' | '~>' | '^';

/** One comparison of a range: an operator and a version that may leave out parts, or have `x`, `X` or `*` there. */
export interface Comparator {
  readonly operator: Operator;
  /** The version with zeros for what was left out. */
  readonly version: Version;
  /** The first part that was left out; null where none was. */
  readonly open: 'major' | 'minor' | 'patch' | null;
}

/**
 * Makes a comparator of what Masterminds' expression captured.
 *
 * @param text the version as written.
 * @param captured its captures: major, `.minor`, `.patch`, `-prerelease`.
 * @returns null where a part is neither a number nor a wildcard (`1|2`, `xx`) or is over 64 bits.
 */
export function makeComparator(
  operator: Operator,
  text: string,
  captured: readonly (string | undefined)[],
): Comparator | null {
  const [major = '', minor = '', patch = '', prerelease = ''] = captured;
  const open = isWildcard(major) ? 'major' : isWildcard(minor) ? 'minor' : isWildcard(patch) ? 'patch' : null;
  const written = {
    major: `0.0.0${prerelease}`,
    minor: `${major}.0.0${prerelease}`,
    patch: `${major}${minor}.0${prerelease}`,
    none: text,
  }[open ?? 'none'];
  const version = parseVersion(written);
  return version === null ? null : { operator, version, open };
}

/**
 * Does a version meet a comparator? Masterminds v3.5's functions, with their quirks: `~0.0.0` and `>*` take everything, `^*`
 * only 0.0.0. Whether pre-releases are wanted at all has been asked before.
 */
export function meets(comparator: Comparator, version: Version): boolean {
  const { operator, open } = comparator;
  const limit = comparator.version;
  const difference = compareVersions(version, limit);
  switch (operator) {
    case '':
    case '=':
      return open === null ? difference === 0 : meetsTilde(comparator, version, difference);
    case '~':
    case '~>':
      return meetsTilde(comparator, version, difference);
    case '^':
      return meetsCaret(comparator, version, difference);
    case '!=':
      return isOther(comparator, version, difference);
    case '<':
      return difference < 0;
    case '>=':
    case '=>':
      return difference >= 0;
    case '<=':
    case '=<':
      return open === null ? difference <= 0 : !isAbove(comparator, version);
    case '>':
      return open === null || open === 'major' ? difference > 0 : isAbove(comparator, version);
    default:
      return operator satisfies never;
  }
}

/** Is the version above all that a limit with open parts stands for? `>1` begins at 2.0.0. */
function isAbove({ version: limit, open }: Comparator, version: Version): boolean {
  if (version.major !== limit.major) return version.major > limit.major;
  return open !== 'minor' && version.minor > limit.minor;
}

function meetsTilde({ version: limit, open }: Comparator, version: Version, difference: number): boolean {
  if (difference < 0) return false;
  const isZero = limit.major === 0n && limit.minor === 0n && limit.patch === 0n;
  if (isZero && (open === null || open === 'major')) return true;
  return version.major === limit.major && (open === 'minor' || version.minor === limit.minor);
}

function meetsCaret({ version: limit, open }: Comparator, version: Version, difference: number): boolean {
  if (difference < 0 || version.major !== limit.major) return false;
  if (limit.major > 0n || open === 'minor') return true;
  if (version.minor !== limit.minor) return false;
  return limit.minor > 0n || open === 'patch' || version.patch === limit.patch;
}

function isOther({ version: limit, open }: Comparator, version: Version, difference: number): boolean {
  if (open === 'minor') return version.major !== limit.major;
  if (open === 'patch') {
    return (
      version.major !== limit.major ||
      version.minor !== limit.minor ||
      comparePrereleases(version.prerelease, limit.prerelease) !== 0
    );
  }
  return difference !== 0;
}

function isWildcard(part: string): boolean {
  return ['', 'x', 'X', '*'].includes(part.replace(/^\./, ''));
}
