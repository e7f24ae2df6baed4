import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePattern } from '../../../../src/core/policy/grammar/pattern.ts';

// [pattern, text, does it match?]
const rows: readonly (readonly [string, string, boolean])[] = [
  ['^sha-[0-9a-f]{7}$', 'sha-0123abc', true],
  ['^sha-[0-9a-f]{7}$', 'sha-0123abcd', false],
  ['rc', '1.0-rc.1', true],
  ['(?i)RC', '1.0-rc.1', true],
  ['(?P<n>a)(?<m>b)', 'xab', true],
  ['a$', 'a\nb', false],
];

for (const [pattern, text, expected] of rows) {
  test(`${pattern} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () => {
    const parsed = parsePattern(pattern);
    assert.ok(parsed.ok);
    assert.equal(parsed.pattern.test(text), expected);
  });
}

const bad: readonly (readonly [string, RegExp])[] = [
  ['', /empty/],
  ['(', /"\(" is not an RE2 pattern: missing closing \)/],
  ['(?=a)', /not an RE2 pattern/],
  ['(?<!a)b', /not an RE2 pattern/],
  ['(a)\\1', /not an RE2 pattern/],
  ['[z-a]', /not an RE2 pattern/],
  ['a{2000}', /not an RE2 pattern/],
  ['(((a{100}){100}){100})', /not an RE2 pattern|repeats too much/],
  ['a'.repeat(257), /longer than 256 characters/],
];

for (const [pattern, problem] of bad) {
  test(`${JSON.stringify(pattern.slice(0, 30))} is refused`, () => {
    const parsed = parsePattern(pattern);
    assert.ok(!parsed.ok);
    assert.match(parsed.problem, problem);
  });
}

test('a pattern that makes a backtracking engine try for ever takes no time', () => {
  const parsed = parsePattern('^(a+)+$');
  assert.ok(parsed.ok);
  const started = process.cpuUsage().user;
  assert.equal(parsed.pattern.test(`${'a'.repeat(127)}!`), false);
  assert.ok(process.cpuUsage().user - started < 5e6, 'took over five seconds');
});
