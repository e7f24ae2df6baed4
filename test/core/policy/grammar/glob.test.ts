import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compileGlob,
  compileGlobs,
  globProblem,
  NAMESPACE_GLOBS,
  TAG_GLOBS,
  TEXT_GLOBS,
} from '../../../../src/core/policy/grammar/glob.ts';

// [glob, text, does it match?]
const rows: readonly (readonly [string, string, boolean])[] = [
  ['shop', 'shop', true],
  ['shop', 'shop-a', false],
  ['shop', 'a-shop', false],
  ['shop-*', 'shop-a', true],
  ['shop-*', 'shop-', true],
  ['shop-*', 'shop', false],
  ['*-prod', 'shop-prod', true],
  ['*a*b*', 'xaxbx', true],
  ['*a*b*', 'xbxax', false],
  ['*', 'a', true],
  ['*', '', true],
  ['*', 'a/b', false],
  ['**', 'a/b', true],
  ['**', '', true],
  ['ghcr.io/acme/*', 'ghcr.io/acme/app', true],
  ['ghcr.io/acme/*', 'ghcr.io/acme/team/app', false],
  ['ghcr.io/acme/**', 'ghcr.io/acme/team/app', true],
  ['ghcr.io/acme/**', 'ghcr.io/acme', false],
  ['ghcr.io/acme/**', 'ghcr.io/acmexyz/app', false],
  ['ghcr.io/**/app', 'ghcr.io/a/b/app', true],
  ['ghcr.io/**/app', 'ghcr.io/app', false],
  ['ghcr.io/*/app', 'ghcr.io/a/b/app', false],
  ['ghcr.io/a', 'ghcrxio/a', false],
  ['*.io/**', 'ghcr.io/a/b', true],
  ['a**c', 'ab/bc', true],
  ['v1.*', 'v1x2', false],
  ['[ab]', 'a', false],
  ['a+(b)?', 'a+(b)?', true],
  ['**\n', 'a\nb\n', true],
];

for (const [glob, text, expected] of rows) {
  test(`${JSON.stringify(glob)} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () => {
    assert.equal(compileGlob(glob)(text), expected);
    assert.equal(compileGlobs(['never', glob])(text), expected);
  });
}

test('no glob at all matches nothing', () => {
  assert.equal(compileGlobs([])('a'), false);
});

test('a glob that makes a backtracking engine try for ever takes no time', () => {
  const started = process.cpuUsage().user;
  assert.equal(compileGlob(`${'*a'.repeat(60)}b`)('a'.repeat(512)), false);
  assert.equal(compileGlob(`${'**a'.repeat(60)}b`)('a'.repeat(512)), false);
  assert.ok(process.cpuUsage().user - started < 5e6, 'took over five seconds');
});

test('globs are checked for what they can match at all', () => {
  assert.equal(globProblem('shop-*', NAMESPACE_GLOBS), null);
  assert.match(globProblem('Shop', NAMESPACE_GLOBS) ?? '', /"Shop" matches nothing: a namespace has lower-case/);
  assert.match(globProblem('a/*', NAMESPACE_GLOBS) ?? '', /matches nothing/);
  assert.equal(globProblem('v*_1.2-x', TAG_GLOBS), null);
  assert.match(globProblem('v[12]', TAG_GLOBS) ?? '', /the wildcards are \* and \*\*/);
  assert.match(globProblem('v?', TAG_GLOBS) ?? '', /matches nothing/);
  assert.match(globProblem('', TAG_GLOBS) ?? '', /empty/);
  assert.match(globProblem('***', TAG_GLOBS) ?? '', /not a glob/);
  assert.equal(globProblem('https://git.corp/deploy*', TEXT_GLOBS), null);
  assert.match(globProblem('a b', TEXT_GLOBS) ?? '', /white space/);
});
