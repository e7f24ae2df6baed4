/** Who we are to a real API server, and what it tells while we watch. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterOptions, openKubernetesClient, type WatchRequest } from '../../src/kubernetes/client.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { startApiProxy, statusBody } from '../support/api-proxy.ts';
import { sharedControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { changedKubeconfig } from '../support/kubeconfig.ts';

const REVIEWS = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

describe('a client', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();

  function open(t: TestContext, options: Partial<ClusterOptions>) {
    const client = openKubernetesClient({ environment: {}, ...options });
    t.after(() => client.close());
    return client;
  }

  /** Who the API server says we are. */
  async function whoami(client: ReturnType<typeof openKubernetesClient>): Promise<string> {
    const { status } = await client.request({ method: 'POST', path: REVIEWS, body: {} });
    return (status as { userInfo: { username: string } }).userInfo.username;
  }

  async function tokenOf(namespace: string, name: string): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    const account = { metadata: { name } };
    await shared.client.request({ method: 'POST', path, body: account }).catch(() => {});
    const { status } = await shared.client.request({ method: 'POST', path: `${path}/${name}/token`, body: {} });
    return (status as { token: string }).token;
  }

  const write = (name: string, text: string): string => {
    const path = join(mkdtempSync(join(shared.plane.folder, 'client-')), name);
    writeFileSync(path, text, { mode: 0o700 });
    return path;
  };

  test('is whom its kubeconfig names: by certificate, token, plugin, or on behalf of another', async (t) => {
    const { plane } = shared;
    assert.equal(await whoami(open(t, { kubeconfig: await plane.kubeconfigFor('alice') })), 'alice');
    const token = await tokenOf(await shared.namespace(), 'robot');
    const robot = /^system:serviceaccount:test-\d+:robot$/;
    const as = (user: object) => open(t, { kubeconfig: changedKubeconfig(plane.kubeconfig, { user: { ...user } }) });
    assert.match(await whoami(as({ token })), robot);
    const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } };
    assert.match(await whoami(as({ token: 'outdated', tokenFile: write('token', `${token}\n`) })), robot);
    const { users } = JSON.parse(readFileSync(plane.kubeconfig, 'utf8'));
    assert.equal(await whoami(as({ ...users[0].user, as: 'carol' })), 'carol');
    const command = write('plugin', `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`);
    assert.match(await whoami(as({ exec: { apiVersion: credential.apiVersion, command } })), robot);
  });

  test('asks a credential plugin again when what it gave is refused', async (t) => {
    const token = await tokenOf(await shared.namespace(), 'robot');
    const file = write('token', 'outdated');
    const command = write(
      'plugin',
      `#!/bin/sh\necho "{\\"apiVersion\\":\\"client.authentication.k8s.io/v1\\",\\"kind\\":\\"ExecCredential\\",\\"status\\":{\\"token\\":\\"$(cat ${file})\\"}}"\n`,
    );
    const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command } };
    const client = open(t, { kubeconfig: changedKubeconfig(shared.plane.kubeconfig, { user }) });
    await assert.rejects(whoami(client), { code: 'Unauthorized' });
    writeFileSync(file, token);
    assert.match(await whoami(client), /robot$/);
  });

  test('tells a plugin that fails, and nothing of what it wrote', async (t) => {
    const fails = (command: string, args: readonly string[] = []) => {
      const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command, args } };
      return whoami(open(t, { kubeconfig: changedKubeconfig(shared.plane.kubeconfig, { user }) }));
    };
    for (const asking of [fails('/nowhere/plugin'), fails('/bin/sh', ['-c', 'echo s3cret >&2; exit 1'])]) {
      await assert.rejects(asking, (error: Error & { code?: string }) => {
        assert.equal(error.code, 'BadKubeconfig');
        assert.doesNotMatch(error.message, /s3cret/);
        return true;
      });
    }
  });

  test('is its Pod in a cluster, reads its token again when it is refused, and its authority when it was renewed', async (t) => {
    const namespace = await shared.namespace();
    const folder = mkdtempSync(join(shared.plane.folder, 'pod-'));
    const put = (name: string, text: string): void => writeFileSync(join(folder, name), text);
    put('token', await tokenOf(namespace, 'robot'));
    put('ca.crt', shared.plane.authority);
    put('namespace', namespace);
    const { hostname, port } = new URL(shared.plane.server);
    const environment = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
    const client = open(t, { environment, serviceAccountFolder: folder });
    assert.equal(client.namespace, namespace);
    assert.equal(await whoami(client), `system:serviceaccount:${namespace}:robot`);

    const later = open(t, { environment, serviceAccountFolder: folder });
    put('token', 'outdated');
    await assert.rejects(whoami(later), { code: 'Unauthorized' });
    put('token', await tokenOf(namespace, 'other'));
    assert.equal(await whoami(later), `system:serviceaccount:${namespace}:other`);

    put('ca.crt', (await startApiProxy(t, shared.plane.kubeconfig)).authority);
    const untrusting = open(t, { environment, serviceAccountFolder: folder });
    await assert.rejects(whoami(untrusting), { code: 'Unreachable', message: /certificate is not trusted/ });
    put('ca.crt', shared.plane.authority);
    await eventually('the authority is read again', async () => (await whoami(untrusting)) !== '');
  });

  test('finds its kubeconfig as kubectl does, and says what is wrong with it', async (t) => {
    const { kubeconfig } = shared.plane;
    const shop = changedKubeconfig(kubeconfig, { context: { namespace: 'shop' } });
    assert.equal(open(t, { kubeconfig: shop }).namespace, 'shop');
    assert.equal(open(t, { kubeconfig }).namespace, null);
    const home = mkdtempSync(join(shared.plane.folder, 'home-'));
    mkdirSync(join(home, '.kube'));
    writeFileSync(join(home, '.kube', 'config'), JSON.stringify({ contexts: [] }));
    const listed = { HOME: home, KUBECONFIG: `/nowhere:${shop}:${kubeconfig}` };
    assert.equal(open(t, { environment: listed }).namespace, 'shop');

    const wrong: readonly (readonly [Partial<ClusterOptions>, string, RegExp])[] = [
      [{ serviceAccountFolder: home }, 'NoCluster', /nothing says where the cluster is/],
      [{ environment: { HOME: home } }, 'BadKubeconfig', /names no current context/],
      [{ kubeconfig: '/nowhere/config' }, 'BadKubeconfig', /^\/nowhere\/config: there is no such file$/],
      [{ kubeconfig: home }, 'BadKubeconfig', /can not be read \(EISDIR\)/],
      [{ kubeconfig: write('config', 'token: s3cret\n\t- }') }, 'BadKubeconfig', /config: it is no kubeconfig$/],
      [{ kubeconfig: write('config', 's3cret') }, 'BadKubeconfig', /kubeconfig/],
      [{ kubeconfig, context: 'production' }, 'BadKubeconfig', /has no context "production"; it has: test$/],
      [
        { kubeconfig: changedKubeconfig(kubeconfig, { context: { cluster: 'gone' } }) },
        'BadKubeconfig',
        /no cluster for its context/,
      ],
      [
        { kubeconfig: changedKubeconfig(kubeconfig, { cluster: { server: '127.0.0.1:6443' } }) },
        'BadKubeconfig',
        /the server of the kubeconfig is no URL: "127\.0\.0\.1:6443"$/,
      ],
    ];
    for (const [options, code, message] of wrong) {
      assert.throws(() => open(t, options), { code, message });
      assert.throws(
        () => open(t, options),
        (error: Error) => !error.message.includes('s3cret'),
      );
    }
  });

  describe('that watches', () => {
    async function setUp(t: TestContext, more: Partial<WatchRequest> = {}) {
      const namespace = await shared.namespace();
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const api = await startApiProxy(t, shared.plane.kubeconfig);
      const proxy = await startFaultProxy(t, api.url);
      const cluster = {
        server: proxy.url,
        'certificate-authority-data': Buffer.from(api.authority).toString('base64'),
      };
      const client = open(t, { kubeconfig: changedKubeconfig(shared.plane.kubeconfig, { cluster }) });
      const seen: string[] = [];
      const ending = new AbortController();
      const watch = () =>
        client.watch(
          { path, query: { resourceVersion: '0' }, quietMilliseconds: 60_000, ...more },
          (type, { data, metadata }) =>
            seen.push(`${type} ${(metadata as { name: string }).name}${data === undefined ? '' : ' with data'}`),
          ending.signal,
        );
      const create = (name: string) =>
        shared.client.request({ method: 'POST', path, body: { metadata: { name }, data: { key: 'ä\u2028\u0000' } } });
      const begun = () => eventually('it watches', () => api.requests.length > 0);
      return { api, proxy, client, seen, ending, watch, create, begun };
    }

    test('hears what comes, and ends well when the server ends it', async (t) => {
      const query = { resourceVersion: '0', timeoutSeconds: '1' };
      const { watch, create, seen, begun } = await setUp(t, { query });
      const watching = watch();
      await begun();
      await create('one');
      await watching;
      assert.deepEqual(seen, ['ADDED one with data']);
    });

    test('hears of metadata only, where that is asked for', async (t) => {
      const { watch, create, seen, ending } = await setUp(t, { representation: 'metadata' });
      const watching = watch();
      await create('one');
      await eventually('it came', () => seen.length > 0);
      ending.abort(new Error('enough'));
      await assert.rejects(watching, /^Error: enough$/);
      assert.deepEqual(seen, ['ADDED one']);
    });

    test('is told what is forbidden, and how long to stay away', async (t) => {
      const { watch, api } = await setUp(t);
      const bob = open(t, { kubeconfig: await shared.plane.kubeconfigFor('bob') });
      const request: WatchRequest = { path: '/api/v1/secrets', query: {}, quietMilliseconds: 1000 };
      await assert.rejects(
        bob.watch(request, () => {}, t.signal),
        { code: 'Forbidden', status: 403 },
      );
      const body = statusBody(429, 'TooManyRequests', 'later');
      api.faults.arm({ kind: 'status', status: 429, body, headers: { 'retry-after': '7' } });
      await assert.rejects(watch(), { code: 'TooManyRequests', retryAfterMilliseconds: 7000 });
    });

    test('is told when the connection breaks, and when nothing comes for too long', async (t) => {
      const { watch, proxy, begun } = await setUp(t, { quietMilliseconds: 1000 });
      const broken = watch();
      await begun();
      await sleep(100);
      proxy.cut();
      await assert.rejects(broken, { code: 'Unreachable' });
      const silent = watch();
      await sleep(200);
      proxy.mode('silent');
      await assert.rejects(silent, { code: 'Timeout', message: /nothing came for too long/ });
    });

    test('ends at once with its signal, also while it is being connected, and with its client', async (t) => {
      const { watch, proxy, ending, client, begun } = await setUp(t);
      const lasting = watch();
      await begun();
      proxy.mode('silent');
      const connecting = watch();
      await sleep(100);
      const begin = performance.now();
      ending.abort(new Error('enough'));
      await assert.rejects(lasting, /^Error: enough$/);
      await assert.rejects(connecting, /^Error: enough$/);
      assert.ok(performance.now() - begin < 1000, 'it was late');
      await assert.rejects(watch(), /^Error: enough$/);
      await client.close();
    });

    test('is told that its position is too old', async (t) => {
      // What was before its start, a server can't tell.
      await shared.plane.restartApiServer();
      const { watch } = await setUp(t, { query: { resourceVersion: '1' } });
      await assert.rejects(watch(), { code: 'Expired', status: 410, message: /^WATCH \S+: too old resource version/ });
    });
  });
});
