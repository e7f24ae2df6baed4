/** `tagpin sweep --once` with a policy that wants signatures: never to what does not verify. */
import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { newKey, publicPem } from '../support/signed-image.ts';
import { pushLegacy } from '../support/sigstore/push.ts';
import { signLegacy, simpleSigning } from '../support/sigstore/signatures.ts';
import { type SweptRow, sweptCluster } from '../support/swept-cluster.ts';

const SWEEP = 'sweep:\n  applicationNamespaces: ["test-*"]\n';

describe('tagpin sweep and signatures', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = sweptCluster();
  const { shared } = cluster;
  const ours = newKey();
  const summary = ({ from, to, outcome, reason }: SweptRow) => ({ from, to, outcome, reason });

  before(() => cluster.policy(`${SWEEP}${entry('deny')}`));

  function entry(action: 'deny' | 'warn', key: KeyObject = ours): string {
    const text = JSON.stringify(publicPem(key));
    const images = JSON.stringify([`${cluster.registry().host}/signed/**`]);
    return `verify:\n  - {name: ours, images: ${images}, action: ${action}, transparencyLog: optional, keys: [${text}]}\n`;
  }

  const image = (path: string): string => `${cluster.registry().host}/${path}`;

  function push(path: string, tag: string): string {
    return cluster.registry().pushImage(path, tag);
  }

  async function sign(path: string, digest: string, of = digest): Promise<void> {
    await pushLegacy({ host: cluster.registry().host, repository: path }, digest, [
      signLegacy(simpleSigning(of), { privateKey: ours }),
    ]);
  }

  test('a newer version that nobody signed is passed over, reported, and told once', async () => {
    const namespace = await shared.namespace();
    const [path, old] = ['signed/passed', push('signed/passed', '1.0.0')];
    await sign(path, old);
    const newer = push(path, '1.1.0');
    await cluster.create({ namespace, follow: { 'image-list': `shop=${image(path)}:1`, 'shop.format': 'tag+digest' } });
    const written = await cluster.sweep(namespace);
    assert.deepEqual(written.changes.map(summary), [
      { from: null, to: `1.0.0@${old}`, outcome: 'written', reason: 'Moved' },
    ]);
    assert.match(written.changes[0]?.message ?? '', /; passed over 1\.1\.0@sha256:[0-9a-f]{12} \(.+\)$/);
    assert.deepEqual(
      (written.changes[0] as unknown as { passedOver: readonly object[] }).passedOver.map((each) => Object.keys(each)),
      [['tag', 'digest', 'reason']],
    );
    await cluster.sweep(namespace);
    await cluster.sweep(namespace);
    const told = (await cluster.events(namespace)).filter((event) => event.includes('passed over'));
    assert.equal(told.length, 2, 'with the write, and of what stands there now');

    await sign(path, newer);
    const after = await cluster.sweep(namespace);
    assert.deepEqual(after.changes.map(summary), [
      { from: `1.0.0@${old}`, to: `1.1.0@${newer}`, outcome: 'written', reason: 'Moved' },
    ]);
  });

  test('a tag that moves to what is not signed is refused, and so is one that carries the signature of another digest', async () => {
    const namespace = await shared.namespace();
    const [path, first] = ['signed/moved', push('signed/moved', 'main')];
    await sign(path, first);
    await cluster.create({
      namespace,
      follow: { 'image-list': `shop=${image(path)}:main`, 'shop.update-strategy': 'digest' },
    });
    assert.equal((await cluster.sweep(namespace)).changes[0]?.outcome, 'written');
    const second = push(path, 'main');
    const unsigned = await cluster.sweep(namespace);
    assert.deepEqual(unsigned.changes.map(summary), [
      { from: `main@${first}`, to: null, outcome: 'refused', reason: 'NotVerified' },
    ]);
    await sign(path, second, first);
    const copied = await cluster.sweep(namespace);
    assert.equal(copied.changes[0]?.reason, 'NotVerified');
    assert.equal(await cluster.parameter(namespace, 'image.tag'), `main@${first}`);
  });

  test('a version that is written as a tag alone is verified as well', async () => {
    const namespace = await shared.namespace();
    const [path, old] = ['signed/tags', push('signed/tags', '1.0.0')];
    await sign(path, old);
    push(path, '1.1.0');
    await cluster.create({ namespace, follow: { 'image-list': `shop=${image(path)}:1` } });
    assert.deepEqual((await cluster.sweep(namespace)).changes.map(summary), [
      { from: null, to: '1.0.0', outcome: 'written', reason: 'Moved' },
    ]);
  });

  test('an entry that warns stops nothing and says so, and images of which none speaks are not asked about', async (t) => {
    t.after(() => cluster.policy(`${SWEEP}${entry('deny')}`));
    await cluster.policy(`${SWEEP}${entry('warn')}`);
    const [warned, other] = [await shared.namespace(), await shared.namespace()];
    const first = push('signed/warned', 'main');
    push('free/app', 'main');
    const follow = { 'shop.update-strategy': 'digest' };
    await cluster.create({
      namespace: warned,
      follow: { ...follow, 'image-list': `shop=${image('signed/warned')}:main` },
    });
    await cluster.create({ namespace: other, follow: { ...follow, 'image-list': `shop=${image('free/app')}:main` } });
    cluster.registry().clearRequests();
    const { changes } = await cluster.sweep(warned);
    assert.deepEqual(changes.map(summary), [{ from: null, to: `main@${first}`, outcome: 'written', reason: 'Moved' }]);
    assert.match(changes[0]?.message ?? '', /; verify entry ours: /);
    const asked = cluster.registry().requests.filter(({ path }) => path.includes('/free/app/'));
    assert.deepEqual(
      asked.map(({ method }) => method),
      ['HEAD'],
    );
  });
});
