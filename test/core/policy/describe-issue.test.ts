import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { describeIssue, describeUnknownKey } from '../../../src/core/policy/describe-issue.ts';

function describe(schema: z.ZodType, input: unknown): string | undefined {
  return schema.safeParse(input, { error: describeIssue }).error?.issues[0]?.message;
}

const OBJECT = Object.create(null) as unknown;

// [schema, value, message]
const rows: readonly (readonly [z.ZodType, unknown, string])[] = [
  [z.string(), undefined, 'is missing'],
  [z.enum(['a']), undefined, 'is missing'],
  [z.string(), null, 'has no value: give it one, or remove the key'],
  [z.enum(['a', 'b']), null, 'has no value: give it one, or remove the key'],
  [z.string(), 1, 'must be text, not a number: put it in quotes'],
  [z.string(), true, 'must be text, not a boolean: put it in quotes'],
  [z.string(), [], 'must be text'],
  [z.string(), OBJECT, 'must be text'],
  [z.array(z.string()), 'a', 'must be a list, not "a"'],
  [z.array(z.string()), OBJECT, 'must be a list'],
  [z.object({}), 3, 'must be a mapping of keys to values, not 3'],
  [z.record(z.string(), z.string()), 'x', 'must be a mapping of keys to values, not "x"'],
  [z.boolean(), 'yes', 'must be true or false, not "yes"'],
  [z.int(), 1.5, 'must be a whole number, not 1.5'],
  [z.number(), 'a', 'must be a number, not "a"'],
  [z.number().min(1), 0, 'must be at least 1, not 0'],
  [z.number().positive(), 0, 'must be more than 0, not 0'],
  [z.number().max(1), 2, 'must be at most 1, not 2'],
  [z.string().min(1), '', 'must not be empty'],
  [z.string().max(1), 'ab', 'must have at most 1 characters'],
  [z.array(z.string()).min(1), [], 'must not be empty: remove the key where it sets no condition'],
  [z.enum(['pin', 'warn']), 'wran', 'must be one of pin, warn, not "wran": did you mean warn?'],
  [z.enum(['pin', 'warn']), OBJECT, 'must be one of pin, warn, not a mapping'],
  [z.enum(['pin', 'warn']), [], 'must be one of pin, warn, not a list'],
  [z.literal('v1'), 'v2', 'must be v1, not "v2"'],
  [z.enum(['pin', 'warn']), 'x'.repeat(100), `must be one of pin, warn, not "${'x'.repeat(58)}…`],
];

for (const [schema, value, message] of rows) {
  test(message, () => {
    assert.equal(describe(schema, value), message);
  });
}

test('an unknown key names the one that was meant, or all', () => {
  assert.match(describeUnknownKey('acton', ['action', 'format']), /did you mean action\?$/);
  assert.match(describeUnknownKey('x', ['action', 'format']), /these are: action, format$/);
});
