import { canonicalName, effectiveTag, type ImageReference } from '../image/reference.ts';
import { parseConstraint, textSatisfies } from '../version/constraint.ts';
import { compileGlobs } from './grammar/glob.ts';
import { parsePattern } from './grammar/pattern.ts';
import { compileHostGlob } from './host.ts';
import type { Policy, PolicyRule, RegistriesPolicy } from './schema.ts';

/** Facts about one image of one object, by which rules decide. */
export interface Subject {
  readonly namespace: string;
  readonly namespaceLabels: Readonly<Record<string, string>>;
  /** The object's kind, and `CronJob` besides `Job` for a Job that a CronJob made. */
  readonly kinds: readonly string[];
  readonly reference: ImageReference;
}

/** One condition of a rule's `match`. */
export interface Condition {
  readonly field: keyof PolicyRule['match'];
  readonly holds: (subject: Subject) => boolean;
}

/** The label that Kubernetes itself keeps on every Namespace. */
const NAME_LABEL = 'kubernetes.io/metadata.name';

/** Compiles what a rule matches; conditions that it does not give are not in the list, so all must hold. */
export function compileConditions(match: PolicyRule['match']): readonly Condition[] {
  const { namespaces, namespaceLabels, kinds, images, tags, semver, tagPattern } = match;
  const conditions: Condition[] = [];
  const add = (field: Condition['field'], holds: Condition['holds']) => conditions.push({ field, holds });

  if (kinds !== null) add('kinds', (subject) => subject.kinds.some((kind) => kinds.some((wanted) => wanted === kind)));
  if (namespaces !== null) {
    const matches = compileGlobs(namespaces);
    add('namespaces', ({ namespace }) => matches(namespace));
  }
  if (namespaceLabels !== null) {
    const wanted = Object.entries(namespaceLabels);
    add('namespaceLabels', (subject) => wanted.every(([key, value]) => labelOf(subject, key) === value));
  }
  if (images !== null) {
    const matches = compileGlobs(images);
    add('images', ({ reference }) => matches(canonicalName(reference)));
  }
  if (tags !== null) add('tags', onTag(compileGlobs(tags)));
  if (semver !== null) {
    const parsed = parseConstraint(semver);
    add(
      'semver',
      onTag((tag) => parsed.ok && textSatisfies(parsed.constraint, tag)),
    );
  }
  if (tagPattern !== null) {
    const parsed = parsePattern(tagPattern);
    add(
      'tagPattern',
      onTag((tag) => parsed.ok && parsed.pattern.test(tag)),
    );
  }
  return conditions;
}

const ALLOWED_HOSTS = new WeakMap<RegistriesPolicy, (registry: string) => boolean>();

/**
 * May a registry be asked by its name? Hosts under `hosts` may, and the mirrors that are named there; others where `allow` has
 * them or is absent. Which addresses a name may have is another question.
 *
 * @param registry a canonical registry, as in a reference.
 */
export function isAllowedHost(registries: RegistriesPolicy, registry: string): boolean {
  let allowed = ALLOWED_HOSTS.get(registries);
  if (allowed === undefined) {
    const listed = new Set(registries.hosts.flatMap(({ host, mirror }) => [host, mirror?.split('/')[0] ?? host]));
    const globs = registries.allow?.map(compileHostGlob) ?? null;
    allowed = (name) => listed.has(name) || globs === null || globs.some((matches) => matches(name));
    ALLOWED_HOSTS.set(registries, allowed);
  }
  return allowed(registry);
}

const SYSTEM_USERS = new WeakMap<Policy['defaults'], (user: string) => boolean>();

/** Is a user one of Kubernetes' own controllers, by `defaults.systemUsers`? */
export function isSystemUser(policy: Policy, user: string): boolean {
  let matches = SYSTEM_USERS.get(policy.defaults);
  if (matches === undefined) {
    matches = compileGlobs(policy.defaults.systemUsers);
    SYSTEM_USERS.set(policy.defaults, matches);
  }
  return matches(user);
}

/** A reference by digest alone has no tag, so that nothing about tags holds for it. */
function onTag(holds: (tag: string) => boolean): Condition['holds'] {
  return ({ reference }) => {
    const tag = effectiveTag(reference);
    return tag !== null && holds(tag);
  };
}

function labelOf({ namespace, namespaceLabels }: Subject, key: string): string | undefined {
  if (key === NAME_LABEL) return namespace;
  return Object.hasOwn(namespaceLabels, key) ? namespaceLabels[key] : undefined;
}
