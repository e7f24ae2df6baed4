import type { Digest } from '../image/digest.ts';
import { valueAt } from './json.ts';
import type { WorkloadKind } from './kinds.ts';
import { PINS_ANNOTATION, readPins } from './pins.ts';
import { isJobOfCronJob, standing } from './standing.ts';
import { readStored } from './stored.ts';
import { annotationOf } from './targets.ts';

/**
 * What happens to a pinned object when it is applied again with its tags and no webhook pins them: new Pods in place of all
 * (`rolls-out`), tags for those that are made from then on (`new-pods`), new containers in the same Pod (`restarts`), or
 * nothing, since the API server refuses it (`refused`).
 */
export type Consequence = 'rolls-out' | 'new-pods' | 'restarts' | 'refused';

/** A pinned image of an object, that would become its tag again. */
export interface UnpinnedSlot {
  /** `containers/NAME` and so on. */
  readonly key: string;
  /** As it is stored. */
  readonly image: string;
  /** The recorded reference, as its user spelt it. */
  readonly requested: string;
  readonly digest: Digest;
}

/** What applying an object again would do to it without tagpin. */
export interface Unpinning {
  readonly consequence: Consequence;
  /** In the order of the object. */
  readonly slots: readonly UnpinnedSlot[];
}

/** Reads what a stored object would lose without tagpin; null where that is nothing, or where nobody applies it. */
export function unpinning(kind: WorkloadKind, object: unknown): Unpinning | null {
  if (standing(kind, object, null, 'skip') !== 'ours' || isJobOfCronJob(kind, object)) return null;
  const stored = readStored(kind, object, readPins(annotationOf(object, PINS_ANNOTATION)));
  const slots = [...stored.slots.values()].flatMap(({ key, image }) => {
    const entry = stored.entries.get(key);
    return entry === undefined ? [] : [{ key, image, requested: entry.reference.text, digest: entry.digest }];
  });
  return slots.length === 0 ? null : { consequence: consequenceFor(kind, object), slots };
}

function consequenceFor(kind: WorkloadKind, object: unknown): Consequence {
  switch (kind) {
    case 'DaemonSet':
    case 'Deployment':
    case 'StatefulSet':
      return valueAt(object, ['spec', 'updateStrategy', 'type']) === 'OnDelete' ? 'new-pods' : 'rolls-out';
    case 'CronJob':
    case 'PodTemplate':
    case 'ReplicaSet':
    case 'ReplicationController':
      return 'new-pods';
    case 'Pod':
      return 'restarts';
    case 'Job':
      return 'refused'; // A Job's template never changes.
  }
}
