import { compileGlobs } from '../../policy/grammar/glob.ts';
import { parsePattern } from '../../policy/grammar/pattern.ts';
import type { Policy, PolicyRule } from '../../policy/schema.ts';
import { parseConstraint, textSatisfies } from '../../version/constraint.ts';
import { WORKLOAD_KINDS } from '../../workload/kinds.ts';
import { namespaceStanding, OPT_IN_SELECTOR } from '../../workload/opt-in.ts';
import type { PolicyFinding } from '../finding.ts';
import { isEmptyRange } from './empty-range.ts';
import { createEffort, type Effort, globsCover } from './glob-cover.ts';

type Match = PolicyRule['match'];

/** Finds rules that no image can reach, and what of rules has no effect. What can't be decided simply is not said. */
export function lintRules({ rules, verify }: Pick<Policy, 'rules' | 'verify'>): readonly PolicyFinding[] {
  const effort = createEffort();
  const verifies = verify.length > 0;
  const dead = new Set<number>();
  return rules.flatMap((rule, index) => {
    const path = ['rules', index];
    const nothing = matchesNothing(rule.match);
    const left = leftOutNamespaces(rule.match);
    const findings: PolicyFinding[] = [...nothing, ...left].map(({ field, message }) => {
      return { code: 'MatchesNothing', path: [...path, 'match', ...field], message };
    });
    if (nothing.length === 0) {
      const before = rules.find(
        (other, at) => at < index && !dead.has(at) && coversMatch(other.match, rule.match, effort),
      );
      if (before !== undefined) findings.push({ code: 'Shadowed', path, message: shadowedBy(before) });
    }
    if (findings.some(({ code }) => code === 'Shadowed') || nothing.length > 0) dead.add(index);
    return [
      ...findings,
      ...withoutEffect(rule, path).filter(({ path: at }) => !(verifies && at.at(-1) === 'onUnresolved')),
    ];
  });
}

function shadowedBy({ name }: PolicyRule): string {
  return `no image reaches it: rule ${JSON.stringify(name)} before it matches all that it matches: move it up, or remove it`;
}

/** Settings of what is pinned, where nothing is. */
function withoutEffect(rule: PolicyRule, path: readonly (string | number)[]): readonly PolicyFinding[] {
  const { action, format, onUnresolved, message } = rule;
  const says = `the rule says ${action}`;
  const finding = (key: string, why: string): PolicyFinding => {
    return { code: 'NoEffect', path: [...path, key], message: `has no effect: ${why}: remove it` };
  };
  if (action === 'pin') return message === null ? [] : [finding('message', 'nobody is told of what is pinned')];
  return [
    ...(format === null ? [] : [finding('format', `${says}, so no image is written`)]),
    ...(onUnresolved === null ? [] : [finding('onUnresolved', `${says}, so no registry is asked`)]),
  ];
}

interface Contradiction {
  /** Below `match`. */
  readonly field: readonly (string | number)[];
  readonly message: string;
}

const NAME_LABEL = 'kubernetes.io/metadata.name';
const [OPT_IN_LABEL = '', OPT_IN_VALUE = ''] = OPT_IN_SELECTOR.split('=');

function matchesNothing(match: Match): readonly Contradiction[] {
  const found: Contradiction[] = [];
  const { namespaces } = match;
  const optIn = labelOf(match, OPT_IN_LABEL);
  if (optIn !== undefined && optIn !== OPT_IN_VALUE) {
    const message = `matches nothing: rules hold in namespaces with ${OPT_IN_SELECTOR} alone: remove it`;
    found.push({ field: ['namespaceLabels', OPT_IN_LABEL], message });
  }
  const name = labelOf(match, NAME_LABEL);
  if (name !== undefined && namespaces !== null && !compileGlobs(namespaces)(name)) {
    const message = 'matches nothing together with namespaces, which does not have that name: remove one of the two';
    found.push({ field: ['namespaceLabels', NAME_LABEL], message });
  }
  return [...found, ...contradictingTags(match)];
}

function labelOf({ namespaceLabels }: Match, key: string): string | undefined {
  return namespaceLabels !== null && Object.hasOwn(namespaceLabels, key) ? namespaceLabels[key] : undefined;
}

/** Tags that are written out can be tried; of a glob it is known what its tags begin with. */
function contradictingTags({ tags, semver, tagPattern }: Match): readonly Contradiction[] {
  const range = semver === null ? null : parseConstraint(semver);
  if (range?.ok === true && isEmptyRange(range.constraint)) {
    return [{ field: ['semver'], message: `${JSON.stringify(semver)} matches nothing: no version is in that range` }];
  }
  if (tags === null || (range === null && tagPattern === null)) return [];
  const pattern = tagPattern === null ? null : parsePattern(tagPattern);
  const isPossible = (tag: string): boolean => {
    if (tag.includes('*')) return range === null || /^(?:v?\d|v?\*)/.test(tag);
    return (
      (range === null || (range.ok && textSatisfies(range.constraint, tag))) &&
      (pattern === null || (pattern.ok && pattern.pattern.test(tag)))
    );
  };
  if (tags.some(isPossible)) return [];
  const others = [...(semver === null ? [] : ['semver']), ...(tagPattern === null ? [] : ['tagPattern'])].join(' and ');
  return [{ field: ['tags'], message: `matches nothing together with ${others}: no tag is all of that` }];
}

function leftOutNamespaces({ namespaces }: Match): readonly Contradiction[] {
  const labels = { [OPT_IN_LABEL]: OPT_IN_VALUE };
  return (namespaces ?? []).flatMap((name, index) =>
    namespaceStanding(name, labels, '') === 'left out'
      ? [{ field: ['namespaces', index], message: `matches nothing: the webhook never looks at ${name}: remove it` }]
      : [],
  );
}

/** Does one rule match whatever another matches? */
function coversMatch(broad: Match, narrow: Match, effort: Effort): boolean {
  const { namespaces, namespaceLabels, kinds, images } = broad;
  return (
    (kinds === null || (narrow.kinds ?? WORKLOAD_KINDS).every((kind) => kinds.includes(kind))) &&
    (namespaceLabels === null ||
      Object.entries(namespaceLabels).every(([key, value]) => labelOf(narrow, key) === value)) &&
    (namespaces === null ||
      (narrow.namespaces !== null && globsCover(namespaces, narrow.namespaces, 'words', effort))) &&
    coversTags(broad, narrow, effort) &&
    (images === null || globsCover(images, narrow.images ?? ['**'], 'paths', effort))
  );
}

/** A condition on tags also says that there is one: whoever sets none means digests, too. */
function coversTags(broad: Match, narrow: Match, effort: Effort): boolean {
  const { tags, semver, tagPattern } = broad;
  if (tags === null && semver === null && tagPattern === null) return true;
  if (narrow.tags === null && narrow.semver === null && narrow.tagPattern === null) return false;
  const literal = narrow.tags?.every((tag) => !tag.includes('*')) === true ? narrow.tags : null;
  const range = semver === null ? null : parseConstraint(semver);
  const pattern = tagPattern === null ? null : parsePattern(tagPattern);
  return (
    (tags === null || globsCover(tags, narrow.tags ?? ['**'], 'words', effort)) &&
    (range === null ||
      semver === narrow.semver ||
      literal?.every((tag) => range.ok && textSatisfies(range.constraint, tag)) === true) &&
    (pattern === null ||
      tagPattern === narrow.tagPattern ||
      literal?.every((tag) => pattern.ok && pattern.pattern.test(tag)) === true)
  );
}
