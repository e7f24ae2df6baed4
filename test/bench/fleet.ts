import { openKubernetesClient } from '../../src/kubernetes/client.ts';
import type { ControlPlane } from '../environment/control-plane.ts';

/** Where Argo CD and all Applications are. */
export const FLEET_NAMESPACE = 'argocd';
const AT_ONCE = 16;
/** What an Application of some size has: a status of about 8 kB. */
const RESOURCES = 25;
const HISTORY = 10;

/** Which Applications are made: from one index up to another, which follow the images in turns. */
export interface FleetPart {
  readonly from: number;
  readonly to: number;
  readonly images: readonly FleetImage[];
}

/** A tag that is followed by digest. */
export interface FleetImage {
  /** `HOST/REPOSITORY`. */
  readonly repository: string;
  readonly tag: string;
  /** What the tag means now, and what runs. */
  readonly digest: string;
}

/** Makes Applications as Argo CD has them after a sync of what their images mean now. @returns how many seconds that took. */
export async function createFleet({ kubeconfig }: ControlPlane, { from, to, images }: FleetPart): Promise<number> {
  const client = openKubernetesClient({ environment: {}, kubeconfig, requestsPerSecond: 10_000 });
  const began = performance.now();
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${FLEET_NAMESPACE}/applications`;
  let next = from;
  const work = async (): Promise<void> => {
    while (next < to) {
      const index = next;
      next += 1;
      const image = images[index % images.length];
      if (image !== undefined) await client.request({ method: 'POST', path, body: application(index, image) });
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    await client.close();
  }
  return (performance.now() - began) / 1000;
}

function application(index: number, { repository, tag, digest }: FleetImage): object {
  const name = `shop-${index}`;
  const parameters = [
    { name: 'replicas', value: '2' },
    { name: 'image.name', value: repository },
    { name: 'image.tag', value: `${tag}@${digest}` },
  ];
  const repoURL = 'https://git.example/deploy.git';
  const source = { repoURL, path: `apps/${name}`, targetRevision: 'main', helm: { parameters } };
  const revision = 'f'.repeat(40);
  const time = '2026-11-21T10:00:00Z';
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      name,
      labels: { team: `team-${index % 50}` },
      annotations: { 'tagpin.dev/image-list': `shop=${repository}:${tag}`, 'tagpin.dev/update-strategy': 'digest' },
    },
    spec: {
      project: 'default',
      destination: { server: 'https://kubernetes.default.svc', namespace: name },
      source,
      syncPolicy: { automated: { prune: true, selfHeal: true } },
    },
    status: {
      sourceType: 'Helm',
      health: { status: 'Healthy' },
      sync: { status: 'Synced', revision, comparedTo: { source, destination: { namespace: name } } },
      summary: { images: [`${repository}:${tag}@${digest}`] },
      history: Array.from({ length: HISTORY }, (_, id) => ({ id, revision, source, deployedAt: time })),
      resources: Array.from({ length: RESOURCES }, (_, each) => ({
        group: 'apps',
        version: 'v1',
        kind: 'Deployment',
        namespace: name,
        name: `${name}-${each}`,
        status: 'Synced',
        health: { status: 'Healthy' },
      })),
      reconciledAt: time,
    },
  };
}
