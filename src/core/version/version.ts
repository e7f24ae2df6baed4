import semver from 'semver';

/**
 * A version as Masterminds/semver v3 `NewVersion` reads it, which is what Argo CD Image Updater, Flux and Helm do: a `v` in
 * front, one to three numbers, zeros in front of them, numbers up to 2^64 - 1. `semver` reads none of these.
 */
export interface Version {
  /** What was read. */
  readonly text: string;
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  /** The identifiers of the pre-release; none for a release. */
  readonly prerelease: readonly string[];
}

const IDENTIFIERS = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const VERSION = new RegExp(
  `^v?(?<major>[0-9]+)(?:\\.(?<minor>[0-9]+))?(?:\\.(?<patch>[0-9]+))?(?:-(?<prerelease>${IDENTIFIERS}))?(?:\\+${IDENTIFIERS})?$`,
);
const LONGEST_VERSION = 256;
const LARGEST_NUMBER = 2n ** 64n - 1n;
const NUMERIC = /^[0-9]+$/;

/**
 * Reads a version.
 *
 * @returns the version, or null where Masterminds refuses the text: other letters in front, four parts, an empty identifier,
 * a numeric pre-release identifier with a zero in front, a number over 64 bits, over 256 characters.
 */
export function parseVersion(text: string): Version | null {
  const groups = text.length > LONGEST_VERSION ? undefined : VERSION.exec(text)?.groups;
  if (groups === undefined) return null;
  const major = BigInt(groups['major'] ?? 0);
  const minor = BigInt(groups['minor'] ?? 0);
  const patch = BigInt(groups['patch'] ?? 0);
  if (major > LARGEST_NUMBER || minor > LARGEST_NUMBER || patch > LARGEST_NUMBER) return null;
  const prerelease = groups['prerelease']?.split('.') ?? [];
  if (prerelease.some((identifier) => /^0[0-9]+$/.test(identifier))) return null;
  return { text, major, minor, patch, prerelease };
}

/**
 * The precedence of semver.org, section 11: negative where `a` comes before `b`. Build metadata and the spelling count for
 * nothing, so `v1.0.0` and `1.0.0+a` are equal; who needs a total order compares the texts then.
 */
export function compareVersions(a: Version, b: Version): number {
  return (
    order(a.major, b.major) ||
    order(a.minor, b.minor) ||
    order(a.patch, b.patch) ||
    comparePrereleases(a.prerelease, b.prerelease)
  );
}

/** The precedence of two pre-releases; none at all, a release, comes after every one. */
export function comparePrereleases(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return order(b.length, a.length);
  for (const [index, identifier] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const difference = compareIdentifiers(identifier, other);
    if (difference !== 0) return difference;
  }
  return order(a.length, b.length);
}

/** `semver` has this right for all that a double holds; Masterminds takes numbers of 64 bits, and longer ones as text. */
function compareIdentifiers(a: string, b: string): number {
  const isExact = [a, b].every((identifier) => !NUMERIC.test(identifier) || identifier.length <= 15);
  if (isExact) return semver.compareIdentifiers(a, b);
  const left = asNumber(a);
  const right = asNumber(b);
  if (left !== null && right !== null) return order(left, right);
  if (left !== null) return -1;
  return right === null ? order(a, b) : 1;
}

function asNumber(identifier: string): bigint | null {
  if (!NUMERIC.test(identifier)) return null;
  const number = BigInt(identifier);
  return number > LARGEST_NUMBER ? null : number;
}

function order<T extends bigint | number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
