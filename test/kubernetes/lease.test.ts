/** The election of a leader, through Leases of a real API server and connections that break. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { openKubernetesClient } from '../../src/kubernetes/client.ts';
import { type ElectionEvent, type ElectionOptions, startElector } from '../../src/kubernetes/lease.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { sharedControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { changedKubeconfig } from '../support/kubeconfig.ts';

/** A third of what is usual, and less. */
const QUICK = { leaseSeconds: 3, renewMilliseconds: 1500, retryMilliseconds: 150 };

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

describe('an elector', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();

  /** A candidate with a connection of its own; everybody's work goes into one list. */
  async function candidate(t: TestContext, namespace: string, name: string, more: Partial<ElectionOptions> = {}) {
    const proxy = await startFaultProxy(t, shared.plane.server);
    const kubeconfig = changedKubeconfig(shared.plane.kubeconfig, { cluster: { server: proxy.url } });
    const client = openKubernetesClient({ environment: {}, kubeconfig });
    const events: ElectionEvent[] = [];
    const elector = startElector({
      client,
      namespace,
      name: 'tagpin',
      candidate: name,
      lead: untilAborted,
      observe: (event) => events.push(event),
      ...QUICK,
      ...more,
    });
    t.after(async () => {
      await elector.stop();
      await client.close();
    });
    return { proxy, elector, events };
  }

  const leaseOf = (namespace: string) =>
    shared.plane.get(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/tagpin`);

  test('leads alone, and writes what other clients of Leases understand', async (t) => {
    const namespace = await shared.namespace();
    const { elector, events } = await candidate(t, namespace, 'a');
    await eventually('it leads', () => elector.isLeader());
    const { spec } = await leaseOf(namespace);
    assert.match(spec.holderIdentity, /^a_/);
    assert.equal(spec.leaseDurationSeconds, 3);
    assert.equal(spec.leaseTransitions, 0);
    assert.match(spec.renewTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    assert.equal(spec.acquireTime, spec.renewTime);
    await eventually('it renews', async () => (await leaseOf(namespace)).spec.renewTime !== spec.renewTime);
    assert.equal((await leaseOf(namespace)).spec.acquireTime, spec.acquireTime);
    assert.deepEqual(events, [{ kind: 'elected' }]);
  });

  test('that is stopped lets another lead at once', async (t) => {
    const namespace = await shared.namespace();
    const first = await candidate(t, namespace, 'a');
    await eventually('the first leads', () => first.elector.isLeader());
    const second = await candidate(t, namespace, 'b');
    await eventually('the second follows', () => second.events.some(({ kind }) => kind === 'follows'));
    assert.equal(second.elector.isLeader(), false);
    const begin = performance.now();
    await first.elector.stop();
    assert.equal(first.elector.isLeader(), false);
    await eventually('the second leads', () => second.elector.isLeader());
    assert.ok(performance.now() - begin < 2000, 'it waited for the Lease to be over');
    assert.equal((await leaseOf(namespace)).spec.leaseTransitions, 1);
  });

  test('that vanished is followed by another when its Lease is over, and not before', async (t) => {
    const namespace = await shared.namespace();
    const work: string[] = [];
    const worker = (name: string) => async (signal: AbortSignal) => {
      work.push(`${name} begins`);
      await untilAborted(signal);
      work.push(`${name} ends`);
    };
    const first = await candidate(t, namespace, 'a', { lead: worker('a') });
    await eventually('the first leads', () => first.elector.isLeader());
    const second = await candidate(t, namespace, 'b', { lead: worker('b') });
    first.proxy.mode('silent');
    const begin = performance.now();
    await eventually('the second leads', () => second.elector.isLeader());
    assert.ok(performance.now() - begin > 2500, 'the Lease was not over yet');
    assert.deepEqual(work, ['a begins', 'a ends', 'b begins']);
    assert.deepEqual(
      first.events.filter(({ kind }) => kind === 'lost'),
      [{ kind: 'lost', why: 'late' }],
    );
    first.proxy.mode('pass');
    await eventually('the first follows', () => first.events.at(-1)?.kind === 'follows');
  });

  test('stops its work when somebody else takes the Lease', async (t) => {
    const namespace = await shared.namespace();
    const { elector, events } = await candidate(t, namespace, 'a');
    await eventually('it leads', () => elector.isLeader());
    await shared.client.request({
      method: 'PATCH',
      path: `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/tagpin`,
      patch: 'merge',
      body: { spec: { holderIdentity: 'somebody' } },
    });
    await eventually('it has lost', () => events.some(({ kind }) => kind === 'lost'));
    assert.equal(elector.isLeader(), false);
    await eventually('it leads again, after the Lease', () => elector.isLeader());
    assert.deepEqual(events, [
      { kind: 'elected' },
      { kind: 'follows', leader: 'somebody' },
      { kind: 'lost', why: 'taken' },
      { kind: 'elected' },
    ]);
  });

  test('leads on when somebody else only wrote to the Lease, or deleted it', async (t) => {
    const namespace = await shared.namespace();
    const { elector, events } = await candidate(t, namespace, 'a');
    await eventually('it leads', () => elector.isLeader());
    const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/tagpin`;
    await shared.client.request({
      method: 'PATCH',
      path,
      patch: 'merge',
      body: { metadata: { labels: { hello: 'world' } } },
    });
    const { spec } = await leaseOf(namespace);
    await eventually('it renewed', async () => (await leaseOf(namespace)).spec.renewTime !== spec.renewTime);
    assert.equal((await leaseOf(namespace)).metadata.labels.hello, 'world');
    await shared.client.request({ method: 'DELETE', path });
    await eventually('it made it again', async () => (await leaseOf(namespace)).spec.holderIdentity !== '');
    assert.ok(elector.isLeader());
    assert.deepEqual(events, [{ kind: 'elected' }]);
  });

  test('gives the Lease back when its work fails, and tries again', async (t) => {
    const namespace = await shared.namespace();
    let tries = 0;
    const { elector, events } = await candidate(t, namespace, 'a', {
      lead: async (signal) => {
        tries += 1;
        if (tries === 1) throw new Error('no');
        await untilAborted(signal);
      },
    });
    await eventually('it leads again', () => tries === 2 && elector.isLeader());
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['elected', 'workFailed', 'lost', 'elected'],
    );
  });

  test('one of three leads, never two, while connections break at random', async (t) => {
    const namespace = await shared.namespace();
    let leading = 0;
    let most = 0;
    let elections = 0;
    const lead = async (signal: AbortSignal): Promise<void> => {
      leading += 1;
      elections += 1;
      most = Math.max(most, leading);
      await untilAborted(signal);
      leading -= 1;
    };
    const candidates = await Promise.all(['a', 'b', 'c'].map((name) => candidate(t, namespace, name, { lead })));
    for (let round = 0; round < 3; round += 1) {
      const leader = await eventually('one leads', () => candidates.find(({ elector }) => elector.isLeader()));
      for (const { proxy } of candidates) proxy.cut();
      leader.proxy.mode(round === 1 ? 'refuse' : 'silent');
      await eventually('another leads', () => candidates.some((one) => one !== leader && one.elector.isLeader()));
      leader.proxy.mode('pass');
    }
    assert.equal(most, 1);
    assert.equal(elections, 4);
  });
});
