import assert from 'node:assert/strict';
import test from 'node:test';
import { pathText } from '../../../src/core/manifest/document.ts';

test('a path is written with dots and brackets', () => {
  assert.equal(pathText(['spec', 'containers', 0, 'image']), 'spec.containers[0].image');
  assert.equal(pathText([1, 'a']), '[1].a');
  assert.equal(pathText([]), '');
});
