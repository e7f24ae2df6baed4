import { describeUnknownKey } from '../../policy/describe-issue.ts';
import { nearestWord } from '../../policy/nearest.ts';
import { FOLLOWING_KINDS } from '../../target/workload/rollout.ts';
import { asObject, asString, valueAt } from '../../workload/json.ts';
import { templatePath, WORKLOAD_KINDS, type WorkloadKind } from '../../workload/kinds.ts';
import type { ObjectFinding } from '../finding.ts';

/** The kinds whose labels and annotations are looked at. */
export type LintedKind = WorkloadKind | 'Namespace' | 'Application' | 'OCIRepository';

const DOMAIN = 'tagpin.dev';
const PREFIX = `${DOMAIN}/`;

const OF_WORKLOADS = ['pins', 'refresh', 'skip'] as const;
const OF_TARGETS = ['follow', 'pause', 'last-refresh', 'adopt-from'] as const;
const OF_REPOSITORIES = ['follow', 'pause', 'interval', 'min-age', 'allow-downgrade'] as const;

/** What is an annotation of which kinds; those of Applications have a reader of their own. */
const ANNOTATIONS: Readonly<Record<LintedKind, readonly string[]>> = {
  ...(Object.fromEntries(WORKLOAD_KINDS.map((kind) => [kind, annotationsOf(kind)])) as Record<WorkloadKind, string[]>),
  Namespace: ['pause'],
  Application: ['pause', 'image-list'],
  OCIRepository: OF_REPOSITORIES,
};

function annotationsOf(kind: WorkloadKind): readonly string[] {
  return FOLLOWING_KINDS.some((each) => each === kind) ? [...OF_WORKLOADS, ...OF_TARGETS] : OF_WORKLOADS;
}

const LABELS = { Namespace: ['inject', 'pause'], others: ['pinned'] } as const;

/** What says no where a label should say yes: nobody means to opt in with these. */
const NO = new Set(['disabled', 'false', 'no', 'off', '']);
const OPTED_IN = 'enabled';

/**
 * Finds annotations and labels under `tagpin.dev/` that nothing reads: misspelt ones, those of another kind, labels that should be
 * annotations and the other way round, those on a Pod template, and keys of a domain that is nearly tagpin's.
 */
export function lintKeys(kind: LintedKind, object: unknown): readonly ObjectFinding[] {
  const annotations = textsAt(object, ['metadata', 'annotations']);
  const labels = textsAt(object, ['metadata', 'labels']);
  return [
    ...annotations.flatMap(([key, value]) => annotationFinding(kind, key, value)),
    ...labels.flatMap(([key, value]) => labelFinding(kind, key, value)),
    ...templateFindings(kind, object),
  ];
}

function annotationFinding(kind: LintedKind, key: string, value: string): readonly ObjectFinding[] {
  if (!key.startsWith(PREFIX)) return misspeltDomain(key);
  const name = key.slice(PREFIX.length);
  const known = ANNOTATIONS[kind];
  // An Application's keys are those of its settings.
  if (known.includes(name) || kind === 'Application' || value.trim() === '') return [];
  if (name === 'inject') {
    const way = kind === 'Namespace' ? `write it as a label` : 'label the Namespace';
    return [{ code: 'Misplaced', where: key, message: `does nothing as an annotation: ${way}` }];
  }
  return [elsewhere(kind, key, name) ?? unknown(key, name, known)];
}

function labelFinding(kind: LintedKind, key: string, value: string): readonly ObjectFinding[] {
  if (!key.startsWith(PREFIX)) return misspeltDomain(key);
  const name = key.slice(PREFIX.length);
  const known: readonly string[] = kind === 'Namespace' ? LABELS.Namespace : LABELS.others;
  if (name === 'inject') {
    if (kind !== 'Namespace') {
      return [{ code: 'Misplaced', where: key, message: `does nothing on a ${kind}: label its Namespace` }];
    }
    if (value === OPTED_IN || NO.has(value.toLowerCase())) return [];
    const message = `${JSON.stringify(value)} opts nothing in: write ${OPTED_IN}`;
    return [{ code: 'BadValue', where: key, message }];
  }
  if (known.includes(name)) return [];
  if (
    ANNOTATIONS[kind].includes(name) ||
    (kind === 'Application' && nearestWord(name, ANNOTATIONS.Application) !== null)
  ) {
    return [{ code: 'Misplaced', where: key, message: 'does nothing as a label: write it as an annotation' }];
  }
  return [elsewhere(kind, key, name) ?? unknown(key, name, known)];
}

/** Everything is read from the object itself: a template's annotations are its Pods'. */
function templateFindings(kind: LintedKind, object: unknown): readonly ObjectFinding[] {
  const path = WORKLOAD_KINDS.some((each) => each === kind) ? templatePath(kind as WorkloadKind) : [];
  if (path.length === 0) return [];
  const own = [...OF_WORKLOADS, ...OF_TARGETS];
  return textsAt(object, [...path, 'metadata', 'annotations']).flatMap(([key]): readonly ObjectFinding[] => {
    const name = own.find((each) => key === `${PREFIX}${each}`);
    if (name === undefined) return [];
    const message = `does nothing on the Pod template: write it into the metadata of the ${kind} itself`;
    return [{ code: 'Misplaced', where: key, message }];
  });
}

function elsewhere(kind: LintedKind, key: string, name: string): ObjectFinding | null {
  const kinds = (Object.keys(ANNOTATIONS) as LintedKind[]).filter((each) => ANNOTATIONS[each].includes(name));
  if (kinds.length === 0) return null;
  const where = kinds
    .filter((each) => each !== 'Namespace')
    .map((each) => (each === 'OCIRepository' ? `an ${each}` : each));
  return { code: 'Misplaced', where: key, message: `does nothing on a ${kind}: it is for ${where.join(', ')}` };
}

function unknown(key: string, name: string, known: readonly string[]): ObjectFinding {
  return { code: 'UnknownKey', where: key, message: describeUnknownKey(name, known) };
}

function misspeltDomain(key: string): readonly ObjectFinding[] {
  const slash = key.indexOf('/');
  const domain = slash === -1 ? '' : key.slice(0, slash);
  if (nearestWord(domain, [DOMAIN]) === null) return [];
  const message = `is no key of tagpin's: did you mean ${PREFIX}${key.slice(slash + 1)}?`;
  return [{ code: 'UnknownKey', where: key, message }];
}

/** Of an object with a million keys there are more useful things to say. */
const MOST_KEYS = 1000;

function textsAt(object: unknown, path: readonly string[]): readonly (readonly [string, string])[] {
  const entries = Object.entries(asObject(valueAt(object, path)) ?? {}).slice(0, MOST_KEYS);
  return entries.flatMap(([key, value]) => {
    const text = asString(value);
    return text === null ? [] : [[key, text] as const];
  });
}
