import { asString, valueAt } from '../core/workload/json.ts';
import type { JsonObject } from './answer.ts';
import type { KubernetesClient } from './client.ts';
import { isKubernetesError, isOutrunPatch } from './error.ts';
import { listPages } from './list.ts';
import { resourcePath } from './resource.ts';

/** A Flux OCIRepository, by its name. */
export interface OciRepositoryName {
  readonly namespace: string;
  readonly name: string;
}

/** What came of a patch. `conflict`: a `test` of it did not hold, or somebody wrote at the same moment; nothing was changed. */
export type OciRepositoryPatched =
  | { readonly kind: 'written' }
  | { readonly kind: 'conflict'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

/** Flux undoes what managers named `kubectl…` write, so that it matters who does. */
const FIELD_MANAGER = 'tagpin';
/** The list is begun again so often where its pages are too far apart. */
const MOST_BEGINNINGS = 3;

/**
 * The OCIRepositories of all namespaces that carry an annotation, raw and page by page. Where a list has to be begun again some come
 * twice. No such resource is none of them.
 *
 * It throws KubernetesError.
 */
export async function* listOciRepositories(
  client: Pick<KubernetesClient, 'request'>,
  annotation: string,
  signal: AbortSignal,
): AsyncGenerator<readonly JsonObject[], void> {
  for (let beginnings = 1; ; beginnings += 1) {
    try {
      for await (const { items } of listPages({ client, path: pathOf(), signal })) {
        const annotated = items.filter(
          (object) => asString(valueAt(object, ['metadata', 'annotations', annotation])) !== null,
        );
        if (annotated.length > 0) yield annotated;
      }
      return;
    } catch (error) {
      if (isKubernetesError(error, 'NotFound')) return;
      if (!isKubernetesError(error, 'Expired') || beginnings === MOST_BEGINNINGS) throw error;
    }
  }
}

/** One OCIRepository; null where it is not there. @throws KubernetesError */
export async function readOciRepositoryObject(
  client: Pick<KubernetesClient, 'request'>,
  name: OciRepositoryName,
  signal: AbortSignal,
): Promise<JsonObject | null> {
  try {
    return await client.request({ method: 'GET', path: pathOf(name), signal });
  } catch (error) {
    if (isKubernetesError(error, 'NotFound')) return null;
    throw error;
  }
}

/** Sends a JSON Patch for one OCIRepository. Rejects with `signal.reason` alone. */
export async function patchOciRepository(
  client: Pick<KubernetesClient, 'request'>,
  name: OciRepositoryName,
  patch: readonly object[],
  signal: AbortSignal,
): Promise<OciRepositoryPatched> {
  try {
    const query = { fieldManager: FIELD_MANAGER };
    const path = pathOf(name);
    await client.request({
      method: 'PATCH',
      patch: 'json',
      path,
      query,
      body: patch,
      representation: 'metadata',
      signal,
    });
    return { kind: 'written' };
  } catch (error) {
    signal.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    return { kind: isOutrunPatch(error) ? 'conflict' : 'failed', message };
  }
}

function pathOf(of: Partial<OciRepositoryName> = {}): string {
  return resourcePath({ group: 'source.toolkit.fluxcd.io', version: 'v1', resource: 'ocirepositories', ...of });
}
