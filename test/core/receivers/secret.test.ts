import assert from 'node:assert/strict';
import test from 'node:test';
import { readReceiverSecret } from '../../../src/core/receivers/secret.ts';

test('the secret stands under one of the keys, without the line break of echo', () => {
  for (const key of ['secret', 'harbor', 'webhook.harbor-secret']) {
    const read = readReceiverSecret('harbor', { [key]: 'opens sesame\n' });
    assert.deepEqual(read, { ok: true, secret: { shared: ['opens sesame'], registries: [], google: null } });
  }
  for (const [type, key] of [
    ['docker.io', 'webhook.docker-secret'],
    ['ghcr.io', 'webhook.ghcr-secret'],
    ['quay.io', 'webhook.quay-secret'],
  ] as const) {
    const read = readReceiverSecret(type, { [key]: 'x', 'webhook.harbor-secret': 'not mine' });
    assert.deepEqual(read.ok && read.secret.shared, ['x']);
  }
});

test('the secret before it is good too, and hosts are told apart', () => {
  const read = readReceiverSecret('distribution', {
    secret: 'new',
    previous: 'old',
    registry: 'a.example, b.example:5000\n',
  });
  assert.deepEqual(read, {
    ok: true,
    secret: { shared: ['new', 'old'], registries: ['a.example', 'b.example:5000'], google: null },
  });
});

test('an empty secret is none, and neither is that of another type or one before', () => {
  const none: readonly Readonly<Record<string, string>>[] = [
    {},
    { secret: '' },
    { secret: '\n' },
    { harbor: 'x' },
    { previous: 'x' },
  ];
  for (const data of none) {
    const read = readReceiverSecret('quay.io', data);
    assert.equal(read.ok, false, JSON.stringify(data));
  }
});

test('Google must be told whom to vouch for', () => {
  const data = {
    audience: 'https://tagpin.example/webhook',
    email: 'push@acme.iam.gserviceaccount.com',
    secret: 'unused',
  };
  assert.deepEqual(readReceiverSecret('gar', data), {
    ok: true,
    secret: { shared: [], registries: [], google: { audience: data.audience, email: data.email } },
  });
  assert.equal(readReceiverSecret('gar', { secret: 'x', audience: 'x' }).ok, false);
});
