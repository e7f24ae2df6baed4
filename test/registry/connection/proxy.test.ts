import assert from 'node:assert/strict';
import test from 'node:test';
import { proxyFor } from '../../../src/registry/connection/proxy.ts';
import { registriesOf } from '../../support/loopback.ts';

const PROXY = 'http://proxy.corp:3128';

// [noProxy, URL, goes through the proxy]
const table: readonly (readonly [readonly string[], string, boolean])[] = [
  [[], 'https://ghcr.io/v2/', true],
  [['.corp'], 'https://registry.corp/v2/', false],
  [['.corp'], 'https://corp/v2/', true],
  [['corp'], 'https://registry.corp/v2/', false],
  [['corp'], 'https://corp/v2/', false],
  [['*.corp'], 'https://registry.corp/v2/', false],
  [['.corp'], 'https://registry.corp.evil.com/v2/', true],
  [['.corp'], 'https://notcorp/v2/', true],
  [['CORP'], 'https://registry.corp/v2/', false],
  [['registry.corp:5000'], 'https://registry.corp:5000/v2/', false],
  [['registry.corp:5000'], 'https://registry.corp/v2/', true],
  [['registry.corp:443'], 'https://registry.corp/v2/', false],
  [['10.0.0.0/8'], 'https://10.1.2.3/v2/', false],
  [['10.0.0.0/8'], 'https://11.1.2.3/v2/', true],
  [['10.0.0.0/8'], 'https://10.example.com/v2/', true],
  [['10.1.2.3'], 'https://10.1.2.3:5000/v2/', false],
  [['fd00::/8'], 'https://[fd12::1]/v2/', false],
  [['fd00::/8'], 'https://10.0.0.1/v2/', true],
  [['ghcr.io', '.corp'], 'https://ghcr.io/v2/', false],
];

for (const [noProxy, url, expected] of table) {
  test(`${url} goes ${expected ? 'through the proxy' : 'directly'} with noProxy ${noProxy.join(', ') || 'empty'}`, () => {
    const settings = registriesOf({ allow: ['ghcr.io'], proxy: { url: PROXY, noProxy } });
    assert.equal(proxyFor(settings, new URL(url))?.url ?? null, expected ? PROXY : null);
  });
}

test('entries that are no rule exempt nothing, and a star exempts all', () => {
  const settings = registriesOf({ allow: ['ghcr.io'] });
  const through = (noProxy: readonly string[]) =>
    proxyFor({ ...settings, proxy: { url: PROXY, noProxy } }, new URL('https://ghcr.io/'));
  for (const rule of ['', '.', '10.0.0.0/99', '10.0.0.0/', '/8', 'io:x'])
    assert.equal(through([rule])?.url, PROXY, rule);
  assert.equal(through(['*']), null);
});

test('without a list of hosts there is no proxy, since nobody could check where it leads', () => {
  const settings = { ...registriesOf({}), proxy: { url: PROXY, noProxy: [] } };
  assert.equal(proxyFor(settings, new URL('https://ghcr.io/')), null);
});

const OWN = { host: 'ghcr.io', certificateAuthority: null, clientCertificate: null, plainHttp: false };

// [the proxy that an object names, the policy, where the proxy may be]
const own: readonly (readonly [string, object, boolean | 'refused'])[] = [
  ['http://proxy.example:3128', {}, false],
  ['http://user:password@proxy.example:3128', {}, false],
  ['http://8.8.8.8:3128', {}, false],
  ['http://10.0.0.7:3128', {}, 'refused'],
  ['http://[::1]:3128', {}, 'refused'],
  ['http://169.254.169.254', { allow: ['ghcr.io'], hosts: [{ host: '169.254.169.254:80' }] }, 'refused'],
  ['http://10.0.0.7:3128', { hosts: [{ host: '10.0.0.7:3128' }] }, 'refused'],
  ['http://10.0.0.7:3128', { allow: ['ghcr.io'] }, 'refused'],
  ['http://10.0.0.7:3128', { allow: ['ghcr.io'], hosts: [{ host: '10.0.0.7:8080' }] }, 'refused'],
  ['http://10.0.0.7:3128', { allow: ['ghcr.io'], hosts: [{ host: '10.0.0.7:3128' }] }, true],
  ['http://squid.proxies.svc:3128', {}, 'refused'],
  ['http://localhost.:3128', {}, 'refused'],
  ['http://squid.svc:3128', { allow: ['ghcr.io'], hosts: [{ host: 'squid.svc:3128' }] }, true],
  ['http://10.0.0.7', { allow: ['ghcr.io'], hosts: [{ host: '10.0.0.7' }] }, 'refused'],
  ['http://10.0.0.7', { allow: ['ghcr.io'], hosts: [{ host: '10.0.0.7:80' }] }, true],
  ['https://proxy.corp', { allow: ['ghcr.io'], hosts: [{ host: 'proxy.corp' }] }, true],
];

for (const [proxy, policy, expected] of own) {
  test(`a proxy that an object names, ${proxy}, with the policy ${JSON.stringify(policy)}: ${expected}`, () => {
    const ask = () => proxyFor({ ...registriesOf(policy), own: { ...OWN, proxy } }, new URL('https://ghcr.io/'));
    if (expected === 'refused') assert.throws(ask, { reason: 'PrivateProxy' });
    else assert.deepEqual(ask(), { url: proxy, privateAddresses: expected });
  });
}

test("without a proxy of its own an object is asked for through the policy's", () => {
  const settings = registriesOf({ allow: ['ghcr.io'], proxy: { url: PROXY, noProxy: [] } });
  assert.equal(proxyFor({ ...settings, own: { ...OWN, proxy: null } }, new URL('https://ghcr.io/'))?.url, PROXY);
});
