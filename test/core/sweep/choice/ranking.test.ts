import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rankTags, rankTagsOnce } from '../../../../src/core/sweep/choice/ranking.ts';
import { parseSelection } from '../../../../src/core/version/select.ts';

function ruleOf(constraint: string) {
  const text = { strategy: 'semver', constraint, allowTags: null, ignoreTags: null, extract: null };
  const parsed = parseSelection(text);
  assert.ok(parsed.ok);
  let read = 0;
  const extract = (tag: string): string => {
    read += 1;
    return tag;
  };
  return { rule: { ...parsed.value, extract }, reads: () => read };
}

test('the best go first, what does not fit is left out, and all are counted', () => {
  const { rule } = ruleOf('>=1.0.0');
  assert.deepEqual(rankTags(['1.0.0', 'main', '1.10.0', '0.9.0', '1.9.0'], rule), {
    judged: 5,
    best: ['1.10.0', '1.9.0', '1.0.0'],
  });
});

test('a list is put in order once for each rule, and what is beyond the first hundred when it is wanted', () => {
  const tags = Array.from({ length: 250 }, (_, index) => `1.${index}.0`);
  const { rule, reads } = ruleOf('>=1.0.0');
  for (let count = 0; count < 10; count += 1) {
    const [best] = rankTagsOnce(tags, rule).best;
    assert.equal(best, '1.249.0');
  }
  assert.equal(reads(), 250);
  assert.deepEqual([...rankTagsOnce(tags, rule).best], rankTags(tags, rule).best);
  assert.deepEqual([...rankTagsOnce(tags, ruleOf('<1.2.0').rule).best], ['1.1.0', '1.0.0']);
  assert.deepEqual([...rankTagsOnce([...tags, '2.0.0'], rule).best].slice(0, 2), ['2.0.0', '1.249.0']);
});
