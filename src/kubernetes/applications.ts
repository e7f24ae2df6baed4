import { compileGlob } from '../core/policy/grammar/glob.ts';
import { asString, valueAt } from '../core/workload/json.ts';
import type { JsonObject } from './answer.ts';
import type { KubernetesClient } from './client.ts';
import { isKubernetesError, isOutrunPatch } from './error.ts';
import { listPages } from './list.ts';
import { resourcePath } from './resource.ts';

/** One of Argo CD's resources, by its name. */
export interface ArgoName {
  readonly namespace: string;
  readonly name: string;
}

/** What came of a patch. `conflict`: a `test` of it did not hold, or somebody wrote at the same moment; nothing was changed. */
export type PatchOutcome =
  | { readonly kind: 'written' }
  | { readonly kind: 'conflict'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

const FIELD_MANAGER = 'tagpin';
/** An Application with a few hundred resources has 100 KB of status, and a page is held whole. */
const PAGE = 100;
/** The list is begun again so often where its pages are too far apart. */
const MOST_BEGINNINGS = 3;

/**
 * The Applications in the namespaces that globs name, raw and page by page, so that only one page is held. Where a list has to be
 * begun again, some come twice. No such resource is none of them.
 *
 * It throws KubernetesError.
 */
export async function* listApplications(
  client: Pick<KubernetesClient, 'request'>,
  namespaces: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<readonly JsonObject[], void> {
  const isLiteral = namespaces.every((glob) => !glob.includes('*'));
  if (isLiteral) {
    for (const namespace of new Set(namespaces)) yield* listIn(client, namespace, signal);
    return;
  }
  const matches = namespaces.map(compileGlob);
  for await (const objects of listIn(client, undefined, signal)) {
    const ours = objects.filter((object) => {
      const namespace = asString(valueAt(object, ['metadata', 'namespace']));
      return namespace !== null && matches.some((covers) => covers(namespace));
    });
    if (ours.length > 0) yield ours;
  }
}

async function* listIn(
  client: Pick<KubernetesClient, 'request'>,
  namespace: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<readonly JsonObject[], void> {
  for (let beginnings = 1; ; beginnings += 1) {
    try {
      const path = applicationPath(namespace);
      for await (const { items } of listPages({ client, path, pageSize: PAGE, signal })) yield items;
      return;
    } catch (error) {
      if (isKubernetesError(error, 'NotFound')) return;
      if (!isKubernetesError(error, 'Expired') || beginnings === MOST_BEGINNINGS) throw error;
    }
  }
}

/** One Application; null where it is not there. @throws KubernetesError */
export async function readApplicationObject(
  client: Pick<KubernetesClient, 'request'>,
  { namespace, name }: ArgoName,
  signal: AbortSignal,
): Promise<JsonObject | null> {
  return await readOrNull(client, applicationPath(namespace, name), signal);
}

/** One ApplicationSet; null where it is not there. @throws KubernetesError */
export async function readApplicationSet(
  client: Pick<KubernetesClient, 'request'>,
  { namespace, name }: ArgoName,
  signal: AbortSignal,
): Promise<JsonObject | null> {
  const path = resourcePath({ ...ARGO, resource: 'applicationsets', namespace, name });
  return await readOrNull(client, path, signal);
}

/** Sends a JSON Patch for one Application. Rejects with `signal.reason` alone. */
export async function patchApplication(
  client: Pick<KubernetesClient, 'request'>,
  { namespace, name }: ArgoName,
  patch: readonly object[],
  signal: AbortSignal,
): Promise<PatchOutcome> {
  try {
    await client.request({
      method: 'PATCH',
      patch: 'json',
      path: applicationPath(namespace, name),
      query: { fieldManager: FIELD_MANAGER },
      body: patch,
      // Nobody reads the answer, and a whole Application may have a hundred kilobytes.
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

const ARGO = { group: 'argoproj.io', version: 'v1alpha1' } as const;

function applicationPath(namespace: string | undefined, name?: string): string {
  return resourcePath({ ...ARGO, resource: 'applications', namespace, name });
}

async function readOrNull(
  client: Pick<KubernetesClient, 'request'>,
  path: string,
  signal: AbortSignal,
): Promise<JsonObject | null> {
  try {
    return await client.request({ method: 'GET', path, signal });
  } catch (error) {
    if (isKubernetesError(error, 'NotFound')) return null;
    throw error;
  }
}
