import { compileGlob } from '../../core/policy/grammar/glob.ts';
import { asString, valueAt } from '../../core/workload/json.ts';
import type { KubernetesClient } from '../client.ts';
import type { JsonObject } from '../request/answer.ts';
import {
  type CustomKind,
  listCustomObjects,
  type ObjectName,
  type PatchOutcome,
  patchCustomObject,
  readCustomObject,
} from '../request/custom-objects.ts';

const ARGO = { group: 'argoproj.io', version: 'v1alpha1' } as const;
/** An Application with a few hundred resources has 100 KB of status. */
const APPLICATIONS: CustomKind = { ...ARGO, resource: 'applications', pageSize: 100 };
const APPLICATION_SETS: CustomKind = { ...ARGO, resource: 'applicationsets' };

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
    for (const namespace of new Set(namespaces)) yield* listCustomObjects(client, APPLICATIONS, namespace, signal);
    return;
  }
  const matches = namespaces.map(compileGlob);
  for await (const objects of listCustomObjects(client, APPLICATIONS, undefined, signal)) {
    const ours = objects.filter((object) => {
      const namespace = asString(valueAt(object, ['metadata', 'namespace']));
      return namespace !== null && matches.some((covers) => covers(namespace));
    });
    if (ours.length > 0) yield ours;
  }
}

/** One Application; null where it is not there. @throws KubernetesError */
export async function readApplicationObject(
  client: Pick<KubernetesClient, 'request'>,
  name: ObjectName,
  signal: AbortSignal,
): Promise<JsonObject | null> {
  return await readCustomObject(client, APPLICATIONS, name, signal);
}

/** One ApplicationSet; null where it is not there. @throws KubernetesError */
export async function readApplicationSet(
  client: Pick<KubernetesClient, 'request'>,
  name: ObjectName,
  signal: AbortSignal,
): Promise<JsonObject | null> {
  return await readCustomObject(client, APPLICATION_SETS, name, signal);
}

/** Sends a JSON Patch for one Application. Rejects with `signal.reason` alone. */
export async function patchApplication(
  client: Pick<KubernetesClient, 'request'>,
  name: ObjectName,
  patch: readonly object[],
  signal: AbortSignal,
): Promise<PatchOutcome> {
  return await patchCustomObject(client, APPLICATIONS, name, { patch, signal });
}
