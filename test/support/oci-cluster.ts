import assert from 'node:assert/strict';
import { before, type TestContext } from 'node:test';
import { valueAt } from '../../src/core/workload/json.ts';
import type { Manifest } from './admission.ts';
import { installFluxResources } from './custom-resources.ts';
import { secret } from './pull-secrets.ts';
import { sweptCluster } from './swept-cluster.ts';

/** An OCIRepository of a test. */
export interface WantedOciRepository {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ref?: Manifest;
  readonly spec?: Manifest;
}

/** A swept cluster with Flux's own definition, and OCIRepositories that are all called `app`. */
export function ociCluster() {
  const cluster = sweptCluster();
  const { shared } = cluster;
  const apply = (object: object) => shared.plane.apply(object);

  before(async () => {
    assert.equal(await shared.namespace(), 'test-1');
    const without = await cluster.run('--once', '-o', 'json');
    assert.deepEqual([without.code, without.stdout, without.stderr], [0, '', ''], 'no such resource is no error');
    assert.equal(await installFluxResources(shared.plane), null);
  });

  function pathOf(namespace: string): string {
    return `/apis/source.toolkit.fluxcd.io/v1/namespaces/${namespace}/ocirepositories`;
  }

  async function create(namespace: string, { annotations, ref, spec }: WantedOciRepository = {}): Promise<void> {
    const body = {
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'OCIRepository',
      metadata: { name: 'app', annotations: { 'tagpin.dev/follow': 'semver', ...annotations } },
      spec: {
        url: `oci://${cluster.registry().host}/acme/${namespace}`,
        interval: '1m',
        ref: { semver: '>=1.0.0', ...ref },
        ...spec,
      },
    };
    await shared.client.request({ method: 'POST', path: pathOf(namespace), body });
  }

  async function get(namespace: string): Promise<Manifest> {
    return await shared.client.request({ method: 'GET', path: `${pathOf(namespace)}/app` });
  }

  const refOf = async (namespace: string) => valueAt(await get(namespace), ['spec', 'ref']);

  async function edit(namespace: string, patch: readonly object[], fieldManager = 'kubectl-edit'): Promise<void> {
    const path = `${pathOf(namespace)}/app`;
    await shared.client.request({ method: 'PATCH', patch: 'json', path, query: { fieldManager }, body: patch });
  }

  const push = (namespace: string, tag: string) => cluster.registry().pushImage(`acme/${namespace}`, tag);

  /** Sweeps, and says what came of the one in the namespace. */
  async function sweep(namespace: string, ...args: readonly string[]) {
    const { changes, stderr } = await cluster.sweep(namespace, ...args);
    assert.equal(changes.length, 1, JSON.stringify({ changes, stderr }));
    const [change] = changes;
    return { ...(change ?? assert.fail()), stderr, said: `${change?.outcome} ${change?.reason}` };
  }

  async function policy(text: string): Promise<void> {
    const metadata = { name: 'tagpin-policy', namespace: 'tagpin-system' };
    await apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'policy.yaml': text } });
  }

  /** The policy of the other tests again, when this one is over. */
  async function otherPolicy(t: TestContext, text: string): Promise<void> {
    t.after(() => cluster.policy());
    await policy(text);
  }

  const opaque = (namespace: string, name: string, values: Readonly<Record<string, string>>) =>
    apply(
      secret(
        namespace,
        name,
        'Opaque',
        Object.fromEntries(Object.entries(values).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
      ),
    );

  return { cluster, shared, apply, create, get, refOf, edit, push, sweep, policy, otherPolicy, opaque, pathOf };
}
