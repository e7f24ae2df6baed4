import assert from 'node:assert/strict';
import test from 'node:test';
import { RegistryError } from '../../src/registry/error.ts';

test('a message says what failed, on what and what next, and nothing of the cause', () => {
  const cause = new Error('connect ECONNREFUSED 10.1.2.3:443 password=canary');
  const error = new RegistryError('NoConnection', { host: 'ghcr.io' }, { cause });
  assert.equal(error.message, 'ghcr.io cannot be reached: check the name, the network and the registry');
  assert.equal(error.code, 'Unreachable');
  assert.equal(error.cause, cause);
});

test('what is not known has a word of its own', () => {
  const error = new RegistryError('RealmNotTrusted', { host: 'a.io', other: null });
  assert.equal(
    error.message,
    'a.io has its tokens from an address, which was sent no credentials: list it under authRealms of a.io',
  );
  assert.equal(error.retryAfterMilliseconds, null);
});
