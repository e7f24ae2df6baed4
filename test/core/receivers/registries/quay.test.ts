import assert from 'node:assert/strict';
import test from 'node:test';
import { readQuay } from '../../../../src/core/receivers/registries/quay.ts';
import { hintsIn, receive, refusesNonsense } from '../../../support/received.ts';
import { QUAY } from '../../../support/receiver-payloads.ts';

test('every tag of a push to Quay is a hint', () => {
  assert.deepEqual(hintsIn(readQuay, QUAY), ['quay.io/acme/shop:latest', 'quay.io/acme/shop:1.4.2']);
});

test('a Quay of its own is where it says', () => {
  const body = { ...QUAY, docker_url: 'quay.example.com:8443/acme/shop', updated_tags: ['x'] };
  assert.deepEqual(hintsIn(readQuay, body), ['quay.example.com:8443/acme/shop:x']);
});

test('other notifications say nothing', () => {
  const { updated_tags: _, ...rest } = QUAY;
  assert.deepEqual(hintsIn(readQuay, { ...rest, vulnerability: { id: 'CVE-1' }, tags: ['latest'] }), []);
  assert.deepEqual(hintsIn(readQuay, { ...rest, docker_tags: ['built'] }), ['quay.io/acme/shop:built']);
});

test('nothing comes of nonsense', () => {
  refusesNonsense(readQuay);
  assert.equal(receive(readQuay, { updated_tags: ['a'] }).kind, 'refused');
});
