import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accessOf,
  type ConnectionSource,
  isPlainConnection,
  isPlainHttp,
  isTrustedWithOurs,
} from '../../../src/core/target/connection.ts';

const PLAIN: ConnectionSource = {
  kind: 'connection',
  namespace: 'apps',
  secret: 'pull',
  serviceAccount: 'puller',
  provider: 'aws',
  certificateSecret: null,
  proxySecret: null,
  insecure: false,
};

// [what the object says, whether it says nothing of the connection, whether credentials that are not its own may be sent]
const table: readonly (readonly [Partial<ConnectionSource>, boolean, boolean])[] = [
  [{}, true, true],
  [{ proxySecret: 'proxy' }, false, true],
  [{ certificateSecret: 'tls' }, false, false],
  [{ insecure: true }, false, false],
];

for (const [said, isPlain, isTrusted] of table) {
  test(`who says ${JSON.stringify(said)} is ${isTrusted ? '' : 'not '}trusted with what is not its own`, () => {
    assert.equal(isPlainConnection({ ...PLAIN, ...said }), isPlain);
    assert.equal(isTrustedWithOurs({ ...PLAIN, ...said }), isTrusted);
  });
}

test('who names nothing of its own is asked for as everybody is', () => {
  const nobody = { ...PLAIN, secret: null, serviceAccount: null };
  assert.equal(accessOf(nobody), null);
  for (const own of [{ secret: 'pull' }, { serviceAccount: 'puller' }, { insecure: true }, { proxySecret: 'proxy' }]) {
    assert.deepEqual(accessOf({ ...nobody, ...own }), { ...nobody, ...own });
  }
});

test('no password goes over plain HTTP where somebody says whose certificates are good', () => {
  assert.ok(!isPlainHttp(PLAIN));
  assert.ok(isPlainHttp({ ...PLAIN, insecure: true }));
  assert.ok(!isPlainHttp({ ...PLAIN, insecure: true, certificateSecret: 'tls' }));
});
