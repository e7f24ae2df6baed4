import assert from 'node:assert/strict';
import test from 'node:test';
import { quoted } from '../../../../src/core/target/settings/written.ts';

test('a text is quoted, and cut where it is long', () => {
  assert.equal(quoted('a "b"\n'), '"a \\"b\\"\\n"');
  assert.equal(quoted('x'.repeat(100)).length, 60);
});
