import assert from 'node:assert/strict';
import { join } from 'node:path';
import { helm } from './chart.ts';
import type { FollowedCluster } from './followed-cluster.ts';
import { type FollowedKind, type FollowedWorkload, findFollowed } from './followed-workload.ts';

/** The folder of a chart whose refresh CronJob is replaced. */
export const REFRESH_CHART = join(import.meta.dirname, '../cases/refresh-chart');

/** The variable that carries the digest of the ingestor. */
export const CHART_VARIABLE = 'INGESTOR_IMAGE_DIGEST';

/** The images by their keys in the chart's values. */
export const CHART_IMAGES = { jobsManager: 'jobs-manager', podsMonitor: 'pods-monitor', ingestor: 'ingestor' } as const;

const TAGS = { 'jobs-manager': 'prod', 'pods-monitor': 'prod', ingestor: '0.3' } as const;
type Image = keyof typeof TAGS;

/** A release of the chart, in two namespaces of its own that are opted in. */
export interface ChartRelease {
  readonly namespace: string;
  /** Three images in one Deployment, one of them in a variable. */
  readonly manager: FollowedWorkload;
  /** A Deployment of one of these images, too. */
  readonly proxy: FollowedWorkload;
  /** A DaemonSet in the other namespace, of another of these images. */
  readonly monitor: FollowedWorkload;
  /** What the tags meant at first. */
  readonly first: Readonly<Record<Image, string>>;
  readonly repository: (image: Image) => string;
  /** Makes the tag of an image mean something new. @returns the digest. */
  readonly push: (image: Image) => string;
  /** `helm upgrade` with these values and `--flags`. @returns what helm said where it failed. */
  readonly upgrade: (...more: readonly string[]) => Promise<string>;
  /** Upgrades to tagpin in the place of the CronJob. */
  readonly takeOver: () => Promise<void>;
  /** All controllers say that all is new and available. */
  readonly settle: () => Promise<void>;
  /** Opts the first namespace out again. */
  readonly optOut: () => Promise<void>;
}

/** Installs the chart with its CronJob, and does what that would have done. @param flags of every `helm upgrade`. */
export async function releaseChart(cluster: FollowedCluster, flags: readonly string[]): Promise<ChartRelease> {
  const { registry, plane, client } = cluster;
  const namespace = await cluster.namespace({});
  const agents = await cluster.namespace({});
  const repository = (image: Image): string => `${registry.host}/${namespace}/${image}`;
  const push = (image: Image): string => registry.pushImage(`${namespace}/${image}`, TAGS[image]);
  const first = {
    'jobs-manager': push('jobs-manager'),
    'pods-monitor': push('pods-monitor'),
    ingestor: push('ingestor'),
  };
  const values = [
    `agentsNamespace=${agents}`,
    ...Object.entries(CHART_IMAGES).map(([key, image]) => `images.${key}.repository=${repository(image)}`),
  ];
  async function upgrade(...more: readonly string[]): Promise<string> {
    const set = [...values, ...more.filter((each) => !each.startsWith('--'))].flatMap((each) => ['--set-string', each]);
    const { folder, kubeconfig } = plane;
    const args = ['upgrade', '--install', 'edge', REFRESH_CHART, '--namespace', namespace, ...set, ...flags];
    const { code, stdout, stderr } = await helm([...args, ...more.filter((each) => each.startsWith('--'))], {
      folder,
      kubeconfig,
    });
    return code === 0 ? '' : `${stdout}${stderr}`;
  }
  const label = async (name: string, value: string | null): Promise<void> => {
    const body = { metadata: { labels: { 'tagpin.dev/inject': value } } };
    await client.request({ method: 'PATCH', patch: 'merge', path: `/api/v1/namespaces/${name}`, body });
  };
  const find = (kind: FollowedKind, name: string, where = namespace) =>
    findFollowed(cluster, { kind, namespace: where, name });

  assert.equal(await upgrade('refresh=cronjob'), '');
  const manager = await find('Deployment', 'jobs-manager');
  const proxy = await find('Deployment', 'requests-proxy');
  const monitor = await find('DaemonSet', 'resource-monitor', agents);
  const settle = async (): Promise<void> => {
    for (const each of [manager, proxy, monitor]) await each.rolls('settled');
  };
  // As in the CronJob's script.
  const kubectl = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await plane.kubectl([...args, '--namespace', namespace]);
    assert.equal(code, 0, stderr);
  };
  await kubectl('set', 'env', 'deployment/jobs-manager', '--containers=api', `${CHART_VARIABLE}=${first.ingestor}`);
  const recorded = Object.entries(first).map(
    ([image, digest]) => `tracebloc.io/last-refreshed-${image}-digest=${digest}`,
  );
  await kubectl('annotate', 'deployment/jobs-manager', ...recorded);
  await settle();
  for (const name of [namespace, agents]) await label(name, 'enabled');
  return {
    namespace,
    manager,
    proxy,
    monitor,
    first,
    repository,
    push,
    upgrade,
    settle,
    takeOver: async () => assert.equal(await upgrade('refresh=tagpin'), ''),
    optOut: () => label(namespace, null),
  };
}
