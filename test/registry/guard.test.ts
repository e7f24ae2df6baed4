import assert from 'node:assert/strict';
import test from 'node:test';
import { findEndpoint } from '../../src/registry/endpoint.ts';
import { RegistryError } from '../../src/registry/error.ts';
import { permitRealm, permitRedirect, permitRegistry } from '../../src/registry/guard.ts';
import { registriesOf } from '../support/loopback.ts';

const open = registriesOf({
  hosts: [
    { host: 'registry.internal', authRealms: ['auth.internal', '10.0.0.7:8443'] },
    { host: 'plain.internal:5000', plainHttp: true, authRealms: ['auth.internal:5001'] },
    { host: 'other.internal:5000', plainHttp: true },
    { host: '127.0.0.1:5000', plainHttp: true },
    { host: '169.254.169.254:80', plainHttp: true },
    { host: 'registry.svc.cluster.local' },
  ],
});
const strict = registriesOf({
  allow: ['docker.io', 'registry.k8s.io', '*.pkg.dev', 'tokens.io'],
  hosts: [{ host: 'gitlab.corp:5050', authRealms: ['gitlab.corp'] }],
});

function reasonOf(permit: () => unknown): string {
  try {
    permit();
    return 'permitted';
  } catch (error) {
    assert.ok(error instanceof RegistryError, String(error));
    return error.reason;
  }
}

// S1: what an image may name, in every spelling that a URL parser makes an address of.
const registries: readonly (readonly [string, string])[] = [
  ['ghcr.io', 'permitted'],
  ['docker.io', 'permitted'],
  ['8.8.8.8', 'permitted'],
  ['[2606:4700::1111]', 'permitted'],
  ['svc.example.com', 'permitted'],
  ['127.0.0.1', 'PrivateAddress'],
  ['127.1', 'PrivateAddress'],
  ['127.0.1', 'PrivateAddress'],
  ['2130706433', 'PrivateAddress'],
  ['0x7f000001', 'PrivateAddress'],
  ['0x7f.1', 'PrivateAddress'],
  ['0x7f.0.0.0x1', 'PrivateAddress'],
  ['0177.0.0.1', 'PrivateAddress'],
  ['017700000001', 'PrivateAddress'],
  ['0', 'PrivateAddress'],
  ['0.0.0.0', 'PrivateAddress'],
  ['10.0.0.1:6443', 'PrivateAddress'],
  ['10.1', 'PrivateAddress'],
  ['167772161', 'PrivateAddress'],
  ['0xa.0.0.1', 'PrivateAddress'],
  ['172.16.0.1', 'PrivateAddress'],
  ['172.31.255.255:5000', 'PrivateAddress'],
  ['192.168.0.1', 'PrivateAddress'],
  ['0xc0a80001', 'PrivateAddress'],
  ['100.64.0.1', 'PrivateAddress'],
  ['192.0.2.1', 'PrivateAddress'],
  ['198.18.0.1', 'PrivateAddress'],
  ['224.0.0.1', 'PrivateAddress'],
  ['240.0.0.1', 'PrivateAddress'],
  ['255.255.255.255', 'PrivateAddress'],
  ['[::]', 'PrivateAddress'],
  ['[::1]', 'PrivateAddress'],
  ['[0:0:0:0:0:0:0:1]', 'PrivateAddress'],
  ['[::ffff:7f00:1]', 'PrivateAddress'],
  ['[::ffff:a00:1]', 'PrivateAddress'],
  ['[64:ff9b::7f00:1]', 'PrivateAddress'],
  ['[64:ff9b:1::1]', 'PrivateAddress'],
  ['[fd00::1]', 'PrivateAddress'],
  ['[fc00::1]', 'PrivateAddress'],
  ['[ff02::1]', 'PrivateAddress'],
  ['[2002:7f00:1::]', 'PrivateAddress'],
  ['[2001:db8::1]', 'PrivateAddress'],
  ['localhost', 'PrivateAddress'],
  ['localhost:2379', 'PrivateAddress'],
  ['a.localhost', 'PrivateAddress'],
  ['kubernetes.default', 'PrivateAddress'],
  ['kubernetes.default.svc', 'PrivateAddress'],
  ['kubernetes.default.svc.cluster.local', 'PrivateAddress'],
  ['registry.tools.svc:5000', 'PrivateAddress'],
  ['169.254.169.254', 'ForbiddenAddress'],
  ['169.254.169.254:8080', 'ForbiddenAddress'],
  ['169.254.43518', 'ForbiddenAddress'],
  ['2852039166', 'ForbiddenAddress'],
  ['0xa9fea9fe', 'ForbiddenAddress'],
  ['0xa9.0xfe.0xa9.0xfe', 'ForbiddenAddress'],
  ['0251.0376.0251.0376', 'ForbiddenAddress'],
  ['[::ffff:a9fe:a9fe]', 'ForbiddenAddress'],
  ['[64:ff9b::a9fe:a9fe]', 'ForbiddenAddress'],
  ['[fe80::1]', 'ForbiddenAddress'],
  ['[fd00:ec2::254]', 'ForbiddenAddress'],
  ['168.63.129.16', 'ForbiddenAddress'],
  // What the policy lists may be private, under the name that it lists and no other; link-local never.
  ['127.0.0.1:5000', 'permitted'],
  ['0x7f000001:5000', 'PrivateAddress'],
  ['127.0.0.1:5001', 'PrivateAddress'],
  ['registry.svc.cluster.local', 'permitted'],
  ['169.254.169.254:80', 'ForbiddenAddress'],
];

for (const [registry, expected] of registries) {
  test(`an image on ${registry}: ${expected}`, () => {
    assert.equal(
      reasonOf(() => permitRegistry(findEndpoint(open, registry))),
      expected,
    );
  });
}

test('a listed host may be at a private address, another may not', () => {
  assert.equal(permitRegistry(findEndpoint(open, 'registry.internal')).privateAddresses, true);
  assert.equal(permitRegistry(findEndpoint(open, 'ghcr.io')).privateAddresses, false);
});

// S2 and S3: [settings, registry, realm, verdict, are credentials shown]
const realms: readonly (readonly [typeof open, string, string, string, boolean])[] = [
  [open, 'ghcr.io', 'https://ghcr.io/token', 'permitted', true],
  [open, 'ghcr.io', 'https://GHCR.io:443/token', 'permitted', true],
  [open, 'docker.io', 'https://auth.docker.io/token', 'permitted', true],
  [open, 'registry.gitlab.com', 'https://gitlab.com/jwt/auth', 'permitted', true],
  [open, 'ghcr.io', 'https://auth.docker.io/token', 'permitted', false],
  [open, 'docker.io', 'https://auth.docker.io.evil.com/token', 'permitted', false],
  [open, 'docker.io', 'https://auth.docker.io:444/token', 'permitted', false],
  [open, 'ghcr.io', 'https://ghcr.io:444/token', 'permitted', false],
  [open, 'ghcr.io', 'https://evil.com/token', 'permitted', false],
  [open, 'registry.internal', 'https://auth.internal/token', 'permitted', true],
  [open, 'registry.internal', 'https://10.0.0.7:8443/token', 'permitted', true],
  [open, 'registry.internal', 'https://10.0.0.7/token', 'RealmNotAllowed', false],
  [open, 'registry.internal', 'https://10.0.0.8:8443/token', 'RealmNotAllowed', false],
  [open, 'ghcr.io', 'https://10.0.0.7:8443/token', 'RealmNotAllowed', false],
  [open, 'registry.internal', 'http://auth.internal/token', 'RealmNotSafe', false],
  [open, 'registry.internal', 'http://registry.internal/token', 'RealmNotSafe', false],
  [open, 'plain.internal:5000', 'http://plain.internal:5000/token', 'permitted', true],
  [open, 'plain.internal:5000', 'http://auth.internal:5001/token', 'permitted', true],
  [open, 'plain.internal:5000', 'https://auth.internal:5001/token', 'permitted', true],
  [open, 'plain.internal:5000', 'http://plain.internal:5001/token', 'RealmNotAllowed', false],
  [open, 'plain.internal:5000', 'http://other.internal:5000/token', 'permitted', false],
  [open, 'plain.internal:5000', 'http://ghcr.io/token', 'RealmNotAllowed', false],
  [open, 'ghcr.io', 'http://ghcr.io/token', 'RealmNotSafe', false],
  [open, 'ghcr.io', 'https://user:secret@ghcr.io/token', 'RealmNotSafe', false],
  [open, 'ghcr.io', 'file:///etc/passwd', 'RealmNotSafe', false],
  [open, 'ghcr.io', 'token', 'RealmNotSafe', false],
  [open, 'ghcr.io', '', 'RealmNotSafe', false],
  [open, 'ghcr.io', 'https://169.254.169.254/latest', 'RealmNotAllowed', false],
  [open, 'ghcr.io', 'https://kubernetes.default.svc/api', 'RealmNotAllowed', false],
  [open, 'ghcr.io', 'https://kubernetes.default.svc./api', 'RealmNotAllowed', false],
  [open, 'ghcr.io', 'https://localhost/', 'RealmNotAllowed', false],
  [open, 'ghcr.io', 'https://[::1]/', 'RealmNotAllowed', false],
  [open, 'ghcr.io', 'https://0x7f000001/', 'RealmNotAllowed', false],
  [strict, 'docker.io', 'https://auth.docker.io/token', 'permitted', true],
  [strict, 'docker.io', 'https://evil.com/token', 'RealmNotAllowed', false],
  [strict, 'docker.io', 'https://tokens.io/token', 'permitted', false],
  [strict, 'gitlab.corp:5050', 'https://gitlab.corp/jwt/auth', 'permitted', true],
];

for (const [settings, registry, realm, expected, credentials] of realms) {
  const shown = expected === 'permitted' ? `, ${credentials ? 'with' : 'without'} credentials` : '';
  test(`${registry} has its tokens from ${JSON.stringify(realm)}: ${expected}${shown}`, () => {
    const endpoint = findEndpoint(settings, registry);
    const permit = () => permitRealm(settings, endpoint, realm);
    assert.equal(reasonOf(permit), expected);
    if (expected === 'permitted') assert.equal(permit().credentials, credentials);
  });
}

test('a realm may be private where the registry names it, and is not then a registry that may', () => {
  const endpoint = findEndpoint(open, 'registry.internal');
  assert.equal(permitRealm(open, endpoint, 'https://auth.internal/token').privateAddresses, true);
  assert.equal(permitRegistry(findEndpoint(open, 'auth.internal')).privateAddresses, false);
});

test('the refusal of a realm names it and what to do, unless it is an address', () => {
  const endpoint = findEndpoint(strict, 'docker.io');
  assert.throws(() => permitRealm(strict, endpoint, 'https://evil.com/t?x=secret'), {
    message:
      'docker.io has its tokens from evil.com, which is refused: if that is right, list it under authRealms of docker.io',
  });
  assert.throws(() => permitRealm(strict, endpoint, 'https://10.0.0.1/t'), {
    message:
      'docker.io has its tokens from an address, which is refused: if that is right, list it under authRealms of docker.io',
  });
});

// S4: [settings, registry, Location, verdict]
const redirects: readonly (readonly [typeof open, string, string | null, string])[] = [
  [open, 'ghcr.io', '/v2/other', 'permitted'],
  [open, 'ghcr.io', 'https://storage.example.com/x', 'permitted'],
  [open, 'ghcr.io', 'https://ghcr.io:444/x', 'permitted'],
  [open, 'ghcr.io', '//storage.example.com/x', 'permitted'],
  [open, 'ghcr.io', 'http://ghcr.io/x', 'RedirectNotSafe'],
  [open, 'ghcr.io', 'http://other.internal:5000/x', 'RedirectNotSafe'],
  [open, 'ghcr.io', 'ftp://ghcr.io/x', 'RedirectNotSafe'],
  [open, 'ghcr.io', 'https://user:secret@ghcr.io/x', 'RedirectNotSafe'],
  [open, 'ghcr.io', 'https://user@storage.example.com/x', 'RedirectNotSafe'],
  [open, 'ghcr.io', 'https://169.254.169.254/latest', 'RedirectNotAllowed'],
  [open, 'ghcr.io', 'https://2852039166/latest', 'RedirectNotAllowed'],
  [open, 'ghcr.io', 'https://10.0.0.1/x', 'RedirectNotAllowed'],
  [open, 'ghcr.io', 'https://kubernetes.default.svc/x', 'RedirectNotAllowed'],
  [open, 'ghcr.io', 'https://[::1]/x', 'RedirectNotAllowed'],
  [open, 'ghcr.io', 'https://registry.internal/x', 'permitted'],
  [open, 'ghcr.io', null, 'NotUnderstood'],
  [open, 'ghcr.io', 'https://', 'NotUnderstood'],
  [open, 'plain.internal:5000', 'http://plain.internal:5000/x', 'permitted'],
  [open, 'plain.internal:5000', 'http://other.internal:5000/x', 'permitted'],
  [open, 'plain.internal:5000', 'http://plain.internal:5001/x', 'RedirectNotSafe'],
  [open, 'plain.internal:5000', 'https://storage.example.com/x', 'permitted'],
  [strict, 'registry.k8s.io', 'https://us-west1-docker.pkg.dev/x', 'permitted'],
  [strict, 'registry.k8s.io', 'https://evil.com/x', 'RedirectNotAllowed'],
];

for (const [settings, registry, location, expected] of redirects) {
  test(`${registry} redirects to ${JSON.stringify(location)}: ${expected}`, () => {
    const from = permitRegistry(findEndpoint(settings, registry));
    assert.equal(
      reasonOf(() => permitRedirect(settings, from, location)),
      expected,
    );
  });
}
