import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import test from 'node:test';
import { readAuthority } from '../../src/certificates/authority.ts';
import { issueAuthority, issueServing, validFor } from '../../src/certificates/issue.ts';
import type { Authorities } from '../../src/certificates/rotation.ts';
import { readSecret, type StoredSecret, secretChanges } from '../../src/certificates/secret.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const DAY = 24 * 60 * 60_000;

const pairs = await Promise.all(
  ['one', 'two', 'three'].map((name) => issueAuthority({ name, ...validFor(NOW, 30 * DAY) })),
);
const [one, two, three] = pairs.map((pair) => {
  const read = readAuthority(pair);
  return read.ok ? read.authority : assert.fail(read.problem);
});
assert.ok(one && two && three);
const leaf = await issueServing({
  authority: { certificate: one.certificate, key: one.key },
  name: 'leaf',
  hosts: ['a'],
  ...validFor(NOW, DAY),
});
const elliptic = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

function stored(data: Readonly<Record<string, string>>, more: Partial<StoredSecret> = {}): StoredSecret {
  return { version: '1', type: 'Opaque', annotations: {}, data, ...more };
}

/** As the API server would have it after a write. */
function written(authorities: Authorities, over: StoredSecret | null = null): StoredSecret {
  const data = { ...over?.data, ...secretChanges(authorities, over) };
  return stored(
    Object.fromEntries(Object.entries(data).flatMap(([key, value]) => (value === null ? [] : [[key, value]]))),
  );
}

const { key: _key, ...trusted } = three;
const rotating: Authorities = {
  signing: one,
  next: two,
  nextPublished: NOW,
  previous: [{ ...trusted, retired: new Date(NOW.getTime() - DAY), state: 'leaving' }],
};
const quiet: Authorities = { signing: one, next: null, nextPublished: null, previous: [] };

test('what is written is what is read, and what is over is taken out', () => {
  assert.deepEqual(readSecret(written(rotating)), { kind: 'usable', authorities: rotating });
  const after = written(quiet, written(rotating));
  assert.deepEqual(readSecret(after), { kind: 'usable', authorities: quiet });
  assert.deepEqual(Object.keys(after.data).toSorted(), ['ca.crt', 'ca.key', 'rotation']);
});

test('a Secret is used, replaced, or left alone, and the reason is told', () => {
  const pair = { 'ca.crt': one.certificate, 'ca.key': one.key };
  const tls = { 'tls.crt': leaf.certificate, 'tls.key': leaf.key };
  const rows: readonly [string, StoredSecret | null, string, RegExp?][] = [
    ['none', null, 'absent'],
    ['an empty one', stored({}), 'absent'],
    ['one with other things', stored(tls), 'absent'],
    ['somebody’s own authority', stored(pair), 'usable'],
    ['no key', stored({ 'ca.crt': one.certificate }), 'unusable', /^it has ca.crt without ca.key$/],
    ['no certificate', stored({ 'ca.key': one.key }), 'unusable', /^it has ca.key without ca.crt$/],
    ['garbage', stored({ 'ca.crt': 'x', 'ca.key': 'y' }), 'unusable', /certificate can not be read/],
    ['a key that is garbage', stored({ ...pair, 'ca.key': 'y' }), 'unusable', /key can not be read/],
    ['another key', stored({ ...pair, 'ca.key': two.key }), 'unusable', /key is not that of the certificate/],
    ['another algorithm', stored({ ...pair, 'ca.key': elliptic.privateKey }), 'unusable', /key is not that/],
    ['no authority', stored({ 'ca.crt': leaf.certificate, 'ca.key': leaf.key }), 'unusable', /it is not an authority/],
    [
      'cert-manager’s',
      stored(tls, { type: 'kubernetes.io/tls' }),
      'foreign',
      /--certificates cert-manager, or delete it/,
    ],
    [
      'its issuer’s',
      stored(pair, { annotations: { 'cert-manager.io/issuer-name': 'a' } }),
      'foreign',
      /cert-manager's/,
    ],
    [
      'of another type',
      stored(pair, { type: 'example.org/own' }),
      'foreign',
      /its type is example.org\/own, not Opaque/,
    ],
  ];
  for (const [name, secret, kind, problem] of rows) {
    const reading = readSecret(secret);
    assert.equal(reading.kind, kind, name);
    if (problem !== undefined) assert.match('problem' in reading ? reading.problem : '', problem, name);
  }
});

test('what can not be used is kept under other names', () => {
  const garbage = stored({ 'ca.crt': 'x', 'ca.key': 'y', theirs: 'z' });
  const { data } = written(quiet, garbage);
  assert.deepEqual([data['unusable-ca.crt'], data['unusable-ca.key'], data['theirs']], ['x', 'y', 'z']);
  const again = written(rotating, stored(data));
  assert.deepEqual([again.data['unusable-ca.crt'], again.data['ca.crt']], ['x', one.certificate]);
});

test('a damaged part is left out, and the rest is used', () => {
  const whole = written(rotating).data;
  const rows: readonly [string, Record<string, string>, Partial<Authorities>][] = [
    ['no record', { rotation: '' }, { nextPublished: null, previous: [] }],
    ['a record that is no JSON', { rotation: '{' }, { nextPublished: null, previous: [] }],
    ['a record of something else', { rotation: '[null]' }, { nextPublished: null, previous: [] }],
    [
      'a date that is none',
      { rotation: '{"nextPublished":"soon","previous":3}' },
      { nextPublished: null, previous: [] },
    ],
    ['a next one without its key', { 'next-ca.key': '' }, { next: null, nextPublished: null }],
    ['a next one with another key', { 'next-ca.key': one.key }, { next: null, nextPublished: null }],
    ['garbage among the previous', { 'previous-ca.crt': `x${whole['previous-ca.crt']}` }, {}],
    ['no previous one', { 'previous-ca.crt': '' }, { previous: [] }],
  ];
  for (const [name, damage, expected] of rows) {
    const authorities = { ...rotating, ...expected };
    assert.deepEqual(readSecret(stored({ ...whole, ...damage })), { kind: 'usable', authorities }, name);
  }
});
