import { asString, valueAt } from '../../core/workload/json.ts';
import type { KubernetesClient } from '../client.ts';
import type { JsonObject } from '../request/answer.ts';
import { isKubernetesError } from '../request/error.ts';
import { listPages } from '../request/list.ts';
import { resourcePath } from '../request/resource.ts';

/** Argo CD Image Updater's resources of all namespaces; none where there is no such resource. @throws KubernetesError */
export async function listImageUpdaters(
  client: Pick<KubernetesClient, 'request'>,
  signal: AbortSignal,
): Promise<readonly JsonObject[]> {
  const group = 'argocd-image-updater.argoproj.io';
  const path = resourcePath({ group, version: 'v1alpha1', resource: 'imageupdaters' });
  const objects: JsonObject[] = [];
  try {
    for await (const { items } of listPages({ client, path, signal })) objects.push(...items);
  } catch (error) {
    if (!isKubernetesError(error, 'NotFound')) throw error;
  }
  return objects;
}

/** What its manager's Lease is called, in whatever namespace it was installed. */
const LEASE = 'c21b75f2.argoproj.io';
/** A clock may be that wrong, and what ended holds its Lease no longer than a fraction of this. */
const RECENT_MILLISECONDS = 120_000;

/**
 * Makes what says whether Image Updater runs: whether somebody holds its Lease, and renewed it lately or since the last look.
 *
 * What it gives rejects with KubernetesError.
 *
 * @param now milliseconds since 1970.
 */
export function watchImageUpdaterLease(
  client: Pick<KubernetesClient, 'request'>,
  now: () => number,
): (signal: AbortSignal) => Promise<boolean> {
  const path = resourcePath({ group: 'coordination.k8s.io', version: 'v1', resource: 'leases' });
  const seen = new Map<string, string>();
  return async (signal) => {
    let isRunning = false;
    const query = { fieldSelector: `metadata.name=${LEASE}` };
    for await (const { items } of listPages({ client, path, query, signal })) {
      for (const lease of items) {
        const holder = asString(valueAt(lease, ['spec', 'holderIdentity'])) ?? '';
        const renewed = asString(valueAt(lease, ['spec', 'renewTime'])) ?? '';
        const namespace = asString(valueAt(lease, ['metadata', 'namespace'])) ?? '';
        const before = seen.get(namespace);
        seen.set(namespace, renewed);
        if (holder === '') continue;
        const isRecent = Math.abs(now() - Date.parse(renewed)) < RECENT_MILLISECONDS;
        if (isRecent || (before !== undefined && before !== renewed)) isRunning = true;
      }
    }
    return isRunning;
  };
}
