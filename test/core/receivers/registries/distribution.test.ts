import assert from 'node:assert/strict';
import test from 'node:test';
import { readDistribution } from '../../../../src/core/receivers/registries/distribution.ts';
import { hintsIn, receive, refusesNonsense } from '../../../support/received.ts';
import { DISTRIBUTION } from '../../../support/receiver-payloads.ts';

test('the manifests of an envelope that were pushed by tag are hints; pulls and blobs are not', () => {
  assert.deepEqual(hintsIn(readDistribution, DISTRIBUTION), ['registry.example.com:5000/acme/shop:1.4.2']);
  assert.deepEqual(hintsIn(readDistribution, { events: [] }), []);
});

test('without a host the URL of the manifest says where, unless it is configured', () => {
  const [push] = DISTRIBUTION.events;
  const body = { events: [{ ...push, request: {} }] };
  assert.deepEqual(hintsIn(readDistribution, body), ['registry.example.com:5000/acme/shop:1.4.2']);
  assert.deepEqual(hintsIn(readDistribution, body, { registries: ['hub.example'] }), ['hub.example/acme/shop:1.4.2']);
});

test('nothing comes of nonsense', () => {
  refusesNonsense(readDistribution);
  assert.equal(receive(readDistribution, {}).kind, 'refused');
});
