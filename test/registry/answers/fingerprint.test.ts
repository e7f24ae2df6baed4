import assert from 'node:assert/strict';
import test from 'node:test';
import type { Credential } from '../../../src/core/image/credentials.ts';
import { ANONYMOUS, createFingerprint } from '../../../src/registry/answers/fingerprint.ts';

const credentials: readonly (Credential | null)[] = [
  null,
  { kind: 'basic', username: 'a', password: 'b' },
  { kind: 'basic', username: 'a', password: 'c' },
  { kind: 'basic', username: 'a","b', password: '' },
  { kind: 'basic', username: '', password: '' },
  { kind: 'identity', token: 'b' },
  { kind: 'bearer', token: 'b' },
];

test('different credentials have different fingerprints, none among them', () => {
  const fingerprint = createFingerprint();
  assert.equal(new Set(credentials.map(fingerprint)).size, credentials.length);
  assert.equal(fingerprint(null), ANONYMOUS);
});

test('equal credentials have equal fingerprints, whoever holds them', () => {
  const fingerprint = createFingerprint();
  for (const credential of credentials) {
    assert.equal(fingerprint(structuredClone(credential)), fingerprint(credential));
  }
});

test('a fingerprint holds nothing of the secret and means nothing to another process', () => {
  const credential: Credential = { kind: 'basic', username: 'ann', password: 'canary' };
  const own = createFingerprint()(credential);
  assert.doesNotMatch(own, /ann|canary/);
  assert.notEqual(createFingerprint()(credential), own);
});
