/** The webhook's own authority on a real API server, which calls three replicas all the while. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { issueAuthority, issueServing } from '../../src/certificates/issue.ts';
import { freePort } from '../environment/control-plane-processes.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { certificateCluster, QUICK, SECRET, STEADY } from '../support/certificate-cluster.ts';
import { linesOf, startClusterWebhook } from '../support/cluster-webhook.ts';
import { eventually } from '../support/eventually.ts';
import { startRoundRobin } from '../support/round-robin.ts';
import type { UpkeepReplica } from '../support/upkeep-replica.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

function messages(replicas: readonly UpkeepReplica[], message: string): number {
  return replicas.flatMap(({ log }) => log.filter((line) => line.message === message)).length;
}

function data(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
}

describe('the authority of the webhook', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = certificateCluster();

  test('three webhooks that start together agree on one authority, and are ready', async (t) => {
    const { remove, load } = await cluster.setUp(t);
    const ports = await Promise.all([freePort(), freePort(), freePort()]);
    await startRoundRobin(t, cluster.plane().port, () => ports);
    const webhooks = await Promise.all(ports.map((port) => startClusterWebhook(t, cluster.plane(), { port })));
    const made = (message: string) => webhooks.flatMap((webhook) => linesOf(webhook, message));
    assert.equal(made('a new authority was made').length, 1);
    assert.equal(await cluster.bundle(), await cluster.authority());
    const first = await cluster.authority();
    const requests = load();
    await remove(SECRET);
    await eventually('both authorities are trusted', async () => {
      const next = await cluster.authority();
      return next !== first && (await cluster.bundle()) === next + first;
    });
    await sleep(SECOND);
    await requests.stop();
    assert.deepEqual(requests.failures, []);
    assert.ok(requests.done() > 10);
    // Who has heard nothing for minutes could not trust the other one yet.
    assert.equal(made('serving certificate made').length, 3);
    for (const webhook of webhooks) assert.deepEqual(await webhook.page('/readyz'), { status: 200, body: 'ok\n' });
  });

  test('an authority is rotated under load, by three replicas, and no request fails', async (t) => {
    const { client, load, startReplicas } = await cluster.setUp(t);
    // One that has a third of its life left in a few seconds.
    const now = Date.now();
    const dates = { notBefore: new Date(now - 70 * SECOND), notAfter: new Date(now + 50 * SECOND) };
    const { certificate, key } = await issueAuthority({ name: 'tagpin webhook authority', ...dates });
    await client.request({
      method: 'POST',
      path: '/api/v1/namespaces/tagpin-system/secrets',
      body: { metadata: { name: 'tagpin-certificates' }, stringData: { 'ca.crt': certificate, 'ca.key': key } },
    });
    const { replicas, balancer } = await startReplicas(QUICK);
    const first = await cluster.authority();
    const requests = load();
    await eventually(
      'the next authority is published beside the first',
      async () => (await cluster.bundle()) !== first,
      {
        seconds: 60,
      },
    );
    const both = await cluster.bundle();
    assert.ok(both.startsWith(first));
    const second = both.slice(first.length);
    await eventually('the next one signs', async () => (await cluster.authority()) === second, { seconds: 60 });
    await eventually('the first has gone', async () => (await cluster.bundle()) === second, { seconds: 60 });
    await requests.stop();
    assert.deepEqual(requests.failures, []);
    assert.ok(requests.done() > 300, `${requests.done()} requests`);
    assert.equal(balancer.connections.size, 3);
    assert.ok(Math.min(...balancer.connections.values()) > 50, JSON.stringify([...balancer.connections]));
    // Each was at it, and one only did it.
    assert.equal(messages(replicas, 'a new authority was made'), 0);
    assert.equal(messages(replicas, 'the next authority was made'), 1);
    assert.equal(messages(replicas, 'the next authority signs from now on'), 1);
    for (const { log, served } of replicas) {
      assert.ok(served.length >= 3, `${served.length} serving certificates`);
      assert.deepEqual(
        log.filter(({ level }) => level !== 'info'),
        [],
      );
    }
  });

  test('whatever happens to the Secret, there is an authority again, and no request fails', async (t) => {
    const { patch, remove, load, startReplicas } = await cluster.setUp(t);
    const { replicas } = await startReplicas(STEADY);
    const now = Date.now();
    const [old, foreign] = await Promise.all([
      issueAuthority({ name: 'old', notBefore: new Date(now - 2 * MINUTE), notAfter: new Date(now - MINUTE) }),
      issueAuthority({ name: 'foreign', notBefore: new Date(now - MINUTE), notAfter: new Date(now + 60 * MINUTE) }),
    ]);
    const dates = { notBefore: new Date(now - MINUTE), notAfter: new Date(now + 60 * MINUTE) };
    const leaf = await issueServing({ authority: foreign, name: 'leaf', hosts: ['a'], ...dates });
    const pair = ({ certificate, key }: typeof leaf) => ({ 'ca.crt': certificate, 'ca.key': key });
    const accidents: readonly [string, () => Promise<unknown>][] = [
      ['deleted', () => remove(SECRET)],
      ['emptied', () => patch(SECRET, { data: null })],
      ['garbage', () => patch(SECRET, { data: data({ 'ca.crt': 'x', 'ca.key': 'y' }) })],
      ['without its key', () => patch(SECRET, { data: { 'ca.key': null } })],
      ['expired', () => patch(SECRET, { data: data(pair(old)) })],
      ['somebody else’s', () => patch(SECRET, { data: data(pair(foreign)) })],
      ['a leaf', () => patch(SECRET, { data: data(pair(leaf)) })],
      ['with a key that does not fit', () => patch(SECRET, { data: data({ 'ca.key': foreign.key }) })],
    ];
    const requests = load();
    for (const [name, happen] of accidents) {
      const before = await cluster.authority();
      const certificates = replicas.map(({ upkeep }) => upkeep.current()?.certificate);
      await happen();
      await eventually(`${name}: there is another authority`, async () => {
        const after = await cluster.authority();
        return after !== before && after.startsWith('-----BEGIN CERTIFICATE-----') && after !== old.certificate;
      });
      await eventually(`${name}: every replica serves what it has signed`, () =>
        replicas.every(({ upkeep }, at) => upkeep.current()?.certificate !== certificates[at]),
      );
      for (const { upkeep } of replicas) assert.equal(upkeep.problem(), null, name);
      assert.ok((await cluster.bundle()).includes(await cluster.authority()), name);
      assert.deepEqual(requests.failures, [], name);
    }
    await requests.stop();
    assert.deepEqual(requests.failures, []);
    const problems = replicas.flatMap(({ log }) => log.filter(({ level }) => level === 'error'));
    assert.deepEqual(
      new Set(problems.map(({ message }) => message)),
      new Set(['the certificate Secret can not be used']),
    );
    assert.doesNotMatch(JSON.stringify(problems), /PRIVATE KEY/);
  });

  test('clocks that are an hour off make certificates that can be used, and no second authority', async (t) => {
    const hour = 60 * MINUTE;
    const times = { ...STEADY, authority: 24 * hour, serving: 7 * hour, skew: hour };
    const { load, startReplicas } = await cluster.setUp(t);
    const { replicas } = await startReplicas(times, [hour, 0, -hour]);
    const first = await cluster.authority();
    const requests = load();
    await sleep(5 * times.poll);
    await requests.stop();
    assert.deepEqual(requests.failures, []);
    assert.equal(await cluster.authority(), first);
    assert.ok(replicas.every(({ served }) => served.length === 1));
  });
});
