import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNeverAsked, registryOf } from '../../../src/core/lint/allowed.ts';
import { policyOf } from '../../support/policy.ts';

const listed = policyOf(
  'registries: {allow: [ghcr.io, "*.example.com"], hosts: [{host: "r.internal:5000"}]}\n',
).registries;

for (const [glob, expected] of [
  ['ghcr.io/**', false],
  ['quay.io/**', true],
  ['a.example.com/x', false],
  ['a.b.example.com/x', true],
  ['r.internal:5000/x', false],
  ['r.internal/x', true],
  ['*.io/**', false],
  ['**', false],
] as const) {
  test(`${glob} is ${expected ? 'never' : 'perhaps'} asked`, () => {
    assert.equal(isNeverAsked(glob, listed), expected);
    assert.equal(isNeverAsked(glob, policyOf('').registries), false);
  });
}

test('a registry is what stands before the first slash', () => {
  assert.equal(registryOf('ghcr.io/acme/**'), 'ghcr.io');
});
