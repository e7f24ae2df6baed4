import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inertRow } from '../../../src/core/audit/inert.ts';

test('a row about no image has its state and its reason, and nothing of an image', () => {
  const row = inertRow(
    { namespace: 'shop', kind: 'Deployment', name: 'web' },
    { code: 'UnknownKey', where: 'tagpin.dev/folow', message: 'did you mean follow?' },
  );
  assert.deepEqual([row.container, row.image, row.requested, row.digest, row.running], ['', '', null, null, []]);
  assert.deepEqual([row.state, row.reason], ['inert', 'tagpin.dev/folow: did you mean follow?']);
});

test('a message that says where it is about needs no more', () => {
  const row = inertRow({ namespace: 'a', kind: 'b', name: 'c' }, { code: 'BadValue', where: '', message: 'x: y' });
  assert.equal(row.reason, 'x: y');
});
