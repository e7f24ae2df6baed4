import assert from 'node:assert/strict';
import test from 'node:test';
import { unknownKeys } from '../../../../src/core/target/settings/annotation-keys.ts';
import { IMAGE_UPDATER_ANNOTATIONS, TAGPIN_ANNOTATIONS } from '../../../../src/core/target/settings/annotations.ts';
import { own, updaters } from '../../../support/application.ts';

// [the key, what is said of it; null: nothing]
const keys: readonly (readonly [string, RegExp | null])[] = [
  ['image-list', null],
  ['update-strategy', null],
  ['write-back-method', null],
  ['web.update-strategy', null],
  ['web.helm.image-tag', null],
  ['my.app.helm.image-tag', null],
  ['web.tag-match', null],
  ['pause', null],
  ['skip', null],
  ['update-stategy', /did you mean update-strategy\?/],
  ['web.update-stategy', /did you mean update-strategy\?/],
  ['web.helm.imagetag', /did you mean helm\.image-tag\?/],
  ['my.app.helm.image-tga', /did you mean helm\.image-tag\?/],
  ['wbe.update-strategy', /no image of the list has the alias "wbe": did you mean web\?/],
  ['other.update-strategy', /no image of the list has the alias "other"$/],
  ['helm.image-tag', /belongs to one image: write ALIAS\.helm\.image-tag/],
  ['write-back-methd', /did you mean write-back-method\?/],
  ['follow', /an Application follows what image-list names/],
  ['something-else', /is not a key that is known here; these are: image-list/],
];

for (const [key, expected] of keys) {
  test(`tagpin.dev/${key} ${expected === null ? 'is known' : 'is told about'}`, () => {
    const problems = unknownKeys(own({ [key]: 'x' }), TAGPIN_ANNOTATIONS, ['web', 'my.app']);
    if (expected === null) return assert.deepEqual(problems, []);
    assert.deepEqual(
      problems.map(({ kind, key: at, image }) => [kind, at, image]),
      [['hint', `tagpin.dev/${key}`, null]],
    );
    assert.match(problems[0]?.problem ?? '', expected);
  });
}

test("tagpin's own keys are unknown below Image Updater's prefix", () => {
  const problems = unknownKeys(updaters({ 'web.min-age': '7d', platforms: 'x' }), IMAGE_UPDATER_ANNOTATIONS, ['web']);
  assert.equal(problems.length, 2);
});

test('without a list every key is told to do nothing', () => {
  const problems = unknownKeys(
    own({ 'web.update-strategy': 'x', 'git-branch': 'y', pause: 'true' }),
    TAGPIN_ANNOTATIONS,
    null,
  );
  assert.deepEqual(
    problems.map(({ problem }) => problem),
    Array(2).fill('does nothing without a list of images: write image-list'),
  );
});

test("annotations of others, and empty ones, are nobody's business", () => {
  const others = { 'example.com/update-stategy': 'x', 'tagpin.dev/update-stategy': ' ' };
  assert.deepEqual(unknownKeys(others, TAGPIN_ANNOTATIONS, ['web']), []);
});
