import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLeaseClaim } from '../../src/kubernetes/lease-claim.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { sharedControlPlane } from '../support/control-plane.ts';

describe('a claim on a Lease', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();

  function claimOf(namespace: string, identity: string, leaseSeconds = 60) {
    const leaders: string[] = [];
    const claim = createLeaseClaim({
      client: shared.client,
      namespace,
      name: 'tagpin',
      identity,
      leaseSeconds,
      follows: (leader) => leaders.push(leader),
    });
    return { ...claim, leaders };
  }

  const pathOf = (namespace: string): string => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/tagpin`;
  const specOf = async (namespace: string) => (await shared.plane.get(pathOf(namespace))).spec;

  test('is had by one, until it is given back', async (t) => {
    const namespace = await shared.namespace();
    const [a, b] = [claimOf(namespace, 'a'), claimOf(namespace, 'b')];
    const held = await a.claim(null, t.signal);
    assert.ok(held !== null);
    assert.equal(await b.claim(null, t.signal), null);
    const renewed = await a.claim(held, t.signal);
    assert.ok(renewed !== null && renewed.at > held.at);
    await a.release(renewed, t.signal);
    assert.equal((await specOf(namespace)).holderIdentity, '');
    assert.ok((await b.claim(null, t.signal)) !== null);
    assert.equal(await a.claim(null, t.signal), null);
    assert.deepEqual([a.leaders, b.leaders], [['b'], ['a']]);
    const { holderIdentity, leaseTransitions } = await specOf(namespace);
    assert.deepEqual([holderIdentity, leaseTransitions], ['b', 1]);
  });

  test('of two who try at once one has it', async (t) => {
    const namespace = await shared.namespace();
    const all = ['a', 'b', 'c', 'd'].map((name) => claimOf(namespace, name).claim(null, t.signal));
    assert.equal((await Promise.all(all)).filter((held) => held !== null).length, 1);
  });

  test('counts from when the Lease was seen to change, whatever times stand in it', async (t) => {
    const namespace = await shared.namespace();
    const old = '2001-01-01T00:00:00.000000Z';
    const spec = { holderIdentity: 'gone', leaseDurationSeconds: 1, renewTime: old, acquireTime: old };
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'tagpin' }, spec };
    await shared.client.request({ method: 'POST', path: pathOf(namespace).replace('/tagpin', ''), body });
    const a = claimOf(namespace, 'a');
    assert.equal(await a.claim(null, t.signal), null, 'the renewal is of another clock');
    assert.deepEqual(a.leaders, ['gone']);
    await sleep(600);
    const future = { spec: { renewTime: '2099-01-01T00:00:00.000000Z' } };
    await shared.client.request({ method: 'PATCH', path: pathOf(namespace), patch: 'merge', body: future });
    assert.equal(await a.claim(null, t.signal), null);
    await sleep(600);
    assert.equal(await a.claim(null, t.signal), null, 'it was renewed meanwhile');
    await sleep(500);
    assert.ok((await a.claim(null, t.signal)) !== null);
  });

  test('goes on where the answer to a renewal was lost, and where somebody wrote a label', async (t) => {
    const namespace = await shared.namespace();
    const a = claimOf(namespace, 'a');
    const held = await a.claim(null, t.signal);
    assert.ok(held !== null);
    await a.claim(held, t.signal);
    const again = await a.claim(held, t.signal);
    assert.ok(again !== null);
    const body = { metadata: { labels: { hello: 'world' } } };
    await shared.client.request({ method: 'PATCH', path: pathOf(namespace), patch: 'merge', body });
    await a.release(again, t.signal);
    assert.equal((await specOf(namespace)).holderIdentity, '');
  });

  test('that another has is not given back', async (t) => {
    const namespace = await shared.namespace();
    const a = claimOf(namespace, 'a');
    const held = await a.claim(null, t.signal);
    assert.ok(held !== null);
    const body = { spec: { holderIdentity: 'b' } };
    await shared.client.request({ method: 'PATCH', path: pathOf(namespace), patch: 'merge', body });
    assert.equal(await a.claim(held, t.signal), null);
    await assert.rejects(a.release(held, t.signal), { code: 'Conflict' });
    assert.equal((await specOf(namespace)).holderIdentity, 'b');
  });
});
