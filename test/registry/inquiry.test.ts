/** How requests are signed in is tried through the client, which asks nothing else; here is what it does not need. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Credential } from '../../src/core/image/credentials.ts';
import { createTransport } from '../../src/registry/connection/transport.ts';
import { findEndpoint } from '../../src/registry/endpoint.ts';
import { RegistryError } from '../../src/registry/error.ts';
import { createInquire, factsOf, statusError, type Target, urlOf } from '../../src/registry/inquiry.ts';
import { createTokens } from '../../src/registry/token.ts';
import { registriesOf } from '../support/loopback.ts';
import { startRegistry } from '../support/registry.ts';
import { ROBOT } from '../support/resolver.ts';

const INQUIRY = { method: 'GET', path: 'tags/list', accept: 'application/json', maximumBytes: 1000 } as const;

async function start(t: TestContext, auth: 'none' | 'basic' | 'token') {
  const registry = await startRegistry({ auth });
  const settings = registriesOf({ hosts: [{ host: registry.host, plainHttp: true }] });
  const shared = { settings: () => settings, now: () => performance.now() };
  const transport = createTransport({ ...shared, observe: () => {}, requestMilliseconds: 1000 });
  const tokens = createTokens({ ...shared, transport, flightMilliseconds: 1000 });
  const inquire = createInquire({ transport, tokens, now: shared.now });
  t.after(async () => {
    await transport.close();
    await registry.close();
  });
  const target = (credential: Credential | null): Target => ({
    endpoint: findEndpoint(settings, registry.host),
    repository: 'app',
    image: 'app',
    credential,
    account: JSON.stringify(credential),
    signal: new AbortController().signal,
  });
  return { registry, inquire, target };
}

for (const auth of ['none', 'basic', 'token'] as const) {
  test(`a request is signed in as a registry wants it (${auth}), and how is remembered`, async (t) => {
    const { registry, inquire, target } = await start(t, auth);
    registry.pushImage('app', '1');
    const credential = auth === 'none' ? null : ROBOT;
    assert.equal((await inquire(target(credential), INQUIRY)).status, 200);
    const first = registry.requests.length;
    assert.equal((await inquire(target(credential), INQUIRY)).status, 200);
    assert.equal(registry.requests.length, first + 1);
  });
}

test('statuses are the caller’s to judge, but for that of who is not let in', async (t) => {
  const { registry, inquire, target } = await start(t, 'basic');
  assert.equal((await inquire(target(ROBOT), INQUIRY)).status, 404);
  await assert.rejects(
    inquire(target(null), INQUIRY),
    (error) => error instanceof RegistryError && error.code === 'Unauthorized',
  );
  registry.fault({ kind: 'status', status: 429 });
  await assert.rejects(
    inquire(target(ROBOT), INQUIRY),
    (error) => error instanceof RegistryError && error.code === 'RateLimited',
  );
});

test('more bytes than are wanted are not read', async (t) => {
  const { registry, inquire, target } = await start(t, 'none');
  registry.pushImage('app', '1');
  await assert.rejects(
    inquire(target(null), { ...INQUIRY, maximumBytes: 5 }),
    (error) => error instanceof RegistryError && error.reason === 'TooLarge',
  );
});

const STATUSES = [
  [404, 'NotFound'],
  [410, 'NotFound'],
  [403, 'Forbidden'],
  [451, 'Forbidden'],
  [408, 'Unreachable'],
  [500, 'Unreachable'],
  [522, 'Unreachable'],
  [204, 'InvalidResponse'],
  [400, 'InvalidResponse'],
] as const;

test('each status that is no answer has its code', async (t) => {
  const { target } = await start(t, 'none');
  const headers = { header: () => null, headers: () => [], body: Buffer.alloc(0) };
  for (const [status, code] of STATUSES)
    assert.equal(statusError({ status, ...headers }, target(null)).code, code, String(status));
  assert.match(urlOf(target(null), 'tags/list?n=1').pathname, /^\/v2\/app\/tags\/list$/);
  assert.equal(factsOf(target(null)).image, 'app');
});
