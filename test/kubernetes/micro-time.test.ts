import assert from 'node:assert/strict';
import test from 'node:test';
import { microTime } from '../../src/kubernetes/micro-time.ts';

test('a time has six digits after its second', () => {
  assert.equal(microTime(new Date(Date.UTC(2026, 10, 21, 15, 0, 0, 7))), '2026-11-21T15:00:00.007000Z');
  assert.equal(microTime(new Date(0)), '1970-01-01T00:00:00.000000Z');
});
