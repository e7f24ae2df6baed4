import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { property } from '../../src/core/workload/json.ts';
import type { Manifest } from './admission.ts';
import { type Gate, startApiProxy } from './api-proxy.ts';
import { rowsOf } from './audited-cluster.ts';
import { type SharedControlPlane, sharedControlPlane } from './control-plane.ts';
import { installArgoCdResources } from './custom-resources.ts';
import { changedKubeconfig } from './kubeconfig.ts';
import { type FinishedProcess, type RunningProcess, runProcess, startProcess } from './process.ts';
import { type RegistryOptions, startRegistry, type TestRegistry } from './registry.ts';
import { policyFor } from './webhook-process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/tagpin');

/** An Application of a test. */
export interface WantedApplication {
  readonly namespace: string;
  readonly name?: string;
  /** Keys without `tagpin.dev/`. */
  readonly follow?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly metadata?: Manifest;
  readonly source?: Manifest;
  readonly spec?: Manifest;
  readonly status?: Manifest;
}

/** One line of a report. */
export interface SweptRow {
  readonly target: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly alias: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly outcome: string;
  readonly reason: string;
  readonly message: string;
}

/** What a sweep printed. */
export interface Swept {
  readonly code: number;
  readonly stderr: string;
  readonly changes: readonly SweptRow[];
}

/** A control plane with Argo CD's resources and nothing of Argo CD that runs, a registry, and the policy that lets it be asked. */
export function sweptCluster(options: RegistryOptions = {}) {
  const shared: SharedControlPlane = sharedControlPlane();
  let started: TestRegistry | null = null;
  before(async () => {
    started = await startRegistry(options);
    assert.equal(await installArgoCdResources(shared.plane), null);
    await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tagpin-system' } });
    await policy();
  });
  after(() => started?.close());

  const registry = (): TestRegistry => started ?? assert.fail('the registry is started before the tests');
  const environment = () => ({ PATH: process.env['PATH'], HOME: shared.plane.folder, NODE_COMPILE_CACHE: COMPILED });
  const argumentsOf = (args: readonly string[]): string[] => [
    MAIN,
    'sweep',
    `--kubeconfig=${shared.plane.kubeconfig}`,
    ...args,
  ];
  const pathOf = (namespace: string, name = ''): string =>
    `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/applications${name === '' ? '' : `/${name}`}`;

  /** Applies the policy; all test namespaces may have Applications unless something else is said. */
  async function policy(sweep = 'sweep:\n  applicationNamespaces: ["test-*"]\n', otherHost = ''): Promise<void> {
    const more = otherHost === '' ? '' : `  - {host: "${otherHost}", plainHttp: true}\n`;
    await shared.plane.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'tagpin-policy', namespace: 'tagpin-system' },
      data: { 'policy.yaml': policyFor(registry().host, more + sweep) },
    });
  }

  async function get(namespace: string, name = 'shop'): Promise<Manifest> {
    return await shared.client.request({ method: 'GET', path: pathOf(namespace, name) });
  }

  return {
    shared,
    registry,
    policy,
    get,
    pathOf,

    async create(wanted: WantedApplication): Promise<Manifest> {
      const { namespace, name = 'shop', follow = {}, annotations = {}, metadata, source, spec, status } = wanted;
      const own = Object.entries(follow).map(([key, value]) => [`tagpin.dev/${key}`, value]);
      const body = {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Application',
        metadata: { name, annotations: { ...Object.fromEntries(own), ...annotations }, ...metadata },
        spec: {
          project: 'default',
          destination: { server: 'https://kubernetes.default.svc', namespace: 'shop' },
          ...(spec === undefined && {
            source: {
              repoURL: 'https://git.example/deploy.git',
              path: 'shop',
              targetRevision: 'main',
              helm: {},
              ...source,
            },
          }),
          ...spec,
        },
        status: { sourceType: 'Helm', ...status },
      };
      return await shared.client.request({ method: 'POST', path: pathOf(namespace), body });
    },

    /** Changes an Application as somebody with this field manager. */
    async edit(namespace: string, name: string, patch: readonly object[], manager = 'kubectl-edit'): Promise<void> {
      const query = { fieldManager: manager };
      const path = pathOf(namespace, name);
      await shared.client.request({ method: 'PATCH', patch: 'json', path, query, body: patch });
    },

    /** Sweeps the Applications of one namespace, once. */
    async sweep(namespace: string, ...args: readonly string[]): Promise<Swept> {
      const { code, stdout, stderr } = await this.run('--once', '-o', 'json', ...args);
      const rows = rowsOf(stdout) as unknown as readonly SweptRow[];
      const changes = rows.filter(({ target }) => target.namespace === namespace);
      return { code, stderr, changes };
    },

    /** Runs `tagpin sweep` to its end. */
    run: (...args: readonly string[]): Promise<FinishedProcess> =>
      runProcess(process.execPath, argumentsOf(args), { environment: environment() }),

    /** Starts `tagpin sweep`. */
    start: (...args: readonly string[]): RunningProcess =>
      startProcess(process.execPath, argumentsOf(args), { environment: environment() }),

    /** A kubeconfig of a way to the API server at which requests can be held up. */
    async gated(t: TestContext, gate: Gate): Promise<string> {
      const { url: server, authority } = await startApiProxy(t, shared.plane.kubeconfig, gate);
      const data = Buffer.from(authority).toString('base64');
      return changedKubeconfig(shared.plane.kubeconfig, { cluster: { server, 'certificate-authority-data': data } });
    },

    /** The Events about an Application: type, reason and note, sorted. */
    async events(namespace: string, name = 'shop'): Promise<readonly string[]> {
      const { items } = await shared.plane.get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
      const own = (items as Manifest[]).filter((event) => property(event['regarding'], 'name') === name);
      return own.map(({ type, reason, note }) => [type, reason, note].join(' ')).toSorted();
    },

    /** The value of a Helm parameter; null where there is none. */
    async parameter(namespace: string, parameter: string, name = 'shop'): Promise<string | null> {
      const { spec } = (await get(namespace, name)) as { spec: { source: { helm?: { parameters?: Manifest[] } } } };
      const found = spec.source.helm?.parameters?.find((each) => each['name'] === parameter);
      return (found?.['value'] as string | undefined) ?? null;
    },
  };
}
