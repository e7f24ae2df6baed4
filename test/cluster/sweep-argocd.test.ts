/** `tagpin sweep --once` against a real API server with Argo CD's real resources, and a registry. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import type { Manifest } from '../support/admission.ts';
import { sweptCluster } from '../support/swept-cluster.ts';

describe('tagpin sweep, method argocd', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = sweptCluster();
  const { shared } = cluster;
  const summary = ({ alias, from, to, outcome, reason }: Manifest) => ({ alias, from, to, outcome, reason });

  test('a tag that moved is bumped once, and nothing happens afterwards', async () => {
    const namespace = await shared.namespace();
    const registry = cluster.registry();
    const first = registry.pushImage('acme/shop', 'main');
    const image = `${registry.host}/acme/shop`;
    const follow = { 'image-list': `shop=${image}:main`, 'shop.update-strategy': 'digest' };
    await cluster.create({ namespace, follow, source: { helm: { parameters: [{ name: 'replicas', value: '2' }] } } });

    const dry = await cluster.sweep(namespace, '--dry-run');
    assert.equal(dry.stderr, '');
    assert.deepEqual(dry.changes.map(summary), [
      { alias: 'shop', from: null, to: `main@${first}`, outcome: 'planned', reason: 'Moved' },
    ]);
    assert.equal(await cluster.parameter(namespace, 'image.tag'), null);

    const written = await cluster.sweep(namespace);
    assert.deepEqual({ code: written.code, stderr: written.stderr }, { code: 0, stderr: '' });
    assert.deepEqual(written.changes.map(summary), [
      { alias: 'shop', from: null, to: `main@${first}`, outcome: 'written', reason: 'Moved' },
    ]);
    assert.equal(await cluster.parameter(namespace, 'image.tag'), `main@${first}`);
    assert.equal(await cluster.parameter(namespace, 'image.name'), image);
    assert.equal(await cluster.parameter(namespace, 'replicas'), '2');
    const { metadata } = await cluster.get(namespace);

    const again = await cluster.sweep(namespace);
    assert.deepEqual(again.changes.map(summary), [
      { alias: 'shop', from: `main@${first}`, to: `main@${first}`, outcome: 'unchanged', reason: 'UpToDate' },
    ]);
    assert.deepEqual((await cluster.get(namespace))['metadata'], metadata);

    const second = registry.pushImage('acme/shop', 'main');
    const moved = await cluster.sweep(namespace);
    assert.deepEqual(moved.changes.map(summary), [
      { alias: 'shop', from: `main@${first}`, to: `main@${second}`, outcome: 'written', reason: 'Moved' },
    ]);
    assert.equal(await cluster.parameter(namespace, 'image.tag'), `main@${second}`);
  });
});
