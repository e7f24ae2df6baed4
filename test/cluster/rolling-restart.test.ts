/** Three replicas behind a Service are replaced one by one, while an API server calls them all the time. */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KubernetesClient, openKubernetesClient } from '../../src/kubernetes/client.ts';
import type { ApiObject } from '../environment/control-plane.ts';
import { freePort } from '../environment/control-plane-processes.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import {
  type ClusterWebhook,
  type InstalledPlane,
  linesOf,
  startClusterWebhook,
  startInstalledPlane,
} from '../support/cluster-webhook.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { startRoundRobin } from '../support/round-robin.ts';
import { policyFor } from '../support/webhook-process.ts';
import { imageOf, manifest } from './manifests.ts';

const skip = skipWithout(...CONTROL_PLANE);
const REPLICAS = 3;
/** 10 s as it ships. What matters is that it is longer than the Service takes to hear. */
const DRAIN = ['--drain=3s'];
/** What kube-proxy and the others take until they know that a Pod is ending. */
const SERVICE_LAG = 1000;
const WORKERS = 6;
const PAUSE = 10;
const COLLECTIONS = { Deployment: '/apis/apps/v1/namespaces/shop/deployments', Pod: '/api/v1/namespaces/shop/pods' };

let plane: InstalledPlane;
let registry: TestRegistry;
const ends: (() => unknown)[] = [];
const lifetime = { after: (end: () => unknown): void => void ends.push(end) };
before(async () => {
  if (skip !== false) return;
  registry = await startRegistry();
  lifetime.after(() => registry.close());
  plane = await startInstalledPlane(lifetime);
  const labels = { 'tagpin.dev/inject': 'enabled' };
  await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } });
  await plane.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'tagpin-policy', namespace: 'tagpin-system' },
    data: { 'policy.yaml': policyFor(registry.host) },
  });
});
after(async () => {
  for (const end of ends.toReversed()) await end();
});

/** A replica, and where the Service finds it. */
interface Replica {
  readonly port: number;
  readonly webhook: ClusterWebhook;
}

async function startReplica(): Promise<Replica> {
  const port = await freePort();
  return { port, webhook: await startClusterWebhook(lifetime, plane, { port, args: DRAIN }) };
}

/** Stores Deployments and Pods by a tag, and applies the first Deployment again and again. @returns what was refused. */
function startLoad(client: Pick<KubernetesClient, 'request'>, image: string, signal: AbortSignal) {
  const refused: string[] = [];
  let count = 0;
  async function store(): Promise<unknown> {
    count += 1;
    const kind = count % 2 === 0 ? 'Deployment' : 'Pod';
    const body = manifest(kind, 'shop', image, {}, `load-${count}`);
    return await client.request({ method: 'POST', path: COLLECTIONS[kind], body });
  }
  async function applyAgain(): Promise<unknown> {
    const path = `${COLLECTIONS.Deployment}/again`;
    const body = manifest('Deployment', 'shop', image, {}, 'again');
    return await client.request({ method: 'PATCH', path, patch: 'apply', query: { fieldManager: 'gitops' }, body });
  }
  const workers = Array.from({ length: WORKERS }, async (_, worker) => {
    while (!signal.aborted) {
      await (worker === 0 ? applyAgain() : store()).catch((error: unknown) => {
        refused.push(`${new Date().toISOString()} ${String(error)}`);
      });
      await sleep(PAUSE);
    }
  });
  return { refused, count: () => count, finished: Promise.all(workers) };
}

test('a rolling restart of three replicas under load refuses nothing, and lets no tag through', { skip }, async (t) => {
  const digest = registry.pushImage('shop/web', '1');
  const image = `${registry.host}/shop/web:1`;
  const replicas = await Promise.all(Array.from({ length: REPLICAS }, startReplica));
  const endpoints = new Set(replicas.map(({ port }) => port));
  const service = await startRoundRobin(t, plane.port, () => [...endpoints]);
  const client = openKubernetesClient({ environment: {}, kubeconfig: plane.kubeconfig, requestsPerSecond: 1000 });
  t.after(() => client.close());
  const ending = new AbortController();
  const load = startLoad(client, image, ending.signal);
  t.after(() => ending.abort());

  const all = [...replicas];
  for (const old of replicas) {
    const next = await startReplica();
    all.push(next);
    endpoints.add(next.port);
    const before = load.count();
    // As for a Pod that is deleted: it is asked to end, and still gets new connections until the Service has heard.
    old.webhook.process.signal('SIGTERM');
    await sleep(SERVICE_LAG);
    endpoints.delete(old.port);
    assert.equal((await old.webhook.process.finished).code, 0);
    assert.ok(load.count() > before + 20, `${load.count() - before} objects during a restart`);
  }
  ending.abort();
  await load.finished;

  assert.deepEqual(load.refused, []);
  assert.deepEqual(service.refused, []);
  const stored = (
    await Promise.all(
      Object.entries(COLLECTIONS).map(async ([kind, path]) =>
        (await plane.get(path)).items.map((item: ApiObject) => ({ ...item, kind })),
      ),
    )
  ).flat();
  assert.equal(stored.length, load.count() + 1);
  // Pods are admitted without an answer too, so that a lost request is a tag.
  assert.deepEqual([...new Set(stored.map(imageOf))], [`${registry.host}/shop/web@${digest}`]);
  assert.equal(stored.find(({ metadata }) => metadata.name === 'again').metadata.generation, 1);
  // The API server keeps its connections, so that of the new ones not each has to be called; but none of the old ones is left.
  const called = all.filter(({ port }) => (service.connections.get(port) ?? 0) > 0);
  assert.ok(called.some((replica) => !replicas.includes(replica)));
  for (const { port, webhook } of called) assert.ok(linesOf(webhook, 'admission').length > 0, `reviews by ${port}`);
});
