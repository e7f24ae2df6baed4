import assert from 'node:assert/strict';
import test from 'node:test';
import { readArtifactRegistry } from '../../../../src/core/receivers/registries/artifact-registry.ts';
import { hintsIn, receive, refusesNonsense } from '../../../support/received.ts';
import { ARTIFACT_REGISTRY, pubSubMessage } from '../../../support/receiver-payloads.ts';

const PUSHED = ['europe-docker.pkg.dev/acme/apps/shop:1.4.2'];

test('a push is a hint, in the envelope of Pub/Sub or without', () => {
  assert.deepEqual(hintsIn(readArtifactRegistry, pubSubMessage(ARTIFACT_REGISTRY)), PUSHED);
  assert.deepEqual(hintsIn(readArtifactRegistry, ARTIFACT_REGISTRY), PUSHED);
});

test('a push without a tag names the repository', () => {
  const { tag: _, ...untagged } = ARTIFACT_REGISTRY;
  assert.deepEqual(hintsIn(readArtifactRegistry, pubSubMessage(untagged)), ['europe-docker.pkg.dev/acme/apps/shop:']);
});

test('deletions say nothing', () => {
  assert.deepEqual(hintsIn(readArtifactRegistry, pubSubMessage({ ...ARTIFACT_REGISTRY, action: 'DELETE' })), []);
});

test('nothing comes of nonsense', () => {
  refusesNonsense(readArtifactRegistry);
  for (const data of ['%%%', '', Buffer.from('not JSON').toString('base64'), Buffer.from('[]').toString('base64')]) {
    assert.equal(receive(readArtifactRegistry, { message: { data } }).kind, 'refused');
  }
  assert.equal(receive(readArtifactRegistry, pubSubMessage({ action: 'INSERT', tag: 'A B' })).kind, 'refused');
});
