import assert from 'node:assert/strict';
import test from 'node:test';
import { AZURE_PUSH, azureImage, readAzure } from '../../../../src/core/receivers/registries/azure.ts';
import { hintsIn, receive, refusesNonsense } from '../../../support/received.ts';
import { AZURE, EVENT_GRID, EVENT_GRID_VALIDATION } from '../../../support/receiver-payloads.ts';

const PUSHED = ['acme.azurecr.io/shop:1.4.2'];

test('a push is a hint, through a webhook or through Event Grid', () => {
  assert.deepEqual(hintsIn(readAzure, AZURE), PUSHED);
  assert.deepEqual(hintsIn(readAzure, EVENT_GRID), PUSHED);
  const event = { specversion: '1.0', type: AZURE_PUSH, source: '/subscriptions/0', id: '1', data: AZURE };
  assert.deepEqual(hintsIn(readAzure, event), PUSHED);
  assert.deepEqual(hintsIn(readAzure, [event, event]), PUSHED);
  assert.equal(azureImage(AZURE)?.tag, '1.4.2');
});

test('pings, deletions and charts say nothing', () => {
  for (const action of ['ping', 'delete', 'chart_push', 'quarantine']) {
    assert.deepEqual(hintsIn(readAzure, { ...AZURE, action }), []);
  }
  const [event] = EVENT_GRID;
  assert.deepEqual(hintsIn(readAzure, [{ ...event, eventType: 'Microsoft.ContainerRegistry.ImageDeleted' }]), []);
});

test("Event Grid's question is answered with its code, and with nothing else", () => {
  assert.deepEqual(receive(readAzure, EVENT_GRID_VALIDATION), {
    kind: 'handshake',
    answer: { validationResponse: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6' },
  });
  const [question] = EVENT_GRID_VALIDATION;
  for (const validationCode of ['', '<script>', 'a"b', 7, null, 'x'.repeat(200)]) {
    assert.equal(receive(readAzure, [{ ...question, data: { validationCode } }]).kind, 'refused');
  }
});

test('nothing comes of nonsense', () => {
  refusesNonsense(readAzure);
  assert.equal(receive(readAzure, {}).kind, 'refused');
});
