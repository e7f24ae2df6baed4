import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareNumbers, parseNumber } from '../../../src/core/version/number.ts';

function number(text: string) {
  return parseNumber(text) ?? assert.fail(text);
}

test('decimal numbers are read, other texts are not', () => {
  for (const text of ['0', '007', '20240101123456789', '1.5', '-3', '+4.0'])
    assert.notEqual(parseNumber(text), null, text);
  for (const text of ['', '1.', '.5', '1e5', '0x10', '1.2.3', 'v1', ' 1', 'Infinity', 'NaN', '1_000']) {
    assert.equal(parseNumber(text), null, text);
  }
});

test('numbers beyond 2^53 keep their order', () => {
  assert.ok(compareNumbers(number('20240101123456788'), number('20240101123456789')) < 0);
  assert.ok(compareNumbers(number('1.10'), number('1.9')) < 0);
  for (const [a, b] of [
    ['1', '1.0'],
    ['007', '7'],
    ['-0', '0'],
    ['1.10', '1.1'],
  ] as const) {
    assert.equal(compareNumbers(number(a), number(b)), 0, `${a} ${b}`);
  }
});

test('the order is that of numbers, for all that a double holds', () => {
  const cents = fc.integer({ min: -1_000_000, max: 1_000_000 });
  fc.assert(
    fc.property(cents, cents, (a, b) => {
      const compared = compareNumbers(number((a / 100).toFixed(2)), number((b / 100).toFixed(2)));
      assert.equal(Math.sign(compared), Math.sign(a - b));
    }),
    { seed: 1 },
  );
});
