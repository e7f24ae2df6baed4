import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createEffort, type GlobbedNames, globsCover } from '../../../../src/core/lint/rules/glob-cover.ts';
import { compileGlobs } from '../../../../src/core/policy/grammar/glob.ts';

const rows: readonly (readonly [string, string, GlobbedNames, boolean])[] = [
  ['ghcr.io/**', 'ghcr.io/acme/*', 'paths', true],
  ['ghcr.io/**', 'ghcr.io/**', 'paths', true],
  ['**', 'ghcr.io/acme/app', 'paths', true],
  ['ghcr.io/*', 'ghcr.io/**', 'paths', false],
  ['ghcr.io/*', 'ghcr.io/acme/app', 'paths', false],
  ['ghcr.io/*/app', 'ghcr.io/acme*/app', 'paths', true],
  ['ghcr.io/acme*/app', 'ghcr.io/*/app', 'paths', false],
  ['ghcr.io/a', 'ghcr.io/*', 'paths', false],
  ['*', '**', 'words', true],
  ['shop-*', 'shop-**', 'words', true],
  ['shop-*', 'shop-', 'words', true],
  ['*-prod', 'shop-*-prod', 'words', true],
  ['shop-*', 'shop', 'words', false],
  ['', '*', 'words', false],
];

for (const [broader, narrower, names, expected] of rows) {
  test(`${JSON.stringify(broader)} ${expected ? 'covers' : 'does not cover'} ${narrower} of ${names}`, () => {
    assert.equal(globsCover([broader], [narrower], names, createEffort()), expected);
  });
}

test('each of several has to be covered by one', () => {
  assert.equal(globsCover(['a/*', 'b/*'], ['a/x', 'b/y'], 'paths', createEffort()), true);
  assert.equal(globsCover(['a/*', 'b/*'], ['a/x', 'c/y'], 'paths', createEffort()), false);
});

test('what one glob covers, the other never matches without it', () => {
  const glob = fc
    .array(fc.constantFrom('a', 'b', '/', '*', '**'), { maxLength: 6 })
    .map((parts) => parts.join('').replaceAll(/\*{3,}/g, '**'));
  const text = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 7 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(glob, glob, fc.array(text, { maxLength: 30 }), (broader, narrower, texts) => {
      if (!globsCover([broader], [narrower], 'paths', createEffort())) return;
      const [outer, inner] = [compileGlobs([broader]), compileGlobs([narrower])];
      for (const each of texts)
        assert.ok(!inner(each) || outer(each), `${narrower} matches ${each}, ${broader} does not`);
    }),
    { numRuns: 500 },
  );
});

test('after enough work nothing is said to cover anything', () => {
  const long = `${'a'.repeat(2000)}*`;
  assert.equal(globsCover([`*${long}`], [`b${long}`], 'paths', createEffort()), false);
  assert.equal(globsCover(['a*'], ['ab'], 'paths', { left: 3 }), false);
});
