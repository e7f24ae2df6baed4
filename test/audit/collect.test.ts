import assert from 'node:assert/strict';
import test from 'node:test';
import { collectNamespace } from '../../src/audit/collect.ts';
import type { ObservedSlot } from '../../src/core/audit/row.ts';
import { valueAt } from '../../src/core/workload/json.ts';
import type { WorkloadKind } from '../../src/core/workload/kinds.ts';
import { deployment, digest, type Images, job, type Manifest, pod, policyOf, workload } from '../support/admission.ts';

const [A, B] = [digest('a'), digest('b')];
const FACTS = { policy: policyOf(undefined), namespace: 'shop', namespaceLabels: {} };

type Objects = Partial<Record<WorkloadKind, readonly (Manifest | Error)[]>>;

/** Collects from a table of objects, each on a page of its own; an error is thrown where it stands. */
async function collect(objects: Objects) {
  const failures: string[] = [];
  const seen: string[] = [];
  async function* list(kind: WorkloadKind) {
    for (const object of objects[kind] ?? []) {
      if (object instanceof Error) throw object;
      yield [object];
    }
  }
  const failed = (kind: WorkloadKind, error: unknown): void => void failures.push(`${kind}: ${String(error)}`);
  const slots = await collectNamespace(
    { list, failed, saw: (kind, object) => seen.push(`${kind} ${nameOf(object)}`) },
    FACTS,
  );
  return { failures, seen, rows: slots.map(describe) };
}

function nameOf(object: unknown): string {
  return String(valueAt(object, ['metadata', 'name']));
}

function describe({ kind, name, slot, observations }: ObservedSlot): string {
  const pods = observations.map((each) => `${each.pods} ${each.slot.image} ${each.running?.slice(0, 9) ?? '-'}`);
  return [`${kind}/${name} ${slot.key}`, ...pods].join(', ');
}

const meta = (name: string, uid: string, owner?: readonly [string, string, string]): Manifest => ({
  name,
  uid,
  ...(owner && {
    ownerReferences: [{ apiVersion: owner[0], kind: owner[1], name: 'o', uid: owner[2], controller: true }],
  }),
});
const replicaSet = (name: string, uid: string, owner?: readonly [string, string, string]): Manifest =>
  workload('apps/v1', 'ReplicaSet', { template: pod({ app: 'nginx:1' }) }, meta(name, uid, owner));
const running = (
  images: Images,
  uid: string,
  running: Images,
  owner?: readonly [string, string, string],
): Manifest => ({
  ...pod(images, meta(`pod-${uid}`, uid, owner)),
  status: {
    containerStatuses: Object.entries(running).map(([name, imageID]) => ({ name, imageID })),
    ephemeralContainerStatuses: Object.entries(running).map(([name, imageID]) => ({ name, imageID })),
  },
});

const OF_DEPLOYMENT = ['apps/v1', 'Deployment', 'd'] as const;
const OF_SET = ['apps/v1', 'ReplicaSet', 'rs'] as const;

test('the Pods of all ReplicaSets of a Deployment are its own, counted by what they are and run', async () => {
  const pods = ['1', '2', '3'].map((uid) => running({ app: `nginx@${A}` }, uid, { app: `nginx@${A}` }, OF_SET));
  const old = running({ app: `nginx@${B}` }, '4', { app: `nginx@${B}` }, ['apps/v1', 'ReplicaSet', 'rs-old']);
  const { rows, failures } = await collect({
    Deployment: [deployment({ app: `nginx@${A}` }, meta('web', 'd'))],
    ReplicaSet: [replicaSet('web-1', 'rs-old', OF_DEPLOYMENT), replicaSet('web-2', 'rs', OF_DEPLOYMENT)],
    Pod: [...pods, old],
  });
  assert.deepEqual(rows, [`Deployment/web containers/app, 3 nginx@${A} sha256:61, 1 nginx@${B} sha256:62`]);
  assert.deepEqual(failures, []);
});

test('what only Pods have is a row of their owner, one for each image', async () => {
  const sidecar = { app: 'nginx:1', proxy: 'proxy:2', 'ephemeralContainers/debug': 'busybox:1' };
  const { rows } = await collect({
    Deployment: [deployment({ app: 'nginx:1' }, meta('web', 'd'))],
    ReplicaSet: [replicaSet('web-1', 'rs', OF_DEPLOYMENT)],
    Pod: [
      running(sidecar, '1', { proxy: `proxy@${A}`, debug: `busybox@${B}` }, OF_SET),
      running({ app: 'nginx:1', proxy: 'proxy:3' }, '2', {}, OF_SET),
    ],
  });
  assert.deepEqual(rows, [
    'Deployment/web containers/app, 2 nginx:1 -',
    'Deployment/web containers/proxy, 1 proxy:2 sha256:61',
    'Deployment/web ephemeralContainers/debug, 1 busybox:1 sha256:62',
    'Deployment/web containers/proxy, 1 proxy:3 -',
  ]);
});

test('whose owner is not there, or is nobody that is known, stands for itself', async () => {
  const { rows } = await collect({
    ReplicaSet: [replicaSet('of-rollout', 'rs', ['argoproj.io/v1alpha1', 'Rollout', 'r'])],
    Job: [job({ app: 'nginx:1' }, meta('orphan', 'j', ['batch/v1', 'CronJob', 'gone']))],
    Pod: [
      running({ app: 'nginx:1' }, '1', { app: `nginx@${A}` }, OF_SET),
      running({ app: 'nginx:1' }, '2', { app: `nginx@${A}` }, ['batch/v1', 'Job', 'j']),
      running({ app: 'nginx:1' }, '3', { app: `nginx@${A}` }, ['apps/v1', 'ReplicaSet', 'gone']),
      running({ app: 'nginx:1' }, '4', {}),
    ],
  });
  assert.deepEqual(rows, [
    'ReplicaSet/of-rollout containers/app, 1 nginx:1 sha256:61',
    'Job/orphan containers/app, 1 nginx:1 sha256:61',
    'Pod/pod-3 containers/app, 1 nginx:1 sha256:61',
    'Pod/pod-4 containers/app, 1 nginx:1 -',
  ]);
});

test('a kind that can not be listed, or not wholly, is told, and the others are answered', async () => {
  const { rows, failures } = await collect({
    Deployment: [deployment({ app: 'nginx:1' }, meta('web', 'd')), new Error('broken off')],
    ReplicaSet: [new Error('forbidden')],
    Pod: [running({ app: 'nginx:1' }, '1', {}, OF_SET)],
  });
  assert.deepEqual(rows, ['Deployment/web containers/app', 'Pod/pod-1 containers/app, 1 nginx:1 -']);
  assert.deepEqual(failures, ['Deployment: Error: broken off', 'ReplicaSet: Error: forbidden']);
});

test('what is thrown when that is told ends the collection', async () => {
  const needs = {
    list: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('expired')) }) }),
    failed: (_kind: string, error: unknown): void => {
      throw error;
    },
    saw: () => {},
  };
  await assert.rejects(() => collectNamespace(needs, FACTS), /expired/);
});

test('every object is shown once, also one that gets no row of its own', async () => {
  const owned = {
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'w', controller: true }],
  };
  const { seen } = await collect({
    Deployment: [deployment({ app: 'nginx:1' }, { name: 'web', uid: 'w' })],
    ReplicaSet: [workload('apps/v1', 'ReplicaSet', {}, { name: 'web-1', uid: 'r', ...owned })],
  });
  assert.deepEqual(seen, ['Deployment web', 'ReplicaSet web-1']);
});
