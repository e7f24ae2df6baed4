/** `tagpin sweep` as a controller: replicas, the Lease, the policy, pushes, metrics. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { eventually } from '../support/eventually.ts';
import { sweptCluster } from '../support/swept-cluster.ts';
import { webhookOutput } from '../support/webhook-process.ts';

const POLICY = 'sweep:\n  applicationNamespaces: ["test-*"]\n';

describe('tagpin sweep as a controller', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = sweptCluster();
  const { shared } = cluster;

  async function follow(more: Readonly<Record<string, string>> = {}) {
    const namespace = await shared.namespace();
    const image = `${cluster.registry().host}/acme/${namespace}`;
    const push = (): string => `main@${cluster.registry().pushImage(`acme/${namespace}`, 'main')}`;
    const first = push();
    const settings = { 'image-list': `shop=${image}:main`, 'update-strategy': 'digest', ...more };
    await cluster.create({ namespace, follow: settings });
    const says = (value: string) =>
      eventually(`the parameter is ${value}`, async () => (await cluster.parameter(namespace, 'image.tag')) === value);
    return { namespace, first, push, says };
  }

  async function start(t: TestContext, ...args: readonly string[]) {
    const child = cluster.start('--operations-listen=127.0.0.1:0', ...args);
    t.after(() => child.stop());
    await child.waitFor(/"server":"operations"/);
    return Object.assign(webhookOutput(child), { child });
  }

  test('one of two replicas sweeps, and when it is killed the other goes on; each tells what it did', async (t) => {
    const { namespace, first, push, says } = await follow();
    const one = await start(t, '--interval=1s');
    const told = (times: number) =>
      eventually('each write is told on the Application, once', async () => {
        const updated = (await cluster.events(namespace)).filter((event) => event.startsWith('Normal Updated'));
        return updated.length === times;
      });
    await one.child.waitFor(/"msg":"leads"/);
    await says(first);
    const other = await start(t, '--interval=1s');
    await other.child.waitFor(/"msg":"another leads"/);
    const second = push();
    await says(second);
    assert.ok(!other.child.output().includes('"msg":"swept"'));
    await told(2);
    one.child.signal('SIGKILL');
    await one.child.finished;
    const third = push();
    await other.child.waitFor(/"msg":"leads"/);
    await says(third);

    await told(3);
    await eventually('a sweep after it is counted', async () => {
      const { body } = await other.page('/metrics');
      assert.match(body, /^tagpin_targets\{state="unchanged"\} [1-9]/m);
      assert.match(body, /^tagpin_targets\{state="failed"\} 0$/m);
      assert.match(body, /^tagpin_sweep_duration_seconds_count [1-9]/m);
      assert.match(body, /^tagpin_sweep_last_success_timestamp_seconds 1\.?[0-9]/m);
      assert.match(body, /^tagpin_sweep_leader 1$/m);
      assert.match(
        body,
        new RegExp(
          `^tagpin_target_unsettled_seconds\\{kind="Application",namespace="${namespace}",name="shop"\\} 0$`,
          'm',
        ),
      );
      return true;
    });
    assert.equal((await other.page('/readyz')).status, 200);
    // It gives the Lease back.
    const { code } = await other.child.stop();
    assert.equal(code, 0);
    const lease = await shared.plane.get('/apis/coordination.k8s.io/v1/namespaces/tagpin-system/leases/tagpin-sweeper');
    assert.equal(lease.spec.holderIdentity ?? '', '');
  });

  test('a push that a registry tells of is looked at at once, whatever the intervals say', async (t) => {
    const { namespace, first, push, says } = await follow({ 'shop.interval': '1h' });
    const metadata = { name: 'receivers', namespace: 'tagpin-system' };
    await shared.plane.apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { secret: 'hush' } });
    await cluster.policy(`${POLICY}  receivers: [{type: ghcr.io, secret: receivers}]\n`);
    t.after(() => cluster.policy());
    const sweeper = await start(t, '--interval=1h', '--receivers-listen=127.0.0.1:0');
    await says(first);
    const [, address = ''] = await sweeper.child.waitFor(/"server":"receivers","address":"([^"]+)"/);
    const second = push();
    const body = JSON.stringify({
      action: 'published',
      package: {
        name: namespace,
        package_type: 'CONTAINER',
        namespace: 'acme',
        owner: { login: 'acme' },
        package_version: { container_metadata: { tag: { name: 'main' } } },
      },
    });
    const signature = `sha256=${createHmac('sha256', 'hush').update(body).digest('hex')}`;
    const headers = {
      'x-hub-signature-256': signature,
      'x-github-event': 'package',
      'content-type': 'application/json',
    };
    const url = `http://${address}/webhook?type=ghcr.io&registry_url=${cluster.registry().host}`;
    const answer = await fetch(url, { method: 'POST', headers, body });
    assert.equal(answer.status, 202, await answer.text());
    await says(second);
  });

  test('without a good policy nothing is written, and it says so; with one it goes on', async (t) => {
    await cluster.policy('sweep: {interval: never}\n');
    t.after(() => cluster.policy());
    const { namespace, first, says } = await follow();
    const sweeper = await start(t);
    await sweeper.child.waitFor(/"msg":"a sweep failed, trying again"/);
    const ready = await sweeper.page('/readyz');
    assert.equal(ready.status, 503);
    assert.match(ready.body, /^policy: the ConfigMap of the policy is not valid/);
    assert.equal(await cluster.parameter(namespace, 'image.tag'), null);
    await cluster.policy();
    await says(first);
  });

  test('what it may not be started with is told all at once', async () => {
    const wrong = await cluster.run('--target=Pod/a/b', '--interval=1ms', '-o', 'json');
    assert.equal(wrong.code, 2);
    assert.deepEqual(wrong.stderr.trim().split('\n'), [
      'tagpin: sweep: --interval "1ms": not from 1s to 1d',
      'tagpin: sweep: --target "Pod/a/b": "Pod/a/b" is no target such as Application/argocd/shop or Deployment/shop/api',
      'tagpin: sweep: --output: only together with --once: else log lines tell',
    ]);
  });
});
