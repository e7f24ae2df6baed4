import assert from 'node:assert/strict';
import test from 'node:test';
import { targetKey } from '../../../src/core/sweep/change.ts';

test('a target is named as --target takes it', () => {
  assert.equal(targetKey({ kind: 'Application', namespace: 'argocd', name: 'shop' }), 'Application/argocd/shop');
});
