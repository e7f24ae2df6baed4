import assert from 'node:assert/strict';
import test from 'node:test';
import {
  annotationAlias,
  IMAGE_UPDATER_ANNOTATIONS,
  readAnnotations,
  TAGPIN_ANNOTATIONS,
} from '../../../../src/core/target/settings/annotations.ts';
import { own, updaters } from '../../../support/application.ts';

// [the list, alias and image of each]
const lists: readonly (readonly [string, readonly (readonly [string | null, string])[]])[] = [
  ['nginx', [[null, 'nginx']]],
  ['nginx:~1.26', [[null, 'nginx:~1.26']]],
  [
    ' a=foo/bar , , b=bar/foo:1.x,',
    [
      ['a', 'foo/bar'],
      ['b', 'bar/foo:1.x'],
    ],
  ],
  ['argoproj/argocd=ghcr.io/argoproj/argocd', [['argoproj/argocd', 'ghcr.io/argoproj/argocd']]],
  ['=nginx', [[null, 'nginx']]],
  ['web=', [['web', '']]],
  ['nginx:>=1.2', [[null, 'nginx:>=1.2']]],
  ['web = nginx:>=1.2 <2', [['web', 'nginx:>=1.2 <2']]],
  ['localhost:5000/app:main', [[null, 'localhost:5000/app:main']]],
];

for (const [text, expected] of lists) {
  test(`the list ${JSON.stringify(text)} is read`, () => {
    const { images, problems } = readAnnotations(own({ 'image-list': text }), TAGPIN_ANNOTATIONS);
    assert.deepEqual(
      images?.map(({ alias, image }) => [alias, image.text]),
      expected,
    );
    assert.deepEqual(problems, []);
  });
}

test('a list of commas alone is an error, an empty one is none', () => {
  const commas = readAnnotations(own({ 'image-list': ', ,' }), TAGPIN_ANNOTATIONS);
  assert.equal(commas.images, null);
  assert.match(commas.problems[0]?.problem ?? '', /names no image/);
  assert.deepEqual(readAnnotations(own({ 'image-list': ' ' }), TAGPIN_ANNOTATIONS).problems, []);
});

test('what is written is trimmed, and says where it stands', () => {
  const layer = readAnnotations(
    own({ 'web.helm.image-tag': ' image.tag ', 'web.allow-tags': ' ' }),
    TAGPIN_ANNOTATIONS,
  );
  assert.deepEqual(layer.own('web', 'helm.image-tag'), { text: 'image.tag', where: 'tagpin.dev/web.helm.image-tag' });
  assert.equal(layer.own('web', 'allow-tags'), null);
  assert.equal(layer.own('other', 'helm.image-tag'), null);
});

test("an alias with a slash has an underscore in its annotations, as 0.x's documentation says", () => {
  assert.equal(annotationAlias('argoproj/argocd'), 'argoproj_argocd');
  const layer = readAnnotations(updaters({ 'argoproj_argocd.platforms': 'linux/arm64' }), IMAGE_UPDATER_ANNOTATIONS);
  assert.equal(layer.own('argoproj/argocd', 'platforms')?.text, 'linux/arm64');
});

test("tagpin's own keys are read below its own prefix alone", () => {
  const written = {
    'web.min-age': '7d',
    platforms: 'linux/arm64',
    'pull-request': 'gitea',
    'update-strategy': 'digest',
  };
  const ours = readAnnotations(own(written), TAGPIN_ANNOTATIONS);
  assert.equal(ours.own('web', 'min-age')?.text, '7d');
  assert.equal(ours.shared('web', 'platforms')?.text, 'linux/arm64');
  assert.equal(ours.application('pull-request')?.text, 'gitea');
  const theirs = readAnnotations(updaters(written), IMAGE_UPDATER_ANNOTATIONS);
  assert.equal(theirs.own('web', 'min-age'), null);
  assert.equal(theirs.shared('web', 'platforms'), null);
  assert.equal(theirs.application('pull-request'), null);
  assert.equal(theirs.shared(null, 'update-strategy')?.text, 'digest');
});

test('what is no map of annotations says nothing', () => {
  for (const nothing of [null, undefined, [], 'x', { 'tagpin.dev/image-list': 5 }]) {
    assert.equal(readAnnotations(nothing, TAGPIN_ANNOTATIONS).images, null);
  }
});
