import { asString, valueAt } from '../core/workload/json.ts';
import type { WorkloadKind } from '../core/workload/kinds.ts';
import type { KubernetesClient } from './client.ts';
import type { JsonObject } from './request/answer.ts';
import { isKubernetesError, isOutrunPatch } from './request/error.ts';
import { listPages } from './request/list.ts';
import { workloadPath } from './workloads.ts';

/** A workload, by its name. */
export interface WorkloadName {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
}

/** What came of a patch, with the warnings of admission webhooks. `conflict`: a `test` of it did not hold; nothing was changed. */
export type WorkloadPatched =
  | { readonly kind: 'written'; readonly object: JsonObject; readonly warnings: readonly string[] }
  | { readonly kind: 'conflict'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

const FIELD_MANAGER = 'tagpin';
/** The list is begun again so often where its pages are too far apart. */
const MOST_BEGINNINGS = 3;
/** The client lets no more through at once. */
const READS_AT_ONCE = 16;
/** So many are read one by one, whatever there is besides. */
const FEW = 100;
/** One that is read alone costs an API server and us as much as so many in a list, and its turn among our requests besides. */
const COST_OF_ONE = 10;
/** Whole objects of a list: up to 1.5 MB each, mostly some KB. */
const PAGE_OF_WHOLE = 100;

/**
 * The workloads of a kind, in all namespaces, that carry an annotation: raw, and in parts, so that only one of them is held. Their
 * metadata is listed, and those that carry it are read one by one: of 10,000 a few may. Where many do, all are listed whole instead.
 * Where a list has to be begun again some come twice.
 *
 * It throws KubernetesError.
 */
export async function* listFollowedWorkloads(
  client: Pick<KubernetesClient, 'request'>,
  kind: WorkloadKind,
  annotation: string,
  signal: AbortSignal,
): AsyncGenerator<readonly JsonObject[], void> {
  const isFollowed = carries(annotation);
  for (let beginnings = 1; ; beginnings += 1) {
    try {
      yield* listOnce(client, kind, isFollowed, signal);
      return;
    } catch (error) {
      if (!isKubernetesError(error, 'Expired') || beginnings === MOST_BEGINNINGS) throw error;
    }
  }
}

async function* listOnce(
  client: Pick<KubernetesClient, 'request'>,
  kind: WorkloadKind,
  isFollowed: (object: JsonObject) => boolean,
  signal: AbortSignal,
): AsyncGenerator<readonly JsonObject[], void> {
  const path = workloadPath(kind, undefined);
  const names: WorkloadName[] = [];
  let all = 0;
  for await (const { items } of listPages({ client, path, representation: 'metadata', signal })) {
    all += items.length;
    for (const item of items) if (isFollowed(item)) names.push(nameOf(kind, item));
  }
  if (names.length > FEW && names.length * COST_OF_ONE > all) {
    for await (const { items } of listPages({ client, path, pageSize: PAGE_OF_WHOLE, signal })) {
      yield items.filter(isFollowed);
    }
    return;
  }
  for (let from = 0; from < names.length; from += PAGE_OF_WHOLE) {
    yield await readAll(client, names.slice(from, from + PAGE_OF_WHOLE), signal);
  }
}

/** One workload; null where it is not there. @throws KubernetesError */
export async function readWorkloadObject(
  client: Pick<KubernetesClient, 'request'>,
  { kind, namespace, name }: WorkloadName,
  signal: AbortSignal,
): Promise<JsonObject | null> {
  try {
    return await client.request({ method: 'GET', path: workloadPath(kind, namespace, name), signal });
  } catch (error) {
    if (isKubernetesError(error, 'NotFound')) return null;
    throw error;
  }
}

/** Sends a JSON Patch for one workload, and gives what was stored. Rejects with `signal.reason` alone. */
export async function patchWorkload(
  client: Pick<KubernetesClient, 'request'>,
  { kind, namespace, name }: WorkloadName,
  patch: readonly object[],
  signal: AbortSignal,
): Promise<WorkloadPatched> {
  let warnings: readonly string[] = [];
  try {
    const object = await client.request({
      method: 'PATCH',
      patch: 'json',
      path: workloadPath(kind, namespace, name),
      query: { fieldManager: FIELD_MANAGER },
      body: patch,
      warnings: (texts) => {
        warnings = texts;
      },
      signal,
    });
    return { kind: 'written', object, warnings };
  } catch (error) {
    signal.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    return { kind: isOutrunPatch(error) ? 'conflict' : 'failed', message };
  }
}

function carries(annotation: string): (object: JsonObject) => boolean {
  return (object) => asString(valueAt(object, ['metadata', 'annotations', annotation])) !== null;
}

function nameOf(kind: WorkloadKind, object: JsonObject): WorkloadName {
  const textAt = (key: string): string => asString(valueAt(object, ['metadata', key])) ?? '';
  return { kind, namespace: textAt('namespace'), name: textAt('name') };
}

async function readAll(
  client: Pick<KubernetesClient, 'request'>,
  names: readonly WorkloadName[],
  signal: AbortSignal,
): Promise<readonly JsonObject[]> {
  const waiting = [...names];
  const objects: JsonObject[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const object = await readWorkloadObject(client, next, signal);
      if (object !== null) objects.push(object);
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, work));
  return objects;
}
