import type { Digest } from '../image/digest.ts';
import { byTag } from '../image/reference.ts';
import { asString, property, valueAt } from '../workload/json.ts';
import type { WorkloadKind } from '../workload/kinds.ts';
import { countedEntries, PINS_ANNOTATION, readPins } from '../workload/pins.ts';
import { imageSlots, readSlot } from '../workload/slots.ts';
import { controllerOf } from '../workload/standing.ts';
import { annotationOf } from '../workload/targets.ts';

/** The kinds that remember what ran. */
export type RevisionKind = 'ReplicaSet' | 'ControllerRevision' | 'Job';

/** One image of one revision. */
export interface RevisionRow {
  /** When it was made, RFC 3339 in UTC. */
  readonly time: string;
  readonly namespace: string;
  readonly kind: RevisionKind;
  readonly name: string;
  /** `Deployment/NAME`; null where nothing owns it. */
  readonly owner: string | null;
  /** Its number; null where it has none. */
  readonly revision: string | null;
  readonly container: string;
  readonly image: string;
  /** By tag; null where only a digest is known. */
  readonly requested: string | null;
  readonly digest: Digest | null;
}

const DEPLOYMENT_REVISION = 'deployment.kubernetes.io/revision';

/**
 * Reads what a ReplicaSet, ControllerRevision or Job was made to run. Kubernetes copies the annotations of Deployments,
 * StatefulSets and DaemonSets to their revisions, so that each has the record of its time.
 */
export function readRevision(kind: RevisionKind, object: unknown): readonly RevisionRow[] {
  const owner = controllerOf(object);
  const text = (path: readonly string[]): string => asString(valueAt(object, path)) ?? '';
  const slots = imageSlots(TEMPLATE_OF[kind], kind === 'ControllerRevision' ? property(object, 'data') : object).map(
    readSlot,
  );
  const entries = countedEntries(readPins(annotationOf(object, PINS_ANNOTATION)), slots);
  const number = kind === 'ControllerRevision' ? property(object, 'revision') : null;
  return slots.map((slot) => ({
    time: text(['metadata', 'creationTimestamp']),
    namespace: text(['metadata', 'namespace']),
    kind,
    name: text(['metadata', 'name']),
    owner: owner === null ? null : `${owner.kind}/${owner.name}`,
    revision: typeof number === 'number' ? String(number) : annotationOf(object, DEPLOYMENT_REVISION),
    container: slot.list === 'volumes' ? slot.key : slot.name,
    image: slot.image,
    requested:
      entries.get(slot.key)?.reference.text ??
      (slot.reference === null ? slot.image : byTag(slot.reference)?.text) ??
      null,
    digest: slot.reference?.digest ?? null,
  }));
}

/** The newest first; what is of one second by name, so that the order is always the same. */
export function newestFirst(rows: readonly RevisionRow[]): readonly RevisionRow[] {
  return rows.toSorted(
    (a, b) => compare(b.time, a.time) || compare(a.namespace, b.namespace) || compare(a.name, b.name),
  );
}

/** A ControllerRevision's data is that part of a StatefulSet or DaemonSet which its Pods are made from. */
const TEMPLATE_OF: Readonly<Record<RevisionKind, WorkloadKind>> = {
  ReplicaSet: 'ReplicaSet',
  ControllerRevision: 'StatefulSet',
  Job: 'Job',
};

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
