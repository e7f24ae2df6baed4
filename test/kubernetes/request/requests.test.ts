/** Requests to a real API server: once, again, or given up. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type ClusterOptions, openKubernetesClient } from '../../../src/kubernetes/client.ts';
import { acceptOf } from '../../../src/kubernetes/request/requests.ts';
import { CONTROL_PLANE, skipWithout } from '../../environment/programs.ts';
import { startApiProxy, statusBody } from '../../support/api-proxy.ts';
import { sharedControlPlane } from '../../support/control-plane.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import type { Fault } from '../../support/faults.ts';
import { changedKubeconfig } from '../../support/kubeconfig.ts';

test('metadata is asked for as what it is: of one object, or of a list', () => {
  assert.equal(acceptOf('object', 'list'), 'application/json');
  assert.equal(acceptOf(undefined, 'object'), 'application/json');
  assert.match(acceptOf('metadata', 'object'), /as=PartialObjectMetadata;/);
  assert.match(acceptOf('metadata', 'list'), /as=PartialObjectMetadataList;/);
});

describe('a request', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();

  async function setUp(t: TestContext, more: Partial<ClusterOptions> = {}) {
    const namespace = await shared.namespace();
    const api = await startApiProxy(t, shared.plane.kubeconfig);
    const proxy = await startFaultProxy(t, api.url);
    const cluster = { server: proxy.url, 'certificate-authority-data': Buffer.from(api.authority).toString('base64') };
    const kubeconfig = changedKubeconfig(shared.plane.kubeconfig, { cluster });
    const client = openKubernetesClient({ environment: {}, kubeconfig, ...more });
    t.after(() => client.close());
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const get = () => client.request({ method: 'GET', path });
    const post = (name: string) => client.request({ method: 'POST', path, body: { metadata: { name } } });
    return { client, api, proxy, path, get, post };
  }

  const status = (code: number, reason: string, retryAfter?: string): Fault => ({
    kind: 'status',
    status: code,
    body: statusBody(code, reason, 'not now'),
    headers: { 'content-type': 'application/json', ...(retryAfter !== undefined && { 'retry-after': retryAfter }) },
  });

  test('is sent over connections that are kept', async (t) => {
    const { get, proxy } = await setUp(t, { requestsPerSecond: 1000 });
    for (let times = 0; times < 30; times += 1) await get();
    // A second one is made where the first is not yet seen to be free.
    assert.ok(proxy.connections() <= 2, `${proxy.connections()} connections`);
    await Promise.all(Array.from({ length: 100 }, get));
    assert.ok(proxy.connections() <= 16, `${proxy.connections()} connections`);
  });

  test('waits its turn where many are made', async (t) => {
    const { get } = await setUp(t, { requestsPerSecond: 20 });
    const begin = performance.now();
    await Promise.all(Array.from({ length: 30 }, get));
    assert.ok(performance.now() - begin >= 450, 'ten of them came too early');
  });

  test('is sent again when the server had too much to do, also one that writes', async (t) => {
    const { get, post, api } = await setUp(t);
    api.faults.arm(status(429, 'TooManyRequests', '1'), { times: 2 });
    const begin = performance.now();
    await Promise.all([get(), post('one')]);
    assert.ok(performance.now() - begin >= 1000, 'it came back too early');
    assert.equal(api.requests.length, 4);
  });

  test('that would wait for too long is given up with what the server asked for', async (t) => {
    const { get, api } = await setUp(t);
    api.faults.arm(status(429, 'TooManyRequests', '3600'));
    await assert.rejects(get(), { code: 'TooManyRequests', retryAfterMilliseconds: 3_600_000 });
    assert.equal(api.requests.length, 1);
  });

  test('that reads is sent again after a problem of the server or the network, one that writes is not', async (t) => {
    const { get, post, api } = await setUp(t);
    const faults: readonly Fault[] = [status(503, 'ServiceUnavailable'), { kind: 'reset', after: 'request' }];
    for (const fault of faults) {
      api.faults.arm(fault, { times: 2 });
      await get();
      const disarm = api.faults.arm(fault);
      await assert.rejects(post('one'), { code: fault.kind === 'reset' ? 'Unreachable' : 'Unavailable' });
      disarm();
    }
    assert.equal(api.requests.filter(({ method }) => method === 'POST').length, 2);
    api.faults.arm(status(500, 'InternalError'));
    await assert.rejects(get(), { code: 'Unavailable', message: /^GET \/api\/v1\/\S+: not now$/ });
  });

  test('ends after its time, whatever the server does', async (t) => {
    const { get, api, proxy } = await setUp(t, { timeoutMilliseconds: 400 });
    const ends = async (): Promise<void> => {
      const begin = performance.now();
      await assert.rejects(get(), { code: 'Timeout', message: /no answer within 0\.4 s$/ });
      assert.ok(performance.now() - begin < 3000, 'it was late');
    };
    for (const fault of [
      { kind: 'hang', after: 'request' },
      { kind: 'hang', after: 'headers' },
      { kind: 'endless' },
    ] as const) {
      const disarm = api.faults.arm(fault);
      await ends();
      disarm();
    }
    proxy.mode('silent');
    await ends();
    proxy.mode('pass');
    proxy.cut();
    await get();
  });

  test('ends with its signal, also while it is being connected or waits for its turn', async (t) => {
    const { client, path, proxy } = await setUp(t);
    proxy.mode('silent');
    const ending = new AbortController();
    const { signal } = ending;
    const asked = Array.from({ length: 40 }, () => client.request({ method: 'GET', path, signal }));
    const begin = performance.now();
    setTimeout(() => ending.abort(new Error('enough')), 50);
    await Promise.all(asked.map((each) => assert.rejects(each, /^Error: enough$/)));
    assert.ok(performance.now() - begin < 2000, 'it was late');
  });

  test('patches in each of the ways', async (t) => {
    const { client, path, post } = await setUp(t);
    await post('one');
    const patch = (kind: 'json' | 'merge' | 'strategic' | 'apply', body: unknown) =>
      client.request({
        method: 'PATCH',
        path: `${path}/one`,
        patch: kind,
        body,
        query: { fieldManager: 'test', ...(kind === 'apply' && { force: 'true' }) },
      });
    await patch('merge', { data: { merge: '1' } });
    await patch('strategic', { data: { strategic: '1' } });
    await patch('json', [{ op: 'add', path: '/data/json', value: '1' }]);
    const { data } = await patch('apply', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'one' },
      data: { apply: '1' },
    });
    assert.deepEqual(data, { merge: '1', strategic: '1', json: '1', apply: '1' });
  });

  test('tells the warnings that come with its answer, and what the server refuses', async (t) => {
    const { client, path } = await setUp(t);
    const warnings: string[] = [];
    const pod = {
      metadata: { name: 'web', annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' } },
      spec: { containers: [{ name: 'app', image: 'nginx', env: [{ name: 'A' }, { name: 'A' }] }] },
    };
    await client.request({
      method: 'POST',
      path: path.replace('configmaps', 'pods'),
      query: { dryRun: 'All' },
      body: pod,
      warnings: (texts) => warnings.push(...texts),
    });
    assert.ok(
      warnings.some((text) => text.includes('hides previous definition of "A"')),
      warnings.join('\n'),
    );
    const bad = { ...pod, spec: { containers: [] } };
    await assert.rejects(client.request({ method: 'POST', path: path.replace('configmaps', 'pods'), body: bad }), {
      code: 'Invalid',
      status: 422,
      message: /^POST \S+pods: Pod "web" is invalid: spec\.containers: Required value$/,
    });
  });
});
