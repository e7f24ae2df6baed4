import assert from 'node:assert/strict';
import test from 'node:test';
import { placesOf } from '../../../src/core/manifest/place.ts';

test('lines and columns count from 1, and a line end belongs to its line', () => {
  const placeOf = placesOf('ab\r\n\ncd');
  const places = [0, 1, 2, 3, 4, 5, 6, 7].map((offset) => Object.values(placeOf(offset)).join(':'));
  assert.deepEqual(places, ['1:1', '1:2', '1:3', '1:4', '2:1', '3:1', '3:2', '3:3']);
});

test('an empty text has one place', () => {
  assert.deepEqual(placesOf('')(0), { line: 1, column: 1 });
});
