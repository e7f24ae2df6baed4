import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReference } from '../../../../src/core/image/reference.ts';
import { type Followed, followedQuestion, notFound, questionKey } from '../../../../src/core/lint/objects/followed.ts';
import { parseSelection } from '../../../../src/core/version/select.ts';

function followed(strategy: string, constraint: string): Followed {
  const parsed = parseReference('ghcr.io/acme/app');
  const rule = parseSelection({ strategy, constraint, allowTags: null, ignoreTags: null, extract: null });
  assert.ok(parsed.ok && rule.ok);
  return { repository: parsed.reference, rule: rule.value, where: 'tagpin.dev/image-list' };
}

const TAG = followed('digest', 'main');
const RANGE = followed('semver', '2.x');

test('one tag is resolved, and a range asks for the tags', () => {
  assert.equal(questionKey(followedQuestion(TAG)), 'resolve ghcr.io/acme/app:main');
  assert.equal(questionKey(followedQuestion(RANGE)), 'tags ghcr.io/acme/app');
});

test('only what the registry says is not there is not found', () => {
  const failed = (code: 'NotFound' | 'Unauthorized') => ({ kind: 'failed', code, message: 'no app:main' }) as const;
  assert.equal(
    notFound(TAG, failed('NotFound'))?.message,
    'no app:main: nothing is ever found by it: correct the name',
  );
  assert.equal(notFound(TAG, failed('Unauthorized')), null);
  assert.equal(notFound(TAG, { kind: 'resolved' }), null);
});

test('a range that no tag is in is told; what only the images could tell is not', () => {
  assert.match(
    notFound(RANGE, { kind: 'listed', tags: ['1.0.0', 'main'] })?.message ?? '',
    /has tags \(2\), and none fits: see tagpin select/,
  );
  assert.match(notFound(RANGE, { kind: 'listed', tags: [] })?.message ?? '', /has no tags/);
  assert.equal(notFound(RANGE, { kind: 'listed', tags: ['2.1.0'] }), null);
  assert.equal(notFound(followed('newest-build', ''), { kind: 'listed', tags: ['a'] }), null);
});
