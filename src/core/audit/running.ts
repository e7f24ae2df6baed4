import { type Digest, parseDigest } from '../image/digest.ts';
import { asString, elements, property, valueAt } from '../workload/json.ts';
import { type ImageSlot, imageSlots } from '../workload/slots.ts';

/**
 * What a container runs: a digest by which its image was pulled; `unknown` where the runtime gives an image ID that is no
 * such digest; null where it runs nothing yet.
 */
export type Running = Digest | 'unknown' | null;

/** What so many Pods have in one slot, and run there. */
export interface Observation {
  /** As the first of them has it. */
  readonly slot: ImageSlot;
  readonly running: Running;
  readonly pods: number;
}

const STATUS_LISTS = {
  containers: 'containerStatuses',
  initContainers: 'initContainerStatuses',
  ephemeralContainers: 'ephemeralContainerStatuses',
} as const;

/**
 * Reads the `imageID` of a container's status. Runtimes write `docker-pullable://repo@sha256:…` or `repo@sha256:…`, the digest
 * of what was pulled: an index, or on some of them the manifest of the node's platform. `sha256:…` alone, `docker://sha256:…`
 * and bare digits are the ID of an image's configuration, which says nothing about what it was pulled as.
 */
export function readImageId(imageId: string | null): Running {
  if (imageId === null || imageId === '') return null;
  const at = imageId.lastIndexOf('@');
  return (at > 0 ? parseDigest(imageId.slice(at + 1)) : null) ?? 'unknown';
}

/** What a Pod has in each of its slots, and runs there. */
export function observePod(pod: unknown): readonly Observation[] {
  return imageSlots('Pod', pod).map((slot) => ({ slot, running: runningOf(pod, slot), pods: 1 }));
}

/**
 * Does a Pod count for what its owner runs? One that is being deleted is on its way out; one that has ended counts only for
 * a Job, whose images never change.
 */
export function countsFor(ownerKind: string, pod: unknown): boolean {
  if (asString(valueAt(pod, ['metadata', 'deletionTimestamp'])) !== null) return false;
  const phase = valueAt(pod, ['status', 'phase']);
  return (phase !== 'Succeeded' && phase !== 'Failed') || ownerKind === 'Job' || ownerKind === 'Pod';
}

/** Sums that stay small however many Pods there are: one for each image of a slot and each digest that runs there. */
export class PodSums {
  readonly #sums = new Map<string, Observation>();

  add(observation: Observation): void {
    const { slot, running, pods } = observation;
    const key = JSON.stringify([slot.key, slot.image, running]);
    const known = this.#sums.get(key);
    this.#sums.set(key, known === undefined ? observation : { ...known, pods: known.pods + pods });
  }

  observations(): readonly Observation[] {
    return [...this.#sums.values()];
  }
}

function runningOf(pod: unknown, { list, name }: ImageSlot): Running {
  if (list === 'volumes') return runningVolume(pod, name);
  const statuses = elements(valueAt(pod, ['status', STATUS_LISTS[list]]));
  const own = statuses.find((status) => property(status, 'name') === name);
  return readImageId(asString(property(own, 'imageID')));
}

/** An image volume is told by the containers that mount it (KEP-5365, from Kubernetes 1.36 on). */
function runningVolume(pod: unknown, name: string): Running {
  for (const list of Object.values(STATUS_LISTS)) {
    for (const status of elements(valueAt(pod, ['status', list]))) {
      const mount = elements(property(status, 'volumeMounts')).find((each) => property(each, 'name') === name);
      const image = asString(valueAt(mount, ['volumeStatus', 'image', 'imageRef']));
      if (image !== null) return readImageId(image);
    }
  }
  return null;
}
