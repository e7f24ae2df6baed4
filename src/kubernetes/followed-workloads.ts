import { asString, valueAt } from '../core/workload/json.ts';
import type { WorkloadKind } from '../core/workload/kinds.ts';
import type { JsonObject } from './answer.ts';
import type { KubernetesClient } from './client.ts';
import { isKubernetesError, isOutrunPatch } from './error.ts';
import { listPages } from './list.ts';
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

/**
 * The workloads of a kind, in all namespaces, that carry an annotation: raw, and page by page, so that only one page is held. Only
 * their metadata is listed, and those that carry it are read one by one: of 10,000 a few may. Where a list has to be begun again
 * some come twice.
 *
 * It throws KubernetesError.
 */
export async function* listFollowedWorkloads(
  client: Pick<KubernetesClient, 'request'>,
  kind: WorkloadKind,
  annotation: string,
  signal: AbortSignal,
): AsyncGenerator<readonly JsonObject[], void> {
  const path = workloadPath(kind, undefined);
  for (let beginnings = 1; ; beginnings += 1) {
    try {
      for await (const { items } of listPages({ client, path, representation: 'metadata', signal })) {
        const objects = await readAll(client, kind, items.filter(carries(annotation)), signal);
        if (objects.length > 0) yield objects;
      }
      return;
    } catch (error) {
      if (!isKubernetesError(error, 'Expired') || beginnings === MOST_BEGINNINGS) throw error;
    }
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

async function readAll(
  client: Pick<KubernetesClient, 'request'>,
  kind: WorkloadKind,
  found: readonly JsonObject[],
  signal: AbortSignal,
): Promise<readonly JsonObject[]> {
  const waiting = [...found];
  const objects: JsonObject[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const textAt = (key: string): string => asString(valueAt(next, ['metadata', key])) ?? '';
      const object = await readWorkloadObject(
        client,
        { kind, namespace: textAt('namespace'), name: textAt('name') },
        signal,
      );
      if (object !== null) objects.push(object);
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, work));
  return objects;
}
