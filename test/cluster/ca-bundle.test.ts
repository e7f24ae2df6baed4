/** The caBundles of both configurations, on a real API server, while others change them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiObject } from '../environment/control-plane.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { blank, certificateCluster, MUTATING, SECRET, STEADY, VALIDATING } from '../support/certificate-cluster.ts';
import { eventually } from '../support/eventually.ts';

describe('caBundle', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = certificateCluster();

  test('a caBundle that somebody blanks or changes is put right, webhook by webhook', async (t) => {
    const { patch, remove, load, startReplicas } = await cluster.setUp(t);
    const { replicas } = await startReplicas(STEADY);
    const right = await cluster.bundle();
    const place = (index: number) => `/webhooks/${index}/clientConfig/caBundle`;
    const stranger = {
      name: 'other.example.org',
      rules: [],
      clientConfig: { url: 'https://other.example.org/', caBundle: '' },
    };
    const changes: readonly [string, string, readonly object[]][] = [
      ['blanked', MUTATING, [{ op: 'remove', path: place(0) }]],
      ['garbage', MUTATING, [{ op: 'replace', path: place(1), value: Buffer.from('garbage').toString('base64') }]],
      ['blanked in the other', VALIDATING, [{ op: 'replace', path: place(0), value: '' }]],
      [
        'all blanked, and moved by another webhook',
        MUTATING,
        [
          { op: 'remove', path: place(0) },
          { op: 'remove', path: place(1) },
          {
            op: 'add',
            path: '/webhooks/0',
            value: { ...stranger, admissionReviewVersions: ['v1'], sideEffects: 'None' },
          },
        ],
      ],
    ];
    for (const [name, path, change] of changes) {
      await patch(path, change, 'json');
      const theirs = await eventually(`${name}: put right`, async () => {
        const { webhooks } = await cluster.plane().get(path);
        const ours = webhooks.filter((webhook: ApiObject) => webhook.name.endsWith('.tagpin.dev'));
        const isRight = ours.every(
          ({ clientConfig }: ApiObject) => clientConfig.caBundle === Buffer.from(right).toString('base64'),
        );
        return isRight && { rest: webhooks.filter((webhook: ApiObject) => !ours.includes(webhook)) };
      });
      for (const { clientConfig } of theirs.rest) assert.equal(clientConfig.caBundle, undefined);
      const requests = load();
      await sleep(500);
      await requests.stop();
      assert.deepEqual(requests.failures, [], name);
    }
    // Blanked and the Secret deleted: what is served is not forgotten.
    await patch(
      MUTATING,
      [
        { op: 'remove', path: place(1) },
        { op: 'remove', path: place(2) },
      ],
      'json',
    );
    await remove(SECRET);
    await eventually('two authorities', async () => {
      const { webhooks } = await cluster.plane().get(MUTATING);
      const text = Buffer.from(webhooks[1].clientConfig.caBundle ?? '', 'base64').toString('utf8');
      return (
        text.includes(right) && text.includes(await cluster.authority()) && !(await cluster.authority()).includes(right)
      );
    });
    assert.ok(replicas.every(({ log }) => log.every(({ level }) => level === 'info')));
  });

  test('a configuration that is deleted is waited for, told once, and filled when it is back', async (t) => {
    const { remove, load, startReplicas } = await cluster.setUp(t);
    const { replicas } = await startReplicas(STEADY);
    const { metadata, webhooks, ...rest } = await cluster.plane().get(MUTATING);
    await remove(MUTATING);
    await eventually('nobody is ready', () =>
      replicas.every(({ upkeep }) => upkeep.problem() === 'there is no MutatingWebhookConfiguration tagpin'),
    );
    for (const { facts } of replicas) {
      const registered = facts()?.webhooks.map(({ name, registered: is }) => [name, is]);
      assert.deepEqual(registered, [
        ['workloads.tagpin.dev', false],
        ['pods.tagpin.dev', false],
        ['policy.tagpin.dev', true],
      ]);
    }
    await sleep(2 * STEADY.poll);
    await cluster.plane().apply({ ...rest, metadata: { name: metadata.name }, webhooks: blank(webhooks) });
    await eventually('everybody is ready', () => replicas.every(({ upkeep }) => upkeep.problem() === null));
    const requests = load();
    await sleep(500);
    await requests.stop();
    assert.deepEqual(requests.failures, []);
    for (const { log } of replicas) assert.equal(log.filter(({ level }) => level === 'warn').length, 1);
  });
});
