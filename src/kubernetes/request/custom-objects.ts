import type { KubernetesClient } from '../client.ts';
import type { JsonObject } from './answer.ts';
import { isKubernetesError } from './error.ts';
import { listPages } from './list.ts';
import { resourcePath } from './resource.ts';

/** A kind of custom resources, of which there may be none in a cluster, nor the kind itself. */
export interface CustomKind {
  readonly group: string;
  readonly version: string;
  /** The plural in lower case: `applications`. */
  readonly resource: string;
  /** How many are listed at a time, where they are large: a page is held whole. */
  readonly pageSize?: number;
}

/** An object in its namespace. */
export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** What came of a patch. `conflict`: a `test` of it did not hold, or somebody wrote at the same moment; nothing was changed. */
export type PatchOutcome =
  | { readonly kind: 'written' }
  | { readonly kind: 'conflict'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

/** Flux undoes what managers named `kubectl…` write, so that it matters who does. */
const FIELD_MANAGER = 'tagpin';
/** The list is begun again so often where its pages are too far apart. */
const MOST_BEGINNINGS = 3;

/**
 * The objects of a kind, raw and page by page, so that only one page is held. Where a list has to be begun again some come twice. No
 * such kind is none of them.
 *
 * It throws KubernetesError.
 *
 * @param namespace undefined for all of them.
 */
export async function* listCustomObjects(
  client: Pick<KubernetesClient, 'request'>,
  { pageSize, ...kind }: CustomKind,
  namespace: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<readonly JsonObject[], void> {
  const path = resourcePath({ ...kind, namespace });
  for (let beginnings = 1; ; beginnings += 1) {
    try {
      const pages = listPages({ client, path, signal, ...(pageSize !== undefined && { pageSize }) });
      for await (const { items } of pages) yield items;
      return;
    } catch (error) {
      if (isKubernetesError(error, 'NotFound')) return;
      if (!isKubernetesError(error, 'Expired') || beginnings === MOST_BEGINNINGS) throw error;
    }
  }
}

/** One object; null where it is not there. @throws KubernetesError */
export async function readCustomObject(
  client: Pick<KubernetesClient, 'request'>,
  kind: CustomKind,
  name: ObjectName,
  signal: AbortSignal,
): Promise<JsonObject | null> {
  try {
    return await client.request({ method: 'GET', path: pathOf(kind, name), signal });
  } catch (error) {
    if (isKubernetesError(error, 'NotFound')) return null;
    throw error;
  }
}

/** Sends a JSON Patch for one object. Rejects with `signal.reason` alone. */
export async function patchCustomObject(
  client: Pick<KubernetesClient, 'request'>,
  kind: CustomKind,
  name: ObjectName,
  { patch, signal }: { readonly patch: readonly object[]; readonly signal: AbortSignal },
): Promise<PatchOutcome> {
  try {
    await client.request({
      method: 'PATCH',
      patch: 'json',
      path: pathOf(kind, name),
      query: { fieldManager: FIELD_MANAGER },
      body: patch,
      // Nobody reads the answer, and a whole object may have a hundred kilobytes.
      representation: 'metadata',
      signal,
    });
    return { kind: 'written' };
  } catch (error) {
    signal.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    // A `test` that does not hold is Invalid; so is what a schema or a webhook refuses, which a second look finds out.
    const isOutrun = isKubernetesError(error, 'Conflict', 'Invalid', 'NotFound');
    return { kind: isOutrun ? 'conflict' : 'failed', message };
  }
}

function pathOf({ group, version, resource }: CustomKind, { namespace, name }: ObjectName): string {
  return resourcePath({ group, version, resource, namespace, name });
}
