import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openCertificateSecret } from '../../../src/kubernetes/secrets/certificate-secret.ts';
import { CONTROL_PLANE, skipWithout } from '../../environment/programs.ts';
import { sharedControlPlane } from '../../support/control-plane.ts';

describe('the certificate Secret', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();

  async function setUp() {
    const { client } = shared;
    const namespace = await shared.namespace();
    const path = `/api/v1/namespaces/${namespace}/secrets`;
    const secret = openCertificateSecret(client, { namespace, name: 'certificates' });
    return {
      client,
      namespace,
      path,
      secret,
      other: openCertificateSecret(client, { namespace, name: 'certificates' }),
    };
  }

  test('is absent, then made by one of two who want to', async () => {
    const { secret, other, path } = await setUp();
    assert.equal(await secret.read(), null);
    const outcomes = await Promise.all([secret.write({ a: 'of one' }, null), other.write({ a: 'of another' }, null)]);
    assert.deepEqual(outcomes.toSorted(), ['conflict', 'written']);
    const { type, metadata } = await shared.plane.get(`${path}/certificates`);
    assert.equal(type, 'Opaque');
    assert.equal(metadata.labels['app.kubernetes.io/managed-by'], 'tagpin');
    assert.equal(metadata.managedFields[0].manager, 'tagpin');
  });

  test('is written over what was read only', async () => {
    const { secret, other } = await setUp();
    await secret.write({ a: '1', b: 'grün' }, null);
    const read = await secret.read();
    const seenByOther = await other.read();
    assert.deepEqual(read?.data, { a: '1', b: 'grün' });
    assert.equal(await secret.write({ a: '2' }, read), 'written');
    assert.equal(await secret.write({ a: '3' }, read), 'conflict');
    assert.equal(await other.write({ a: '4' }, seenByOther), 'conflict');
    assert.deepEqual((await secret.read())?.data, { a: '2', b: 'grün' });
  });

  test('keeps what is not ours in it: labels, annotations, owners, bytes that are no text', async () => {
    const { secret, client, path } = await setUp();
    const bytes = Buffer.from([0xff, 0xfe, 0]).toString('base64');
    const metadata = { name: 'certificates', labels: { a: 'b' }, annotations: { c: 'd' } };
    const body = { apiVersion: 'v1', kind: 'Secret', type: 'example.org/own', metadata, data: { bytes } };
    await client.request({ method: 'POST', path, body });
    const read = await secret.read();
    assert.equal(read?.type, 'example.org/own');
    assert.deepEqual(read.annotations, { c: 'd' });
    assert.equal(await secret.write({ ours: 'x', gone: null }, read), 'written');
    const stored = await shared.plane.get(`${path}/certificates`);
    assert.deepEqual(stored.data, { bytes, ours: Buffer.from('x').toString('base64') });
    assert.deepEqual(
      [stored.type, stored.metadata.labels, stored.metadata.annotations],
      [body.type, { a: 'b' }, { c: 'd' }],
    );
  });

  test('that was deleted after it was read is a conflict, not a new Secret', async () => {
    const { secret, client, path } = await setUp();
    await secret.write({ a: '1' }, null);
    const read = await secret.read();
    await client.request({ method: 'DELETE', path: `${path}/certificates` });
    assert.equal(await secret.write({ a: '2' }, read), 'conflict');
    assert.equal(await secret.read(), null);
    await secret.write({ a: '3' }, null);
    assert.equal(await secret.write({ a: '4' }, read), 'conflict');
  });

  test('that can’t be written is an error, which holds nothing of it', async () => {
    const { secret, client, path } = await setUp();
    const metadata = { name: 'certificates' };
    const body = { apiVersion: 'v1', kind: 'Secret', immutable: true, metadata, stringData: { a: 'canary' } };
    await client.request({ method: 'POST', path, body });
    const read = await secret.read();
    await assert.rejects(secret.write({ a: 'canary-too' }, read), (error: Error) => {
      assert.match(error.message, /immutable/);
      assert.doesNotMatch(error.message, /canary/);
      return true;
    });
  });

  test('names itself for messages', async () => {
    const { secret, namespace } = await setUp();
    assert.equal(secret.name, `${namespace}/certificates`);
  });
});
