import { openKubernetesClient } from '../../src/kubernetes/client.ts';
import type { ControlPlane } from '../environment/control-plane.ts';
import type { FollowedImage } from './sweep-once.ts';

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
  readonly images: readonly FollowedImage[];
}

/** Makes Applications as Argo CD has them after a sync of what their images mean now. @returns how many seconds that took. */
export async function createFleet(plane: ControlPlane, { from, to, images }: FleetPart): Promise<number> {
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${FLEET_NAMESPACE}/applications`;
  const bodies = { from, to, bodyOf: (index: number) => application(index, imageOf(images, index)) };
  return await createMany(plane, path, bodies);
}

/** Which objects are made: from one index up to another. */
interface Bodies {
  readonly from: number;
  readonly to: number;
  readonly bodyOf: (index: number) => object;
}

/** Creates objects, some at a time. @returns how many seconds that took. */
export async function createMany(
  { kubeconfig }: ControlPlane,
  path: string,
  { from, to, bodyOf }: Bodies,
): Promise<number> {
  const client = openKubernetesClient({ environment: {}, kubeconfig, requestsPerSecond: 10_000 });
  const began = performance.now();
  let next = from;
  const work = async (): Promise<void> => {
    while (next < to) {
      const index = next;
      next += 1;
      await client.request({ method: 'POST', path, body: bodyOf(index) });
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    await client.close();
  }
  return (performance.now() - began) / 1000;
}

/** Objects follow the images in turns. */
export function imageOf(images: readonly FollowedImage[], index: number): FollowedImage {
  const image = images[index % images.length];
  if (image === undefined) throw new RangeError('there are no images');
  return image;
}

function application(index: number, { repository, tag, digest }: FollowedImage): object {
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
