import assert from 'node:assert/strict';
import test from 'node:test';
import { joinAuthorities, type OwnConnection } from '../../../src/registry/connection/own.ts';
import { findEndpoint } from '../../../src/registry/endpoint.ts';
import { permitRealm, permitRedirect, permitRegistry } from '../../../src/registry/guard.ts';
import { registriesOf } from '../../support/loopback.ts';

const OWN: OwnConnection = {
  host: 'registry.example:5000',
  certificateAuthority: 'their PEM',
  clientCertificate: { certificate: 'client PEM', key: 'key PEM' },
  proxy: null,
  plainHttp: false,
};
const settings = { ...registriesOf({ hosts: [{ host: 'mirror.example' }] }), own: OWN };

test('authorities of the policy and of an object count both', () => {
  assert.equal(joinAuthorities(null, null), null);
  assert.equal(joinAuthorities('one', null), 'one');
  assert.equal(joinAuthorities(null, 'other'), 'other');
  assert.equal(joinAuthorities('one', 'other'), 'one\nother');
});

test('a registry is shown the client certificate, and who it sends us to is not', () => {
  const endpoint = findEndpoint(settings, OWN.host);
  const permit = permitRegistry(endpoint);
  assert.deepEqual(permit.clientCertificate, OWN.clientCertificate);
  assert.equal(permit.certificateAuthority, 'their PEM');
  const redirect = permitRedirect(settings, permit, 'https://blobs.example/x');
  assert.deepEqual([redirect.clientCertificate, redirect.certificateAuthority], [null, 'their PEM']);
  const realm = permitRealm(settings, endpoint, 'https://tokens.example/token');
  assert.deepEqual(
    [realm.clientCertificate, realm.certificateAuthority, realm.credentials],
    [null, 'their PEM', false],
  );
});

test('an own connection opens no private address', () => {
  assert.equal(permitRegistry(findEndpoint(settings, OWN.host)).privateAddresses, false);
  const inside = { ...settings, own: { ...OWN, host: '10.0.0.7' } };
  assert.throws(() => permitRegistry(findEndpoint(inside, '10.0.0.7')), { reason: 'PrivateAddress' });
});

test('what the policy does not allow stays unasked', () => {
  const strict = { ...registriesOf({ allow: ['ghcr.io'] }), own: OWN };
  assert.throws(() => findEndpoint(strict, OWN.host), { reason: 'HostNotAllowed' });
});

test('plain HTTP is for that host alone, and for the tokens that it gives itself', () => {
  const plain = { ...settings, own: { ...OWN, plainHttp: true } };
  const endpoint = findEndpoint(plain, OWN.host);
  assert.equal(endpoint.base.href, 'http://registry.example:5000/v2/');
  assert.equal(findEndpoint(plain, 'ghcr.io').base.protocol, 'https:');
  assert.equal(permitRealm(plain, endpoint, 'http://registry.example:5000/token').credentials, true);
  assert.throws(() => permitRealm(plain, endpoint, 'http://tokens.example/token'), { reason: 'RealmNotAllowed' });
});
