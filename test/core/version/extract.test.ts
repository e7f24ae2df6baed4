import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RE2JS } from 're2js';
import { parseExtract } from '../../../src/core/version/extract.ts';

/** A pattern, an expression, and what Go's `Regexp.Expand` makes of tags. */
const CASES: readonly (readonly [string, string, Readonly<Record<string, string | null>>])[] = [
  ['^v(.+)$', '$1', { 'v1.2': '1.2', 'v1.2-rc': '1.2-rc', main: null }],
  ['^app-(?P<version>.+)$', '$version', { 'app-1.2': '1.2', 'web-1.2': null }],
  ['^app-(?P<version>.+)$', '${version}-x', { 'app-1.2': '1.2-x' }],
  ['^(\\d+\\.\\d+)(?:-rc(\\d+))?$', '${1}-rc.${2}', { '1.1-rc10': '1.1-rc.10', '1.1': '1.1-rc.' }],
  ['b(c)', '$1', { abcd: 'c' }],
  ['^(.+)$', '$$1=$1', { a: '$1=a' }],
  ['^(.+)$', '$0', { a: 'a' }],
  ['^(.+)$', 'fixed', { a: 'fixed' }],
];

for (const [pattern, text, tags] of CASES) {
  test(`${JSON.stringify(text)} of ${pattern} is what Go makes of it`, () => {
    const parsed = parseExtract(text, RE2JS.compile(pattern));
    assert.ok(parsed.ok);
    for (const [tag, key] of Object.entries(tags)) assert.equal(parsed.value(tag), key, tag);
  });
}

const WRONG: readonly (readonly [string, string, RegExp])[] = [
  ['^(a)(b)$', '$1rc$2', /the pattern has no group "1rc": \$\{1\}\?/],
  ['^(a)$', '$2', /no group "2"$/],
  ['^(?P<a>a)$', '${b}', /no group "b"$/],
];

for (const [pattern, text, problem] of WRONG) {
  test(`${JSON.stringify(text)} of ${pattern} is a mistake, where Go takes nothing for it`, () => {
    const parsed = parseExtract(text, RE2JS.compile(pattern));
    assert.ok(!parsed.ok);
    assert.match(parsed.problem, problem);
  });
}

test('an extract expression needs a pattern', () => {
  const parsed = parseExtract('$1', null);
  assert.ok(!parsed.ok);
  assert.match(parsed.problem, /write allow-tags as regexp:PATTERN/);
});
