import assert from 'node:assert/strict';
import test from 'node:test';
import { harborHints, readHarbor } from '../../../../src/core/receivers/registries/harbor.ts';
import { hintsIn, receive, refusesNonsense } from '../../../support/received.ts';
import { HARBOR, HARBOR_CLOUD_EVENT } from '../../../support/receiver-payloads.ts';

const PUSHED = ['hub.example.com/acme/shop:1.4.2', 'hub.example.com/acme/shop:'];

test('every resource of a push to Harbor is a hint, in either format', () => {
  assert.deepEqual(hintsIn(readHarbor, HARBOR), PUSHED);
  assert.deepEqual(hintsIn(readHarbor, HARBOR_CLOUD_EVENT), PUSHED);
  assert.deepEqual(hintsIn(readHarbor, { ...HARBOR, type: 'pushImage' }), PUSHED);
  assert.equal(harborHints(HARBOR.event_data, []).kind, 'hints');
});

test('a Harbor behind other names is found under those', () => {
  assert.deepEqual(hintsIn(readHarbor, HARBOR, { registries: ['harbor.internal:8080'] }), [
    'harbor.internal:8080/acme/shop:1.4.2',
    'harbor.internal:8080/acme/shop:',
  ]);
});

test('scans, replications and deletions say nothing', () => {
  for (const type of [
    'SCANNING_COMPLETED',
    'REPLICATION',
    'DELETE_ARTIFACT',
    'PULL_ARTIFACT',
    'harbor.artifact.pulled',
  ]) {
    assert.deepEqual(hintsIn(readHarbor, { ...HARBOR, type }), []);
  }
});

test('nothing comes of nonsense', () => {
  refusesNonsense(readHarbor);
  assert.equal(receive(readHarbor, { type: 'PUSH_ARTIFACT', event_data: {} }).kind, 'refused');
});
