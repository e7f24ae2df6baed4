import assert from 'node:assert/strict';
import test from 'node:test';
import { environmentProxy, isExemptFrom, isProxyExempt } from '../../../src/platform/network/proxy-choice.ts';

const https = new URL('https://api.example.com/x');
const http = new URL('http://api.example.com/x');

const ROWS: readonly (readonly [string, Readonly<Record<string, string>>, URL, string | null])[] = [
  ['none', {}, https, null],
  ['https_proxy', { https_proxy: 'http://p:1' }, https, 'http://p:1'],
  ['HTTPS_PROXY', { HTTPS_PROXY: 'http://p:1' }, https, 'http://p:1'],
  ['https_proxy for http', { https_proxy: 'http://p:1' }, http, null],
  ['http_proxy', { http_proxy: 'p:1' }, http, 'http://p:1'],
  ['HTTP_PROXY, which a request could set', { HTTP_PROXY: 'http://p:1' }, http, null],
  ['all_proxy', { ALL_PROXY: 'http://p:1' }, https, 'http://p:1'],
  ['an empty one', { https_proxy: ' ', all_proxy: 'http://p:2' }, https, 'http://p:2'],
  ['no_proxy', { https_proxy: 'http://p:1', NO_PROXY: 'a, .example.com' }, https, null],
  ['no_proxy of others', { https_proxy: 'http://p:1', no_proxy: 'example.org b.example.com' }, https, 'http://p:1'],
];

for (const [what, environment, url, proxy] of ROWS) {
  test(`the environment's proxy: ${what}`, () => assert.equal(environmentProxy(environment, url), proxy));
}

test('lists of exceptions are read as Go and curl read them', () => {
  assert.equal(isExemptFrom('', https), false);
  assert.equal(isExemptFrom('x,*', https), true);
  assert.equal(isProxyExempt('example.com:443', https), true);
  assert.equal(isProxyExempt('example.com:8443', https), false);
  assert.equal(isProxyExempt('10.0.0.0/8', new URL('https://10.1.2.3/')), true);
});
