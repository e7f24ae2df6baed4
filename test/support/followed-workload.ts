import assert from 'node:assert/strict';
import { property } from '../../src/core/workload/json.ts';
import type { ApiObject } from '../environment/control-plane.ts';
import type { Manifest } from './admission.ts';
import type { FollowedCluster } from './followed-cluster.ts';
import type { Swept, SweptRow } from './swept-cluster.ts';

/** The kinds of workloads that can follow tags. */
export type FollowedKind = 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'CronJob';

/** A workload of a test. */
export interface WantedWorkload {
  readonly namespace: string;
  readonly kind?: FollowedKind;
  readonly name?: string;
  /** By name: an image, or the rest of the container too. */
  readonly containers: Readonly<Record<string, string | Manifest>>;
  /** The entries of `tagpin.dev/follow`. */
  readonly follow: readonly Manifest[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** Besides what every workload of its kind has. */
  readonly spec?: Manifest;
  /** What its controller says of it at first; `settled` unless given. */
  readonly rollout?: Rollout;
}

/**
 * What a controller says of a rollout: all is new and available; some is not yet; the deadline has passed (Deployments alone have
 * one); nothing, since the controller has not seen the change.
 */
export type Rollout = 'settled' | 'rolling' | 'stuck' | 'unseen';

/** A workload that is there. */
export interface FollowedWorkload {
  readonly namespace: string;
  readonly kind: FollowedKind;
  readonly name: string;
  readonly path: string;
  readonly uid: string;
  /** The flag that has a sweep look at nothing else. */
  readonly only: string;
  /** As it is stored. */
  stored(): Promise<ApiObject>;
  /** The image of a container, the first unless one is named. */
  image(container?: string): Promise<string>;
  /** The value of a container's variable; null where there is none. */
  variable(name: string, container?: string): Promise<string | null>;
  annotation(key: string): Promise<string | null>;
  /** What its Pods are made from, as JSON: another one is a rollout. */
  template(): Promise<string>;
  /** How often what it should be was changed; of a Deployment, its annotations too. */
  generation(): Promise<number>;
  /** Writes what its controller would say of it now. */
  rolls(rollout: Rollout): Promise<void>;
  /** Sweeps once, and gives what the report says of it. */
  sweep(...args: readonly string[]): Promise<Swept>;
  /** Sweeps once: `ALIAS OUTCOME REASON` for all that it follows, sorted. */
  look(...args: readonly string[]): Promise<readonly string[]>;
  /** Its rollout ends well, which a sweep sees. */
  finish(): Promise<void>;
  /** Changes it as somebody with this field manager. */
  edit(patch: readonly object[], manager?: string): Promise<void>;
  /** The Events about it: type, reason and note, sorted. */
  events(): Promise<readonly string[]>;
}

const RESOURCES: Readonly<Record<FollowedKind, string>> = {
  Deployment: 'apis/apps/v1/namespaces/NAMESPACE/deployments',
  StatefulSet: 'apis/apps/v1/namespaces/NAMESPACE/statefulsets',
  DaemonSet: 'apis/apps/v1/namespaces/NAMESPACE/daemonsets',
  CronJob: 'apis/batch/v1/namespaces/NAMESPACE/cronjobs',
};

/** `ALIAS OUTCOME REASON`. */
function summary({ alias, outcome, reason }: SweptRow): string {
  return `${alias} ${outcome} ${reason}`;
}

/** The manifest of a workload, as users write it. */
export function followedManifest(wanted: WantedWorkload): Manifest {
  const { namespace, kind = 'Deployment', name = 'web', containers, follow, annotations = {}, spec = {} } = wanted;
  const labels = { app: name };
  const list = Object.entries(containers).map(([container, what]) => ({
    name: container,
    ...(typeof what === 'string' ? { image: what } : what),
  }));
  const metadata = {
    name,
    namespace,
    annotations: { ...(follow.length > 0 && { 'tagpin.dev/follow': JSON.stringify(follow) }), ...annotations },
  };
  if (kind === 'CronJob') {
    const jobTemplate = { spec: { template: { spec: { restartPolicy: 'Never', containers: list } } } };
    return { apiVersion: 'batch/v1', kind, metadata, spec: { schedule: '0 0 1 1 *', jobTemplate, ...spec } };
  }
  const template = { metadata: { labels }, spec: { containers: list } };
  const more = kind === 'DaemonSet' ? {} : { replicas: 1, ...(kind === 'StatefulSet' && { serviceName: name }) };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata,
    spec: { ...more, selector: { matchLabels: labels }, template, ...spec },
  };
}

/** Creates a workload. */
export async function createFollowed(cluster: FollowedCluster, wanted: WantedWorkload): Promise<FollowedWorkload> {
  const { namespace, kind = 'Deployment', name = 'web', rollout = 'settled' } = wanted;
  const path = `/${RESOURCES[kind].replace('NAMESPACE', namespace)}`;
  await cluster.client.request({ method: 'POST', path, body: followedManifest(wanted) });
  const workload = await findFollowed(cluster, { namespace, kind, name });
  if (kind !== 'CronJob') await workload.rolls(rollout);
  return workload;
}

/** A workload that is there already, whoever made it. */
export async function findFollowed(
  cluster: FollowedCluster,
  { namespace, kind, name }: Pick<FollowedWorkload, 'namespace' | 'kind' | 'name'>,
): Promise<FollowedWorkload> {
  const path = `/${RESOURCES[kind].replace('NAMESPACE', namespace)}/${name}`;
  const stored = (): Promise<ApiObject> => cluster.client.request({ method: 'GET', path });
  const { uid } = (await stored()).metadata;
  const containerOf = async (container?: string): Promise<ApiObject> => {
    const { spec } = await stored();
    const { containers } = (kind === 'CronJob' ? spec.jobTemplate.spec : spec).template.spec;
    return container === undefined ? containers[0] : containers.find((each: ApiObject) => each.name === container);
  };
  const sweep = async (...args: readonly string[]): Promise<Swept> => {
    const swept = await cluster.sweep(namespace, ...args);
    const own = swept.changes.filter(({ target }) => target.kind === kind && target.name === name);
    return { ...swept, changes: own };
  };
  const rolls = async (rollout: Rollout): Promise<void> => {
    if (rollout === 'unseen') return;
    const body = { status: statusOf(kind, await stored(), rollout) };
    await cluster.client.request({ method: 'PATCH', patch: 'merge', path: `${path}/status`, body });
  };
  const look = async (...args: readonly string[]) => (await sweep(...args)).changes.map(summary).toSorted();
  return {
    namespace,
    kind,
    name,
    path,
    uid,
    only: `--target=${kind}/${namespace}/${name}`,
    stored,
    image: async (container) => (await containerOf(container)).image,
    async variable(variable, container) {
      const found = (await containerOf(container)).env?.find((each: ApiObject) => each.name === variable);
      return found === undefined ? null : (found.value ?? '');
    },
    annotation: async (key) => (await stored()).metadata.annotations?.[key] ?? null,
    async template() {
      const { spec } = await stored();
      return JSON.stringify(spec.template ?? spec.jobTemplate);
    },
    generation: async () => (await stored()).metadata.generation,
    rolls,
    sweep,
    look,
    async finish() {
      await rolls('settled');
      const changes = await look();
      assert.ok(
        changes.some((each) => each.endsWith(' unchanged RolledOut')),
        changes.join(),
      );
      // A note for people is something that a Deployment's controller has to look at, too.
      await rolls('settled');
    },
    async edit(patch, manager = 'kubectl-edit') {
      const query = { fieldManager: manager };
      await cluster.client.request({ method: 'PATCH', patch: 'json', path, query, body: patch });
    },
    async events() {
      const { items } = await cluster.plane.get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
      const own = (items as Manifest[]).filter(
        ({ regarding }) => property(regarding, 'kind') === kind && property(regarding, 'name') === name,
      );
      return own.map(({ type, reason, note }) => [type, reason, note].join(' ')).toSorted();
    },
  };
}

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/ */
function statusOf(kind: FollowedKind, { metadata, spec }: ApiObject, rollout: Exclude<Rollout, 'unseen'>): Manifest {
  const isSettled = rollout === 'settled';
  const observedGeneration = metadata.generation;
  const count = spec.replicas ?? 1;
  const fresh = isSettled ? count : 0;
  switch (kind) {
    case 'Deployment': {
      const reasons = {
        settled: 'NewReplicaSetAvailable',
        rolling: 'ReplicaSetUpdated',
        stuck: 'ProgressDeadlineExceeded',
      };
      const progressing = rollout === 'stuck' ? 'False' : 'True';
      return {
        observedGeneration,
        replicas: isSettled ? count : count + 1,
        updatedReplicas: isSettled ? count : 1,
        readyReplicas: count,
        availableReplicas: count,
        unavailableReplicas: isSettled ? null : 1,
        conditions: [
          { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
          { type: 'Progressing', status: progressing, reason: reasons[rollout] },
        ],
      };
    }
    case 'StatefulSet':
      return {
        observedGeneration,
        replicas: count,
        readyReplicas: count,
        availableReplicas: count,
        currentReplicas: count - fresh,
        updatedReplicas: fresh,
        currentRevision: isSettled ? `r-${observedGeneration}` : `r-${observedGeneration - 1}`,
        updateRevision: `r-${observedGeneration}`,
      };
    case 'DaemonSet':
      return {
        observedGeneration,
        desiredNumberScheduled: 1,
        currentNumberScheduled: 1,
        numberMisscheduled: 0,
        numberReady: 1,
        numberAvailable: 1,
        updatedNumberScheduled: isSettled ? 1 : 0,
      };
    case 'CronJob':
      return {};
  }
}
