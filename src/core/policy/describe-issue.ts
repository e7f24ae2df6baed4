import type * as z from 'zod';
import { nearestWord } from './nearest.ts';

const EXPECTED: Readonly<Record<string, string>> = {
  array: 'must be a list',
  boolean: 'must be true or false',
  int: 'must be a whole number',
  number: 'must be a number',
  object: 'must be a mapping of keys to values',
  record: 'must be a mapping of keys to values',
  string: 'must be text',
};

/** What zod found, in words for people who write YAML; undefined leaves it to zod. Values are quoted, cut to 60 characters. */
export function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue;
  if (input === undefined && (issue.code === 'invalid_type' || issue.code === 'invalid_value')) return 'is missing';
  if (input === null) return 'has no value: give it one, or remove the key';
  switch (issue.code) {
    case 'invalid_type': {
      const expected = EXPECTED[issue.expected] ?? `must be ${issue.expected}`;
      if (issue.expected === 'string' && typeof input !== 'object')
        return `${expected}, not a ${typeof input}: put it in quotes`;
      return typeof input === 'object' ? expected : `${expected}, not ${quoted(input)}`;
    }
    case 'invalid_value':
      return describeChoice(issue.values.map(String), input);
    case 'too_small':
      if (issue.origin === 'array') return 'must not be empty: remove the key where it sets no condition';
      if (issue.origin === 'string') return 'must not be empty';
      return `must be ${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum}, not ${quoted(input)}`;
    case 'too_big':
      if (issue.origin === 'string') return `must have at most ${issue.maximum} characters`;
      return `must be at most ${issue.maximum}, not ${quoted(input)}`;
    case 'custom':
    case 'invalid_element':
    case 'invalid_format':
    case 'invalid_key':
    case 'invalid_union':
    case 'not_multiple_of':
    case 'unrecognized_keys':
      return undefined;
    default:
      return issue satisfies never;
  }
}

/** An unknown key, with the one that was meant, or all that there are. */
export function describeUnknownKey(key: string, known: readonly string[]): string {
  const meant = nearestWord(key, known);
  return meant === null
    ? `is not a key that is known here; these are: ${known.join(', ')}`
    : `is not a key that is known here: did you mean ${meant}?`;
}

function describeChoice(choices: readonly string[], input: unknown): string {
  const meant = typeof input === 'string' ? nearestWord(input, choices) : null;
  const list = choices.length === 1 ? choices[0] : `one of ${choices.join(', ')}`;
  return `must be ${list}, not ${quoted(input)}${meant === null || choices.length === 1 ? '' : `: did you mean ${meant}?`}`;
}

function quoted(input: unknown): string {
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object') return 'a mapping';
  const text = typeof input === 'number' ? `${input}` : JSON.stringify(input);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
