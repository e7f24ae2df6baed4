import assert from 'node:assert/strict';
import test from 'node:test';
import { findEndpoint, findEntry, hostOf } from '../../src/registry/endpoint.ts';
import { registriesOf } from '../support/loopback.ts';

const settings = registriesOf({
  allow: ['docker.io', '*.azurecr.io', 'mirror.internal:5000'],
  hosts: [
    { host: 'registry.internal:5000', plainHttp: true },
    { host: 'quay.io', mirror: 'mirror.internal:5000/hub/quay' },
    { host: 'gcr.io', mirror: 'registry.internal:5000' },
    { host: 'ghcr.io', mirror: 'quay.io' },
  ],
});

// [registry, host that is asked, base and prefix]
const table: readonly (readonly [string, string, string])[] = [
  ['docker.io', 'docker.io', 'https://registry-1.docker.io/v2/'],
  ['a.azurecr.io', 'a.azurecr.io', 'https://a.azurecr.io/v2/'],
  ['registry.internal:5000', 'registry.internal:5000', 'http://registry.internal:5000/v2/'],
  ['quay.io', 'mirror.internal:5000', 'https://mirror.internal:5000/v2/hub/quay/'],
  ['gcr.io', 'registry.internal:5000', 'http://registry.internal:5000/v2/'],
  ['ghcr.io', 'quay.io', 'https://quay.io/v2/'],
];

for (const [registry, host, url] of table) {
  test(`${registry} is asked at ${url}`, () => {
    const endpoint = findEndpoint(settings, registry);
    assert.equal(endpoint.host, host);
    assert.equal(`${endpoint.base.href}${endpoint.prefix}`, url);
    assert.equal(endpoint.entry, findEntry(settings, host));
  });
}

for (const registry of [
  'evil.io',
  'azurecr.io',
  'a.b.azurecr.io',
  'docker.io.evil.com',
  'a.azurecr.io:444',
  'registry.internal',
]) {
  test(`${registry} is not on the list`, () => {
    assert.throws(() => findEndpoint(settings, registry), {
      code: 'NotAllowed',
      message: `${registry} is not allowed by the policy: add it to registries.allow, or use another registry`,
    });
  });
}

test('a host is named as in references', () => {
  const named = [
    'https://ghcr.io/x',
    'https://ghcr.io:443/',
    'https://ghcr.io./',
    'http://a.io:80/',
    'https://A.io:5000/',
  ];
  assert.deepEqual(
    named.map((url) => hostOf(new URL(url))),
    ['ghcr.io', 'ghcr.io', 'ghcr.io', 'a.io', 'a.io:5000'],
  );
});
