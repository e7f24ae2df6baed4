import type { ObservedSlot } from '../core/audit/row.ts';
import { countsFor, type Observation, observePod, PodSums } from '../core/audit/running.ts';
import { type AuditedWorkload, type AuditPolicy, readAddedSlot, readWorkload } from '../core/audit/workload.ts';
import { asString, type JsonObject, valueAt } from '../core/workload/json.ts';
import type { WorkloadKind } from '../core/workload/kinds.ts';
import { controllerOf } from '../core/workload/standing.ts';

/** The stored objects of a kind in one namespace, page by page. */
export type ListPages<Kind extends string = WorkloadKind> = (kind: Kind) => AsyncIterable<readonly JsonObject[]>;

/** What collecting needs of the outside. */
export interface CollectNeeds {
  readonly list: ListPages;
  /** Told of a kind that could not be listed, or not wholly; what it throws ends the collection. */
  readonly failed: (kind: WorkloadKind, error: unknown) => void;
  /** Shown every object, as it was listed. */
  readonly saw: (kind: WorkloadKind, object: JsonObject) => void;
}

/** A workload that gets rows, and what its Pods run. */
interface Holder extends AuditedWorkload {
  readonly sums: PodSums;
}

/** Owners before what they own, so that everything finds its owner when it comes by. */
const ROUNDS: readonly (readonly WorkloadKind[])[] = [
  ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob', 'ReplicationController', 'PodTemplate'],
  ['ReplicaSet', 'Job'],
  ['Pod'],
];

/**
 * Reads the images of one namespace and what runs there. A ReplicaSet of a Deployment, a Job of a CronJob and the Pods of
 * everything are added to what owns them; what nobody of these owns stands for itself. Of a Pod that is added only a few
 * counts are kept, so that thousands of them take no more room than one.
 */
export async function collectNamespace(needs: CollectNeeds, facts: AuditPolicy): Promise<readonly ObservedSlot[]> {
  const holders: Holder[] = [];
  const byUid = new Map<string, Holder>();

  function take(kind: WorkloadKind, object: unknown): void {
    const owner = byUid.get(controllerOf(object)?.uid ?? '');
    if (owner !== undefined) {
      const uid = asString(valueAt(object, ['metadata', 'uid']));
      if (kind === 'Pod') observe(owner, object);
      else if (uid !== null) byUid.set(uid, owner);
      return;
    }
    const workload = readWorkload(kind, object, facts);
    if (workload === null) return;
    const holder = { ...workload, sums: new PodSums() };
    holders.push(holder);
    if (kind === 'Pod') observe(holder, object);
    else byUid.set(workload.uid, holder);
  }

  async function takeAll(kind: WorkloadKind): Promise<void> {
    try {
      for await (const page of needs.list(kind)) {
        for (const object of page) {
          take(kind, object);
          needs.saw(kind, object);
        }
      }
    } catch (error) {
      needs.failed(kind, error);
    }
  }

  for (const kinds of ROUNDS) await Promise.all(kinds.map(takeAll));
  const order = ROUNDS.flat();
  return holders
    .toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
    .flatMap((holder) => slotsOf(holder, facts));
}

function observe(holder: Holder, pod: unknown): void {
  if (!countsFor(holder.kind, pod)) return;
  for (const observation of observePod(pod)) holder.sums.add(observation);
}

/** The slots of a template with what Pods have there, and after them what only Pods have. */
function slotsOf({ kind, name, slots, sums }: Holder, facts: AuditPolicy): readonly ObservedSlot[] {
  const byKey = Map.groupBy(sums.observations(), ({ slot }) => slot.key);
  const own = slots.map((slot) => ({ kind, name, slot, observations: byKey.get(slot.key) ?? [] }));
  const keys = new Set(slots.map(({ key }) => key));
  const added = Map.groupBy(
    sums.observations().filter(({ slot }) => !keys.has(slot.key)),
    ({ slot }) => `${slot.key} ${slot.image}`,
  );
  return [...own, ...[...added.values()].flatMap((observations) => addedSlot(kind, name, observations, facts))];
}

function addedSlot(
  kind: WorkloadKind,
  name: string,
  observations: readonly Observation[],
  facts: AuditPolicy,
): readonly ObservedSlot[] {
  const [first] = observations;
  return first === undefined ? [] : [{ kind, name, slot: readAddedSlot(first.slot, facts), observations }];
}
