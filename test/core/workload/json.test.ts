import assert from 'node:assert/strict';
import test from 'node:test';
import { asObject, asString, elements, property, valueAt } from '../../../src/core/workload/json.ts';

test('objects are told from arrays, null and all else', () => {
  assert.deepEqual(asObject({ a: 1 }), { a: 1 });
  for (const value of [null, undefined, [], 'x', 1, true]) assert.equal(asObject(value), null);
});

test('only own properties are properties', () => {
  assert.equal(property({ a: 1 }, 'a'), 1);
  for (const name of ['toString', 'constructor', '__proto__', 'b']) assert.equal(property({ a: 1 }, name), null);
  assert.equal(property(JSON.parse('{"__proto__": 2}'), '__proto__'), 2);
});

test('a path that ends early has no value', () => {
  assert.equal(valueAt({ a: { b: 'c' } }, ['a', 'b']), 'c');
  assert.equal(valueAt({ a: { b: 'c' } }, ['a', 'x', 'y']), null);
  assert.equal(valueAt(null, ['a']), null);
});

test('texts and lists are themselves, all else is nothing', () => {
  assert.equal(asString('x'), 'x');
  assert.equal(asString(1), null);
  assert.deepEqual(elements([1]), [1]);
  assert.deepEqual(elements({ length: 1 }), []);
});
