import assert from 'node:assert/strict';
import test from 'node:test';
import { issueAuthority, issueServing, validFor } from '../../src/certificates/issue.ts';
import type { ImageReference } from '../../src/core/image/reference.ts';
import type { Fault } from '../support/faults.ts';
import { startLoopback } from '../support/loopback.ts';
import { ROBOT, show, startResolver } from '../support/resolver.ts';

test('a registry whose token service is not trusted gets no password, and the message says what to do', async (t) => {
  const { registry, ask } = await startResolver(t, {
    auth: 'token',
    tokensFrom: 'elsewhere',
    registries: (host) => ({ hosts: [{ host, plainHttp: true }] }),
  });
  const failed = await ask('app:1', { credentials: [ROBOT] });
  assert.ok(failed.kind === 'failed' && failed.code === 'NotAllowed');
  assert.equal(
    failed.message,
    `${registry.host} has its tokens from an address, which is refused: if that is right, list it under authRealms of ${registry.host}`,
  );
  assert.equal(registry.tokenRequests.length, 0);
});

test('a mirror is asked instead, with its own credentials, and the image keeps its name', async (t) => {
  const asked: string[] = [];
  const { registry, ask } = await startResolver(t, {
    auth: 'basic',
    registries: (host) => ({
      hosts: [
        { host, plainHttp: true },
        { host: 'quay.io', mirror: `${host}/hub` },
      ],
    }),
  });
  const digest = registry.pushImage('hub/acme/app', '1');
  const keychain = async ({ registry: host, text }: ImageReference) => {
    asked.push(text);
    return host === registry.host ? [ROBOT] : [];
  };
  assert.equal(show(await ask('quay.io/acme/app:1', { keychain })), digest);
  assert.equal(show(await ask(`quay.io/acme/app:1@${digest}`, { keychain })), digest);
  assert.deepEqual(asked, [`${registry.host}/hub/acme/app:1`, `${registry.host}/hub/acme/app@${digest}`]);
});

test('TLS is checked against the authority that the policy names, and messages say which setting is meant', async (t) => {
  const validity = validFor(new Date(), 3_600_000);
  const authority = await issueAuthority({ name: 'test authority', ...validity });
  const serving = await issueServing({ name: 'registry', authority, hosts: ['127.0.0.1'], ...validity });
  const { registry, ask, change } = await startResolver(t, {
    tls: serving,
    registries: (host) => ({ hosts: [{ host, certificateAuthority: authority.certificate }] }),
  });
  const digest = registry.pushImage('app', '1');
  assert.equal(show(await ask('app:1')), digest);
  const messageOf = async (hosts: readonly object[], image: string): Promise<string> => {
    change({ hosts });
    const failed = await ask(image);
    return failed.kind === 'failed' ? `${failed.code} ${failed.message}` : show(failed);
  };
  assert.match(await messageOf([{ host: registry.host }], 'app:2'), /^Unreachable .* set its certificateAuthority in/);
  const plain = await startLoopback((_request, response) => response.end());
  t.after(() => plain.close());
  assert.match(await messageOf([{ host: plain.host }], `${plain.host}/app:1`), /^Unreachable .* set its plainHttp in/);
});

test('a new policy counts at the next question, for what is remembered too', async (t) => {
  const { registry, ask, change } = await startResolver(t);
  registry.pushImage('app', '1');
  assert.match(show(await ask('app:1')), /^sha256:/);
  change({ allow: ['ghcr.io'] });
  assert.equal(show(await ask('app:1')), 'NotAllowed');
  change({});
  assert.equal(show(await ask('app:2')), 'NotAllowed', 'a private address that is not listed any more');
});

test('an image on a host that is not listed reaches nobody', async (t) => {
  const canary = await startLoopback((_request, response) => response.end());
  t.after(() => canary.close());
  const { ask } = await startResolver(t);
  for (const host of ['127.0.0.1', '0x7f000001', '2130706433', '127.1', 'localhost', '[::ffff:7f00:1]', '0.0.0.0']) {
    const failed = await ask(`${host}:${canary.port}/app:1`);
    assert.equal(show(failed), 'NotAllowed', host);
    assert.ok(failed.kind === 'failed');
    assert.match(failed.message, /list it under registries.hosts/);
  }
  assert.equal(canary.connections(), 0);
});

const everyFault: readonly Fault[] = [
  { kind: 'challenge', challenge: 'Bearer realm="http://robot:secret@127.0.0.1/secret"' },
  { kind: 'redirect', location: 'http://robot:secret@127.0.0.1/secret' },
  { kind: 'status', status: 403, body: 'secret' },
  { kind: 'status', status: 500, body: 'secret' },
  { kind: 'header', name: 'docker-content-digest', value: 'secret' },
  { kind: 'header', name: 'content-type', value: 'text/secret' },
  { kind: 'reset', after: 'request' },
];

for (const fault of everyFault) {
  test(`no secret and no word of the registry is in a message: ${JSON.stringify(fault)}`, async (t) => {
    const { registry, ask } = await startResolver(t, { auth: 'basic' });
    registry.pushImage('app', '1');
    registry.fault(fault, { path: /manifests/ });
    const failed = await ask('app:1', { credentials: [ROBOT] });
    assert.ok(failed.kind === 'failed');
    assert.doesNotMatch(JSON.stringify(failed), /secret|ECONN|robot/);
  });
}
