import assert from 'node:assert/strict';
import test from 'node:test';
import { readCloudEvents } from '../../../../src/core/receivers/registries/cloud-events.ts';
import { hintsIn, receive, refusesNonsense } from '../../../support/received.ts';
import { AZURE, ECR_CLOUD_EVENT, HARBOR_CLOUD_EVENT } from '../../../support/receiver-payloads.ts';

const ECR_HOST = '123456789012.dkr.ecr.eu-central-1.amazonaws.com';
const event = (type: string, data: unknown, more: object = {}): object => ({
  specversion: '1.0',
  id: '1',
  source: 'https://hub.example.com/ci',
  type,
  data,
  ...more,
});

test("ECR's events as Image Updater's documentation has them are hints", () => {
  assert.equal(hintsIn(readCloudEvents, ECR_CLOUD_EVENT)[0], `${ECR_HOST}/acme/shop:1.4.2`);
  const arn = { ...ECR_CLOUD_EVENT, source: 'arn:aws:ecr:eu-central-1:123456789012:repository/acme/shop', data: {} };
  assert.equal(
    hintsIn(readCloudEvents, arn)[0],
    `${ECR_HOST}/acme/shop:1.4.2`,
    'the subject says it where the data does not',
  );
});

test('events of Harbor and of Azure are hints', () => {
  assert.equal(hintsIn(readCloudEvents, HARBOR_CLOUD_EVENT)[0], 'hub.example.com/acme/shop:1.4.2');
  const pushed = event('Microsoft.ContainerRegistry.ImagePushed', AZURE);
  assert.deepEqual(hintsIn(readCloudEvents, pushed), ['acme.azurecr.io/shop:1.4.2']);
});

test("zot's events are hints where its host is configured", () => {
  const body = event(
    'zotregistry.image.updated',
    { name: 'acme/shop', reference: '1.4.2', mediaType: 'x' },
    { source: 'zot' },
  );
  assert.deepEqual(hintsIn(readCloudEvents, body, { registries: ['zot.example'] }), ['zot.example/acme/shop:1.4.2']);
  assert.equal(receive(readCloudEvents, body).kind, 'refused');
});

test('other events of images name their registry in the data or by their source', () => {
  const data = { repository: 'acme/shop', tag: '1', registry: 'https://ghcr.io' };
  assert.deepEqual(hintsIn(readCloudEvents, event('com.example.image.pushed', data)), ['ghcr.io/acme/shop:1']);
  const { registry: _, ...rest } = data;
  assert.deepEqual(hintsIn(readCloudEvents, event('com.example.container.push', rest)), [
    'hub.example.com/acme/shop:1',
  ]);
});

test('events come in batches, and with their attributes in headers', () => {
  assert.equal(hintsIn(readCloudEvents, [ECR_CLOUD_EVENT, HARBOR_CLOUD_EVENT]).length, 5);
  const headers = { 'ce-specversion': '1.0', 'ce-type': 'com.example.image.pushed', 'ce-source': 'https://ghcr.io/x' };
  assert.deepEqual(hintsIn(readCloudEvents, { repository: 'acme/shop', tag: '1' }, { headers }), [
    'ghcr.io/acme/shop:1',
  ]);
});

test('deletions and events of other things say nothing', () => {
  assert.deepEqual(hintsIn(readCloudEvents, { ...ECR_CLOUD_EVENT, type: 'com.amazon.ecr.image.delete' }), []);
  assert.deepEqual(hintsIn(readCloudEvents, event('com.example.order.placed', {})), []);
});

test('nothing comes of nonsense, nor of JSON that is no event', () => {
  refusesNonsense(readCloudEvents);
  assert.equal(receive(readCloudEvents, { type: 'image' }).kind, 'refused');
  assert.equal(receive(readCloudEvents, event('image', null, { subject: '' })).kind, 'refused');
});
