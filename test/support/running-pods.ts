import type { KubernetesClient } from '../../src/kubernetes/client.ts';

/** An object as the API server sent it, as far as it can own others. */
export interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly uid: string };
}

/** Pods of one kind: how many, of whom, of what, and what their node's kubelet would say that they run. */
export interface PodsWanted {
  readonly namespace: string;
  readonly name: string;
  readonly count?: number;
  readonly owner?: Owner;
  readonly image: string;
  /** Of the one container, `app`; null where it does not run yet. */
  readonly imageID: string | null;
  readonly phase?: string;
}

const AT_ONCE = 50;

/** The `ownerReferences` of what belongs to an object. */
export function ownedBy({ apiVersion, kind, metadata }: Owner): readonly object[] {
  return [{ apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true }];
}

/** Makes Pods as a controller does, and writes their status as a kubelet does: there is neither here. */
export async function runPods(client: Pick<KubernetesClient, 'request'>, wanted: PodsWanted): Promise<void> {
  const { namespace, name, count = 1, owner, image, imageID, phase = 'Running' } = wanted;
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const runOne = async (index: number): Promise<void> => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${name}-${index}`, ...(owner !== undefined && { ownerReferences: ownedBy(owner) }) },
      spec: { containers: [{ name: 'app', image }] },
    };
    await client.request({ method: 'POST', path, body: pod });
    const containerStatuses = [
      { name: 'app', image, imageID: imageID ?? '', ready: imageID !== null, restartCount: 0, state: {} },
    ];
    const body = { status: { phase, containerStatuses } };
    await client.request({ method: 'PATCH', path: `${path}/${name}-${index}/status`, patch: 'merge', body });
  };
  for (let start = 0; start < count; start += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - start) }, (_, index) => runOne(start + index)));
  }
}
