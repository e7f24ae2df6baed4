import assert from 'node:assert/strict';
import test from 'node:test';
import { shownValue } from '../../../src/core/write-back/edited-text.ts';

test('people are shown texts as they are, everything else as JSON', () => {
  assert.deepEqual(['a', 1.1, true, null, undefined, ['a']].map(shownValue), ['a', '1.1', 'true', null, null, '["a"]']);
});
