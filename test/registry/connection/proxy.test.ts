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
    assert.equal(proxyFor(settings, new URL(url)), expected ? PROXY : null);
  });
}

test('entries that are no rule exempt nothing, and a star exempts all', () => {
  const settings = registriesOf({ allow: ['ghcr.io'] });
  const through = (noProxy: readonly string[]) =>
    proxyFor({ ...settings, proxy: { url: PROXY, noProxy } }, new URL('https://ghcr.io/'));
  for (const rule of ['', '.', '10.0.0.0/99', '10.0.0.0/', '/8', 'io:x']) assert.equal(through([rule]), PROXY, rule);
  assert.equal(through(['*']), null);
});

test('without a list of hosts there is no proxy, since nobody could check where it leads', () => {
  const settings = { ...registriesOf({}), proxy: { url: PROXY, noProxy: [] } };
  assert.equal(proxyFor(settings, new URL('https://ghcr.io/')), null);
});
