import { type Constraint, coversPrereleases, parseConstraint, satisfies } from './constraint.ts';
import { type Extract, parseExtract } from './extract.ts';
import { type Parsed, parseAllowTags, parseIgnoreTags, type TagFilter } from './filter.ts';
import { compareNumbers, type ExactNumber, parseNumber } from './number.ts';
import { compareVersions, parseVersion, type Version } from './version.ts';

/** How one of many tags is chosen (Argo CD Image Updater's strategies, and Flux's `numerical`). */
export const STRATEGIES = ['semver', 'newest-build', 'alphabetical', 'numerical', 'digest'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** Names that Argo CD Image Updater had for two of them, and still reads. */
const FORMER_NAMES: ReadonlyMap<string, Strategy> = new Map([
  ['latest', 'newest-build'],
  ['name', 'alphabetical'],
]);

/** Why a tag is not chosen. Part of the command line's contract. */
export type RefusalReason =
  | 'NotAVersion'
  | 'OutOfRange'
  | 'Prerelease'
  | 'NotANumber'
  | 'NotAllowedByFilter'
  | 'IgnoredByFilter'
  | 'NoMatchingPlatform'
  | 'Generated'
  | 'NotTheTag';

/** What a rule was written as. */
export interface SelectionText {
  readonly strategy: string;
  /** A range for `semver`, the tag itself for `digest`; nothing to the others. */
  readonly constraint: string | null;
  readonly allowTags: string | null;
  readonly ignoreTags: string | null;
  readonly extract: string | null;
}

/** A rule that tags can be held against. */
export interface SelectionRule {
  /** As it was written: of two rules with equal texts and parts each chooses as the other. */
  readonly text: SelectionText;
  readonly strategy: Strategy;
  readonly constraint: string | null;
  readonly range: Constraint;
  readonly allow: TagFilter;
  readonly ignores: (tag: string) => boolean;
  readonly extract: Extract;
  /** Flux wants two dots in it, as three numbers have; Image Updater fills up with zeros. */
  readonly versionParts: 'any' | 'three';
}

/** A tag that may be chosen, and what it is compared by. */
export interface Candidate {
  readonly tag: string;
  readonly accepted: true;
  readonly key: string;
}

export interface Refusal {
  readonly tag: string;
  readonly accepted: false;
  readonly reason: RefusalReason;
}

/** Every tag: those that may be chosen, best first, then those that may not, in the order of their names. */
export interface Selection {
  readonly selected: string | null;
  readonly candidates: readonly (Candidate | Refusal)[];
}

/** What only images themselves tell, by tag. */
export interface ImageFacts {
  /** When each was built, in milliseconds since 1970; `newest-build` leaves out what has no time here. */
  readonly built: ReadonlyMap<string, number>;
  /** Tags of images that run on none of the wanted platforms. */
  readonly unfit: ReadonlySet<string>;
}

/** What cosign and the OCI fallback for referrers name after digests: `sha256-….sig`, `.att`, `.sbom`, or nothing behind it. */
const GENERATED = /^sha(?:256-[0-9a-f]{64}|512-[0-9a-f]{128})/;

/**
 * Reads a rule.
 *
 * @returns the rule, or a half sentence about what is wrong, with the name of the part that is.
 */
export function parseSelection(
  text: SelectionText,
  versionParts: SelectionRule['versionParts'] = 'any',
): Parsed<SelectionRule> {
  const strategy = FORMER_NAMES.get(text.strategy) ?? STRATEGIES.find((each) => each === text.strategy);
  if (strategy === undefined) {
    return bad('update-strategy', `${JSON.stringify(text.strategy)} is none of ${STRATEGIES.join(', ')}`);
  }
  if (strategy === 'digest' && !text.constraint) {
    return bad('constraint', 'the strategy digest follows one tag: name it');
  }
  const range = parseConstraint(strategy === 'semver' ? (text.constraint ?? '') : '');
  if (!range.ok) return bad('constraint', range.problem);
  const allow = parseAllowTags(text.allowTags ?? '');
  if (!allow.ok) return bad('allow-tags', allow.problem);
  const ignores = parseIgnoreTags(text.ignoreTags ?? '');
  if (!ignores.ok) return bad('ignore-tags', ignores.problem);
  const extract: Parsed<Extract> =
    text.extract === null ? { ok: true, value: (tag) => tag } : parseExtract(text.extract, allow.value.pattern);
  if (!extract.ok) return bad('extract', extract.problem);
  return {
    ok: true,
    value: {
      text,
      strategy,
      constraint: text.constraint,
      range: range.constraint,
      allow: allow.value,
      ignores: ignores.value,
      extract: extract.value,
      versionParts,
    },
  };
}

/**
 * Holds tags against a rule. The order is total: of tags with equal keys (`v1.0.0`, `1.0.0`) the byte-wise greater goes first.
 * Tags that nothing is known about yet (`needsFacts`) are in neither list.
 */
export function selectTag(tags: readonly string[], rule: SelectionRule, facts: ImageFacts = NO_FACTS): Selection {
  switch (rule.strategy) {
    case 'semver':
      return rank(tags, rule, facts, (key) => readVersion(key, rule), compareVersions);
    case 'numerical':
      return rank<ExactNumber>(tags, rule, facts, (key) => parseNumber(key) ?? 'NotANumber', compareNumbers);
    case 'alphabetical':
      return rank<{ key: string }>(
        tags,
        rule,
        facts,
        (key) => ({ key }),
        (a, b) => compareTexts(a.key, b.key),
      );
    case 'newest-build':
      return rank<{ at: number }>(
        tags,
        rule,
        facts,
        (_key, tag) => builtAt(tag, facts),
        (a, b) => a.at - b.at,
      );
    case 'digest':
      return rank(
        tags,
        rule,
        facts,
        (_key, tag) => (tag === rule.constraint ? {} : 'NotTheTag'),
        () => 0,
      );
  }
}

/** Of which tags `newest-build` has to know when they were built: those that no filter takes out. */
export function needsFacts(tags: readonly string[], rule: SelectionRule): readonly string[] {
  return rule.strategy === 'newest-build' ? [...new Set(tags)].filter((tag) => filterReason(tag, rule) === null) : [];
}

const NO_FACTS: ImageFacts = { built: new Map(), unfit: new Set() };

function rank<Value extends object>(
  tags: readonly string[],
  rule: SelectionRule,
  { unfit }: ImageFacts,
  read: (key: string, tag: string) => Value | RefusalReason | null,
  compare: (a: Value, b: Value) => number,
): Selection {
  const ranked: { readonly candidate: Candidate; readonly value: Value }[] = [];
  const refused: Refusal[] = [];
  for (const tag of new Set(tags)) {
    const key = rule.extract(tag);
    const filtered = filterReason(tag, rule) ?? (key === null ? 'NotAllowedByFilter' : null);
    const value = filtered ?? (unfit.has(tag) ? 'NoMatchingPlatform' : read(key ?? tag, tag));
    if (typeof value === 'string') refused.push({ tag, accepted: false, reason: value });
    else if (value !== null) ranked.push({ candidate: { tag, accepted: true, key: key ?? tag }, value });
  }
  ranked.sort((a, b) => compare(b.value, a.value) || compareTexts(b.candidate.tag, a.candidate.tag));
  refused.sort((a, b) => compareTexts(a.tag, b.tag));
  return {
    selected: ranked[0]?.candidate.tag ?? null,
    candidates: [...ranked.map(({ candidate }) => candidate), ...refused],
  };
}

function filterReason(tag: string, { allow, ignores }: SelectionRule): RefusalReason | null {
  if (GENERATED.test(tag)) return 'Generated';
  if (!allow.allows(tag)) return 'NotAllowedByFilter';
  return ignores(tag) ? 'IgnoredByFilter' : null;
}

function readVersion(key: string, { range, versionParts }: SelectionRule): Version | RefusalReason {
  const version = parseVersion(key);
  // Flux counts dots, also those of a pre-release: `1.2-rc.1` is a version to it.
  if (version === null || (versionParts === 'three' && key.split('.').length < 3)) return 'NotAVersion';
  if (satisfies(range, version)) return version;
  return coversPrereleases(range, version) ? 'Prerelease' : 'OutOfRange';
}

function builtAt(tag: string, { built }: ImageFacts): { readonly at: number } | null {
  const at = built.get(tag);
  return at === undefined ? null : { at };
}

/** Tags are ASCII, so that their code units are their bytes. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function bad(part: string, problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem: `${part}: ${problem}` };
}
