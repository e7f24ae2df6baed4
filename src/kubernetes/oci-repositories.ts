import { asString, valueAt } from '../core/workload/json.ts';
import type { KubernetesClient } from './client.ts';
import type { JsonObject } from './request/answer.ts';
import {
  type CustomKind,
  listCustomObjects,
  type ObjectName,
  type PatchOutcome,
  patchCustomObject,
  readCustomObject,
} from './request/custom-objects.ts';

const REPOSITORIES: CustomKind = { group: 'source.toolkit.fluxcd.io', version: 'v1', resource: 'ocirepositories' };

/**
 * Flux's OCIRepositories of all namespaces that carry an annotation, raw and page by page. Where a list has to be begun again some come
 * twice. No such resource is none of them.
 *
 * It throws KubernetesError.
 */
export async function* listOciRepositories(
  client: Pick<KubernetesClient, 'request'>,
  annotation: string,
  signal: AbortSignal,
): AsyncGenerator<readonly JsonObject[], void> {
  for await (const objects of listCustomObjects(client, REPOSITORIES, undefined, signal)) {
    const annotated = objects.filter(
      (object) => asString(valueAt(object, ['metadata', 'annotations', annotation])) !== null,
    );
    if (annotated.length > 0) yield annotated;
  }
}

/** One OCIRepository; null where it is not there. @throws KubernetesError */
export async function readOciRepositoryObject(
  client: Pick<KubernetesClient, 'request'>,
  name: ObjectName,
  signal: AbortSignal,
): Promise<JsonObject | null> {
  return await readCustomObject(client, REPOSITORIES, name, signal);
}

/** Sends a JSON Patch for one OCIRepository. Rejects with `signal.reason` alone. */
export async function patchOciRepository(
  client: Pick<KubernetesClient, 'request'>,
  name: ObjectName,
  patch: readonly object[],
  signal: AbortSignal,
): Promise<PatchOutcome> {
  return await patchCustomObject(client, REPOSITORIES, name, { patch, signal });
}
