import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllowTags, parseIgnoreTags } from '../../../src/core/version/filter.ts';

const TAGS = ['1.0', '1.0-rc1', 'v2', 'latest', 'main', 'sha-0123abc'];

const ALLOWED: readonly (readonly [string, readonly string[]])[] = [
  ['', TAGS],
  ['any', TAGS],
  ['ANY', TAGS],
  ['regexp:^[0-9]', ['1.0', '1.0-rc1']],
  ['RegExp:rc|v', ['1.0-rc1', 'v2']],
  ['regexp:a{2,3}|main', ['main']],
  ['glob:sha-*', ['sha-0123abc']],
];

for (const [text, tags] of ALLOWED) {
  test(`allow-tags ${JSON.stringify(text)} lets through what it says`, () => {
    const parsed = parseAllowTags(text);
    assert.ok(parsed.ok);
    assert.deepEqual(TAGS.filter(parsed.value.allows), tags);
  });
}

const WRONG_ALLOWED: readonly (readonly [string, RegExp])[] = [
  ['regex:^1', /"regex:\^1" is none of any, regexp:PATTERN and glob:GLOB/],
  ['^1', /none of any/],
  ['regexp:', /its pattern is an empty pattern/],
  ['regexp:(', /its pattern "\(" is not an RE2 pattern/],
  ['regexp:(?=a)', /not an RE2 pattern/],
  ['glob:[', /"\[" is not a glob/],
];

for (const [text, problem] of WRONG_ALLOWED) {
  test(`allow-tags ${JSON.stringify(text)} is a mistake, not a filter that lets nothing through`, () => {
    const parsed = parseAllowTags(text);
    assert.ok(!parsed.ok);
    assert.match(parsed.problem, problem);
  });
}

test('the pattern of allow-tags is there for extract, and only a pattern is', () => {
  const parsed = parseAllowTags('regexp:^v(.+)$');
  assert.ok(parsed.ok && parsed.value.pattern !== null);
  for (const text of ['any', 'glob:*']) {
    const other = parseAllowTags(text);
    assert.ok(other.ok && other.value.pattern === null);
  }
});

const IGNORED: readonly (readonly [string, readonly string[]])[] = [
  ['', []],
  ['latest', ['latest']],
  ['latest, main', ['latest', 'main']],
  ['latest,,', ['latest']],
  ['*-rc?,v*', ['1.0-rc1', 'v2']],
  ['regexp:^(main|latest)$', ['latest', 'main']],
  ['regexp:a{1,2}i', ['main']],
];

for (const [text, tags] of IGNORED) {
  test(`ignore-tags ${JSON.stringify(text)} takes out what it says`, () => {
    const parsed = parseIgnoreTags(text);
    assert.ok(parsed.ok);
    assert.deepEqual(TAGS.filter(parsed.value), tags);
  });
}

test('ignore-tags tells what can not be read', () => {
  for (const [text, problem] of [
    ['latest,[', /"\[" is not a glob/],
    ['latest,regexp:^a', /a regexp: stands alone there/],
    ['regexp:(', /not an RE2 pattern/],
  ] as const) {
    const parsed = parseIgnoreTags(text);
    assert.ok(!parsed.ok);
    assert.match(parsed.problem, problem);
  }
});
