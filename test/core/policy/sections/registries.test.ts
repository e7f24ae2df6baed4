import assert from 'node:assert/strict';
import { test } from 'node:test';
import { registriesSchema } from '../../../../src/core/policy/sections/registries.ts';
import { errorsOf, pemOf, policyOf } from '../../../support/policy.ts';

function host(rest: string): string {
  return `registries: {hosts: [{host: "r.internal:5000", ${rest}}]}\n`;
}

function proxy(rest: string): string {
  return `registries: {allow: [], proxy: {${rest}}}\n`;
}

const bad: readonly (readonly [string, RegExp])[] = [
  ['registries: {freshFor: 2m}', /^1:24 registries\.freshFor: 2m is not from 0s to 1m, as it must be$/],
  ['registries: {freshFor: 60001ms}', /is not from 0s to 1m/],
  ['registries: {freshFor: -1s}', /is not from 0s to 1m/],
  ['registries: {freshFor: 10}', /must be text, not a number/],
  ['registries: {freshFor: "10"}', /"10" is not a duration such as 10s/],
  ['registries: {allow: }', /registries\.allow: has no value/],
  ['registries: {allow: ["**"]}', /registries\.allow\[0\]: "\*\*" is not a glob of hosts/],
  ['registries: {allow: ["https://ghcr.io"]}', /has a scheme/],
  ['registries: {allow: ["ghcr.io/acme"]}', /has a path/],
  ['registries: {proxy: {url: "http://p:1"}}', /^1:14 registries\.proxy: a proxy goes only with registries\.allow/],
  [proxy('noProxy: []'), /registries\.proxy\.url: is missing/],
  [proxy('url: "socks://p:1"'), /is not the address of a proxy/],
  [proxy('url: "p:3128"'), /is not the address of a proxy/],
  [proxy('url: "http://p:1/path"'), /is not the address of a proxy/],
  [proxy('url: "http://p:1", noProxy: ["10.0.0.0/33"]'), /noProxy\[0\]: "10\.0\.0\.0\/33" is not a host/],
  [proxy('url: "http://p:1", noProxy: ["a b"]'), /noProxy\[0\]: "a b" is not a host/],
  ['registries: {hosts: [{plainHttp: true}]}', /hosts\[0\]\.host: is missing/],
  ['registries: {hosts: [{host: "*.corp"}]}', /hosts\[0\]\.host: "\*\.corp" is not a host/],
  ['registries: {hosts: [{host: registry}]}', /"registry" can be no registry: images name hosts with a dot or a port/],
  ['registries: {hosts: [{host: a.io}, {host: "A.io:443"}]}', /hosts\[1\]\.host: an earlier entry has the host/],
  [host('plainHttp: "true"'), /plainHttp: must be true or false, not "true"/],
  [host('certificateAuthority: x'), /certificateAuthority: has no block -----BEGIN CERTIFICATE-----/],
  [host('credentials: {secret: A_b}'), /credentials\.secret: is not an object name/],
  [host('credentials: {}'), /credentials\.secret: is missing/],
  [host('credentials: name'), /credentials: must be a mapping of keys to values, not "name"/],
  [host('requestsPerSecond: 0'), /must be more than 0, not 0/],
  [host('requestsPerSecond: .inf'), /requestsPerSecond: must be a number/],
  [host('authRealms: ["https://auth.internal"]'), /authRealms\[0\]: .* has a scheme/],
  [host('authRealms: ["*.internal"]'), /authRealms\[0\]: "\*\.internal" is not a host/],
  [host('mirror: "https://m.internal"'), /mirror: .* is not a host/],
  [host('mirror: "m.internal/Hub"'), /"Hub" is not the beginning of a repository/],
  [host('mirror: "m.internal/"'), /"" is not the beginning of a repository/],
  [host('insecure: true'), /insecure: is not a key that is known here/],
];

for (const [body, expected] of bad) {
  test(`${body.trim()} is refused`, () => {
    const errors = errorsOf(body);
    assert.equal(errors.length, 1, errors.join('\n'));
    assert.match(errors[0] ?? '', expected);
  });
}

test('without a policy every public address may be asked, and answers are ten seconds old at most', () => {
  assert.deepEqual(registriesSchema.parse({}), { freshFor: 10_000, allow: null, proxy: null, hosts: [] });
});

test('hosts become canonical, durations milliseconds, and what is not given null', () => {
  const { registries } = policyOf(`registries:
  freshFor: 1m
  allow: ["Index.docker.io", "GHCR.io:443", "*.DKR.ecr.*.amazonaws.com", m.internal]
  proxy: {url: "http://user:secret@proxy.corp:3128", noProxy: [".corp", "10.0.0.0/8", "fd00::/8", "[::1]", "fe80::1", "*"]}
  hosts:
    - host: Registry.internal:5000
      plainHttp: true
      certificateAuthority: ${JSON.stringify(pemOf('CERTIFICATE'))}
      credentials: {secret: registry-internal}
      requestsPerSecond: 0.5
      authRealms: [Auth.internal, auth]
      mirror: "M.internal:443/hub"
    - host: docker.io
      mirror: m.internal
`);
  assert.deepEqual(registries, {
    freshFor: 60_000,
    allow: ['docker.io', 'ghcr.io', '*.dkr.ecr.*.amazonaws.com', 'm.internal'],
    proxy: {
      url: 'http://user:secret@proxy.corp:3128',
      noProxy: ['.corp', '10.0.0.0/8', 'fd00::/8', '[::1]', 'fe80::1', '*'],
    },
    hosts: [
      {
        host: 'registry.internal:5000',
        plainHttp: true,
        certificateAuthority: pemOf('CERTIFICATE'),
        credentials: { secret: 'registry-internal' },
        requestsPerSecond: 0.5,
        authRealms: ['auth.internal', 'auth'],
        mirror: 'm.internal/hub',
      },
      {
        host: 'docker.io',
        plainHttp: false,
        certificateAuthority: null,
        credentials: null,
        requestsPerSecond: null,
        authRealms: [],
        mirror: 'm.internal',
      },
    ],
  });
});
