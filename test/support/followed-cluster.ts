import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { type KubernetesClient, openKubernetesClient } from '../../src/kubernetes/client.ts';
import { STATE_CONFIG_MAPS } from '../../src/kubernetes/sweep-state.ts';
import type { ApiObject, ControlPlaneOptions } from '../environment/control-plane.ts';
import { type Gate, startApiProxy } from './api-proxy.ts';
import { rowsOf } from './audited-cluster.ts';
import { type InstalledPlane, startClusterWebhook, startInstalledPlane } from './cluster-webhook.ts';
import { runCommandHere } from './command-here.ts';
import { changedKubeconfig } from './kubeconfig.ts';
import { type FinishedProcess, type RunningProcess, startProcess } from './process.ts';
import { startRegistry, type TestRegistry } from './registry.ts';
import type { Swept, SweptRow } from './swept-cluster.ts';
import { policyFor } from './webhook-process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/tagpin');

/** How a cluster with workloads that follow tags is started. */
export interface FollowedClusterOptions extends ControlPlaneOptions {
  /** `none`: the configurations are installed, and nobody opts in. */
  readonly webhook?: 'running' | 'none';
}

/** A control plane with tagpin installed, a registry, and `tagpin sweep` as a process. */
export interface FollowedCluster {
  readonly plane: InstalledPlane;
  /** Of the administrator. */
  readonly client: KubernetesClient;
  readonly registry: TestRegistry;
  /** Makes a namespace that no other test uses; opted in where the webhook runs, unless labels say something else. @returns its name. */
  namespace(labels?: Readonly<Record<string, string>>): Promise<string>;
  /** Replaces what the policy says besides the registries. */
  policy(more?: string): Promise<void>;
  /** Sweeps once and gives what the report says of one namespace. */
  sweep(namespace: string, ...args: readonly string[]): Promise<Swept>;
  /** Runs `tagpin sweep` to its end, in this process: a test looks dozens of times, and each start would take most of the time. */
  run(...args: readonly string[]): Promise<FinishedProcess>;
  /** Starts `tagpin sweep`. */
  start(...args: readonly string[]): RunningProcess;
  /** A kubeconfig of a way to the API server at which requests can be held up. */
  gated(t: TestContext, gate: Gate): Promise<string>;
  /** Changes what is remembered of a target; it is gone where the answer is null. */
  changeState(uid: string, change: (state: ApiObject) => string | null): Promise<void>;
  /** What is remembered of a target; null where that is nothing. */
  state(uid: string): Promise<ApiObject>;
}

/** Starts such a cluster before the tests of the suite that calls this, and ends it after them. */
export function followedCluster(options: FollowedClusterOptions = {}): FollowedCluster {
  const { webhook = 'running', ...planeOptions } = options;
  const ends: (() => unknown)[] = [];
  const lifetime = { after: (end: () => unknown): void => void ends.push(end) };
  let started: Pick<FollowedCluster, 'plane' | 'client' | 'registry'> | null = null;
  let namespaces = 0;

  const running = () => started ?? assert.fail('the cluster is started before the tests, not before the suite');
  const environment = () => ({ PATH: process.env['PATH'], HOME: running().plane.folder, NODE_COMPILE_CACHE: COMPILED });
  const argumentsOf = (args: readonly string[]): readonly string[] => [
    'sweep',
    ...(args.some((each) => each.startsWith('--kubeconfig=')) ? [] : [`--kubeconfig=${running().plane.kubeconfig}`]),
    ...args,
  ];

  async function policy(more = ''): Promise<void> {
    const { plane, registry } = running();
    // Tags move here all the time, and what is new has to be seen at once.
    const text = policyFor(registry.host, more).replace('registries:\n', 'registries:\n  freshFor: 0s\n');
    const metadata = { name: 'tagpin-policy', namespace: 'tagpin-system' };
    await plane.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'policy.yaml': text } });
  }

  async function shardOf(uid: string): Promise<{ readonly path: string; readonly text: string | null }> {
    for (const name of STATE_CONFIG_MAPS) {
      const path = `/api/v1/namespaces/tagpin-system/configmaps/${name}`;
      const found: ApiObject = await running()
        .client.request({ method: 'GET', path })
        .catch(() => null);
      const text = found?.data?.[uid];
      if (typeof text === 'string') return { path, text };
    }
    return { path: '', text: null };
  }

  before(async () => {
    const registry = await startRegistry();
    lifetime.after(() => registry.close());
    const plane = await startInstalledPlane(lifetime, planeOptions);
    const client = openKubernetesClient({ environment: {}, kubeconfig: plane.kubeconfig, requestsPerSecond: 1000 });
    lifetime.after(() => client.close());
    started = { plane, client, registry };
    await policy();
    if (webhook === 'running') await startClusterWebhook(lifetime, plane);
  });
  after(async () => {
    for (const end of ends.toReversed()) await end();
  });

  return {
    get plane() {
      return running().plane;
    },
    get client() {
      return running().client;
    },
    get registry() {
      return running().registry;
    },
    policy,
    async namespace(labels = webhook === 'running' ? { 'tagpin.dev/inject': 'enabled' } : {}) {
      namespaces += 1;
      const name = `test-${namespaces}`;
      const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
      await running().client.request({ method: 'POST', path: '/api/v1/namespaces', body });
      return name;
    },
    async sweep(namespace, ...args) {
      const { code, stdout, stderr } = await this.run('--once', '-o', 'json', ...args);
      assert.ok(code === 0 || stdout !== '', stderr);
      const rows = rowsOf(stdout) as unknown as readonly SweptRow[];
      return { code, stderr, changes: rows.filter(({ target }) => target.namespace === namespace) };
    },
    run: (...args) => runCommandHere(argumentsOf(args), environment()),
    start: (...args) => startProcess(process.execPath, [MAIN, ...argumentsOf(args)], { environment: environment() }),
    async gated(t, gate) {
      const { kubeconfig } = running().plane;
      const { url: server, authority } = await startApiProxy(t, kubeconfig, gate);
      const data = Buffer.from(authority).toString('base64');
      return changedKubeconfig(kubeconfig, { cluster: { server, 'certificate-authority-data': data } });
    },
    async changeState(uid, change) {
      const { path, text } = await shardOf(uid);
      assert.ok(text !== null, `nothing is remembered of ${uid}`);
      const body = { data: { [uid]: change(JSON.parse(text)) } };
      await running().client.request({ method: 'PATCH', patch: 'merge', path, body });
    },
    async state(uid) {
      const { text } = await shardOf(uid);
      return text === null ? null : JSON.parse(text);
    },
  };
}
