import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKubernetesClient } from '../../src/kubernetes/client.ts';
import { listPages } from '../../src/kubernetes/request/list.ts';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { startRegistry } from '../support/registry.ts';
import { createMany, imageOf } from './fleet.ts';
import { buildProgram } from './subjects.ts';
import { type FollowedImage, prepare, pushImages, sweepOnce } from './sweep-once.ts';

/** How many Deployments there are, how many of them follow how many images, and who hears how far it is. */
export interface WorkloadRuns {
  readonly workloads: number;
  readonly followers: number;
  readonly images: number;
  readonly say: (line: string) => void;
}

const NAMESPACE = 'shop';
const PATH = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;

/** Sweeps Deployments of which a few follow tags, in a real control plane: the first time, and when nothing moved. */
export async function measureWorkloads({ workloads, followers, images, say }: WorkloadRuns): Promise<object> {
  const ends: (() => Promise<void>)[] = [];
  try {
    say('starting a control plane');
    const folder = await mkdtemp(join(tmpdir(), 'tagpin-bench-'));
    ends.push(() => rm(folder, { recursive: true, force: true }));
    const program = await buildProgram(folder, 'sweeper');
    const registry = await startRegistry();
    ends.push(() => registry.close());
    const plane = await startControlPlane({ after: (end) => ends.push(end) });
    await prepare(plane, registry, NAMESPACE);
    const followed = pushImages(registry, images);
    const place = { program, plane, registry, say };

    say(`creating ${workloads} Deployments, of which ${followers} follow`);
    // Spread over all pages of a list, as they are in a cluster.
    const every = Math.ceil(workloads / followers);
    const bodyOf = (index: number): object =>
      deployment(index, imageOf(followed, Math.floor(index / every)), index % every === 0);
    const createSeconds = await createMany(plane, PATH, { from: 0, to: workloads, bodyOf });
    const first = await sweepOnce(place, 'the first time');
    const nothingMoved = await sweepOnce(place, 'nothing moved');
    return {
      workloads,
      followers,
      images,
      createSeconds,
      first,
      nothingMoved,
      bareListsSeconds: await listBare(plane),
    };
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

/** What listing them costs without tagpin: whole, and their metadata alone, as it is asked for (`PartialObjectMetadata`). */
async function listBare({ kubeconfig }: ControlPlane): Promise<Readonly<Record<string, number>>> {
  const client = openKubernetesClient({ environment: {}, kubeconfig });
  try {
    const seconds: Record<string, number> = {};
    for (const representation of ['object', 'metadata'] as const) {
      const began = performance.now();
      for await (const _ of listPages({ client, path: PATH, representation }));
      seconds[representation] = (performance.now() - began) / 1000;
    }
    return seconds;
  } finally {
    await client.close();
  }
}

/** As the webhook left it: about 5 KB with what the API server adds. */
function deployment(index: number, { repository, tag, digest }: FollowedImage, isFollowing: boolean): object {
  const name = `app-${index}`;
  const labels = { app: name };
  const env = Array.from({ length: 20 }, (_, each) => ({ name: `SETTING_${each}`, value: `value of ${each}` }));
  const pins = { 'containers/app': { digest, ref: `${repository}:${tag}` }, v: 1 };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name,
      labels,
      annotations: {
        'example.com/owner': `team-${index % 50}`,
        'tagpin.dev/pins': JSON.stringify(pins),
        ...(isFollowing && {
          'tagpin.dev/follow': JSON.stringify([{ container: 'app' }]),
        }),
      },
    },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'app', image: `${repository}@${digest}`, env }] },
      },
    },
  };
}
