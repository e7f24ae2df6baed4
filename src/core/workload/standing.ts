import { asString, elements, property, valueAt } from './json.ts';
import { apiGroup, type WorkloadKind } from './kinds.ts';

/**
 * How an object stands to tagpin.
 * - `gone`: it is being deleted, or a mirror Pod: neither rewritten nor judged.
 * - `left`: a controller owns it: judged, not rewritten.
 * - `ours`: judged and rewritten.
 */
export type Standing = 'gone' | 'left' | 'ours';

/**
 * Kubernetes' own controllers, by group and kind. What they own carries what their template says: a ReplicaSet that
 * differs from its Deployment's template makes the Deployment create another one, for ever.
 */
const OWN_CONTROLLERS = new Set([
  'apps/Deployment',
  'apps/ReplicaSet',
  'apps/StatefulSet',
  'apps/DaemonSet',
  'batch/Job',
  'batch/CronJob',
  '/ReplicationController',
  '/Node',
]);

/**
 * Tells how an object stands to tagpin. Owner references are a user's word: they decide about rewriting alone, never about
 * judging.
 *
 * @param customControllers what the policy says of objects that controllers own which are not Kubernetes' own.
 */
export function standing(
  kind: WorkloadKind,
  object: unknown,
  oldObject: unknown,
  customControllers: 'skip' | 'pin',
): Standing {
  // Whoever takes a finalizer off may send the object without its deletionTimestamp; the API server puts it back.
  if (isDeleted(object) || isDeleted(oldObject)) return 'gone';
  if (kind === 'Pod' && valueAt(object, ['metadata', 'annotations', 'kubernetes.io/config.mirror']) !== null)
    return 'gone';
  const owner = controllerName(object);
  if (owner === null || (kind === 'Job' && owner === 'batch/CronJob')) return 'ours';
  return !OWN_CONTROLLERS.has(owner) && customControllers === 'pin' ? 'ours' : 'left';
}

function isDeleted(object: unknown): boolean {
  return asString(valueAt(object, ['metadata', 'deletionTimestamp'])) !== null;
}

/** Did a CronJob make this Job? */
export function isJobOfCronJob(kind: WorkloadKind, object: unknown): boolean {
  return kind === 'Job' && controllerName(object) === 'batch/CronJob';
}

/** The owner that is an object's controller, as the object says. */
export interface Controller {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** The controller that owns an object; null where there is none. */
export function controllerOf(object: unknown): Controller | null {
  const owner = elements(valueAt(object, ['metadata', 'ownerReferences'])).find(
    (each) => property(each, 'controller') === true,
  );
  if (owner === undefined) return null;
  const text = (name: string): string => asString(property(owner, name)) ?? '';
  return { group: apiGroup(text('apiVersion')), kind: text('kind'), name: text('name'), uid: text('uid') };
}

/** `group/Kind` of the owner that is the controller; null where there is none. */
function controllerName(object: unknown): string | null {
  const owner = controllerOf(object);
  return owner === null ? null : `${owner.group}/${owner.kind}`;
}
