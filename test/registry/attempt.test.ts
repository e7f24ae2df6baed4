import assert from 'node:assert/strict';
import test from 'node:test';
import type { Credential, Keychain } from '../../src/core/image/credentials.ts';
import { createAttempt, type RepositoryFailure } from '../../src/registry/attempt.ts';
import { findEndpoint } from '../../src/registry/endpoint.ts';
import { type FailureReason, RegistryError } from '../../src/registry/error.ts';
import { registriesOf } from '../support/loopback.ts';
import { reference } from '../support/resolver.ts';

const credential = (token: string): Credential => ({ kind: 'bearer', token });
const tokenOf = (one: Credential | null): string => (one?.kind === 'bearer' ? one.token : 'nobody');

/** Asks with the credentials a and b, that of the cloud, and nobody's. */
async function attempt(outcomes: Readonly<Record<string, FailureReason>>, keychain?: Keychain, signal?: AbortSignal) {
  const tried: string[] = [];
  const ask = createAttempt({
    endpointOf: (registry) => findEndpoint(registriesOf({}), registry),
    cloud: async () => [credential('cloud')],
    fingerprint: tokenOf,
  });
  const question = {
    reference: reference('ghcr.io/acme/app:1'),
    keychain: keychain ?? (async () => [credential('a'), credential('b')]),
    signal: signal ?? new AbortController().signal,
  };
  const answer = await ask<string | RepositoryFailure>(question, 'acme/app:1', async (target) => {
    tried.push(target.account);
    const reason = outcomes[target.account];
    if (reason !== undefined) throw new RegistryError(reason, { host: target.endpoint.host, image: target.image });
    return `for ${target.account}`;
  });
  return [typeof answer === 'string' ? answer : answer.code, tried.join(' ')];
}

test('the first credential that is answered is enough', async () => {
  assert.deepEqual(await attempt({}), ['for a', 'a']);
  assert.deepEqual(await attempt({ a: 'SignInRefused' }), ['for b', 'a b']);
  assert.deepEqual(await attempt({ a: 'Forbidden', b: 'Unknown', cloud: 'Forbidden' }), [
    'for nobody',
    'a b cloud nobody',
  ]);
});

test('what hangs on no credential is not tried with another', async () => {
  assert.deepEqual(await attempt({ a: 'TooManyRequests' }), ['RateLimited', 'a']);
  assert.deepEqual(await attempt({ a: 'Forbidden', b: 'TimedOut' }), ['Timeout', 'a b']);
});

test('that something is not there tells more than that somebody may not see it', async () => {
  const refused = { a: 'SignInRefused', b: 'Unknown', cloud: 'Forbidden', nobody: 'SignInWanted' } as const;
  assert.deepEqual(await attempt(refused), ['NotFound', 'a b cloud nobody']);
});

test('who gives up is told that it took too long, also by a keychain', async () => {
  const hanging: Keychain = () => new Promise(() => {});
  assert.deepEqual(await attempt({}, hanging, AbortSignal.timeout(20)), ['Timeout', '']);
});

test('a host that may not be asked is a failure, and what nobody expected is thrown', async () => {
  const ask = createAttempt({
    endpointOf: (host) => new RegistryError('HostNotAllowed', { host }),
    cloud: null,
    fingerprint: tokenOf,
  });
  const question = {
    reference: reference('ghcr.io/a'),
    keychain: async () => [],
    signal: new AbortController().signal,
  };
  const refused = await ask(question, 'a', async () => assert.fail());
  assert.deepEqual(refused, {
    kind: 'failed',
    code: 'NotAllowed',
    message: 'ghcr.io is not allowed by the policy: add it to registries.allow, or use another registry',
  });
  const broken = createAttempt({
    endpointOf: (host) => findEndpoint(registriesOf({}), host),
    cloud: null,
    fingerprint: tokenOf,
  });
  await assert.rejects(
    broken(question, 'a', async () => {
      throw new TypeError('a defect');
    }),
    TypeError,
  );
});
