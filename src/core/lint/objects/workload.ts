import { skipValue } from '../../admission/context.ts';
import { FOLLOW_ANNOTATION, parseFollow } from '../../target/workload/follow.ts';
import { FOLLOWING_KINDS } from '../../target/workload/rollout.ts';
import { readWorkload, type WorkloadTarget } from '../../target/workload.ts';
import type { JsonObject } from '../../workload/json.ts';
import type { WorkloadKind } from '../../workload/kinds.ts';
import { imageSlots } from '../../workload/slots.ts';
import { controllerOf } from '../../workload/standing.ts';
import { annotationOf, isSkipped, REFRESH_ANNOTATION, SKIP_ANNOTATION } from '../../workload/targets.ts';
import type { ObjectFinding } from '../finding.ts';
import { lintKeys } from './keys.ts';

/** Who acts on a workload. */
export interface WorkloadFacts {
  /** `looking`: its namespace has opted in. */
  readonly webhook: 'looking' | 'away';
  /** Does the policy honour `tagpin.dev/skip`? Null where that is not known. */
  readonly allowSkip: boolean | null;
}

/**
 * Finds what of a workload's annotations can't act. What a controller made says what its owner says, and is not looked at.
 *
 * @param object whole.
 */
export function lintWorkload(kind: WorkloadKind, object: JsonObject, facts: WorkloadFacts): readonly ObjectFinding[] {
  if (controllerOf(object) !== null) return [];
  return [
    ...lintKeys(kind, object),
    ...lintSkip(kind, object, facts),
    ...lintRefresh(object, facts),
    ...lintFollow(kind, object),
  ];
}

/**
 * The same of a workload whose namespace has not opted in, as far as its metadata tells.
 *
 * @param object its metadata alone, or whole.
 */
export function lintUnseenWorkload(kind: WorkloadKind, object: JsonObject): readonly ObjectFinding[] {
  if (controllerOf(object) !== null) return [];
  const follow = annotationOf(object, FOLLOW_ANNOTATION);
  const read = follow === null || !isFollowing(kind) ? null : parseFollow(follow);
  const refreshed = read?.entries.filter(({ action }) => action === 'refresh').map(({ name }) => name) ?? [];
  const seen = 'its namespace has not opted in, so that no webhook sees it: tagpin namespace enable NAME';
  return [
    ...lintKeys(kind, object),
    ...lintRefresh(object, { webhook: 'away' }),
    ...(read?.problems ?? []).map(problemFinding),
    ...(refreshed.length === 0
      ? []
      : [
          {
            code: 'Unseen',
            where: FOLLOW_ANNOTATION,
            message: `${refreshed.join(', ')}: action refresh can't act, ${seen}`,
          } as const,
        ]),
  ];
}

/** More containers than any Pod has. */
const MOST_NAMES = 200;

/** What a workload follows; null where it follows nothing, or can't. */
export function followedBy(kind: WorkloadKind, object: JsonObject): WorkloadTarget | null {
  if (!isFollowing(kind)) return null;
  const read = readWorkload(kind, object, { namespacePaused: false });
  return read.ok ? read.workload : null;
}

function lintFollow(kind: WorkloadKind, object: JsonObject): readonly ObjectFinding[] {
  const workload = followedBy(kind, object);
  if (workload === null) return [];
  const applied = workload.images.flatMap(({ key, appliedBy, action }): readonly ObjectFinding[] => {
    if (appliedBy === null) return [];
    const message = `${key}: ${appliedBy} applies the field that ${action} would write, and would put it back: write action: refresh`;
    return [{ code: 'NoEffect', where: FOLLOW_ANNOTATION, message }];
  });
  const adopted = workload.images.flatMap(({ adopted: { kind: state, ...rest } }): readonly ObjectFinding[] => {
    return state === 'problem' && 'problem' in rest ? [{ code: 'BadValue', where: '', message: rest.problem }] : [];
  });
  return [...workload.problems.map(problemFinding), ...applied, ...adopted];
}

function problemFinding({ problem }: { readonly problem: string }): ObjectFinding {
  return { code: 'BadValue', where: FOLLOW_ANNOTATION, message: problem };
}

function lintSkip(kind: WorkloadKind, object: JsonObject, { allowSkip }: WorkloadFacts): readonly ObjectFinding[] {
  const skip = skipValue(kind, object);
  if (skip === null) return [];
  const finding = (message: string): ObjectFinding => ({ code: 'NoEffect', where: SKIP_ANNOTATION, message });
  if (allowSkip === false) return [finding("does nothing: the policy's defaults.allowSkip is false")];
  const slots = imageSlots(kind, object);
  return skip.split(',', MOST_NAMES).flatMap((word) => {
    const name = word.trim();
    if (name === '' || slots.some((slot) => isSkipped(name, slot))) return [];
    const names = slots.map(({ list, name: own, key }) => (list === 'containers' ? own : key)).join(', ');
    return [finding(`${JSON.stringify(name)} is none of its containers: there is ${names || 'none'}`)];
  });
}

/** The webhook takes it away in the request that brings it. */
function lintRefresh(object: JsonObject, { webhook }: Pick<WorkloadFacts, 'webhook'>): readonly ObjectFinding[] {
  if (annotationOf(object, REFRESH_ANNOTATION) === null) return [];
  const why =
    webhook === 'away' ? 'its namespace has not opted in' : 'it was written while none looked: write it again';
  return [{ code: 'Unseen', where: REFRESH_ANNOTATION, message: `no webhook saw it: ${why}` }];
}

function isFollowing(kind: WorkloadKind): kind is (typeof FOLLOWING_KINDS)[number] {
  return FOLLOWING_KINDS.some((each) => each === kind);
}
