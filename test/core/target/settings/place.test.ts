import assert from 'node:assert/strict';
import test from 'node:test';
import { readPlace } from '../../../../src/core/target/settings/place.ts';

function place(settings: Readonly<Record<string, string>>) {
  return readPlace((key) => {
    const text = settings[key];
    return text === undefined ? null : { text, where: `tagpin.dev/web.${key}` };
  }, 'web');
}

const HELM = { kind: 'helm', nameParameter: null, tagParameter: null, specParameter: null, digestParameter: null };
const PLUGIN = { kind: 'plugin', nameVariable: null, tagVariable: null, specVariable: null };

// [what is written, the place]
const good: readonly (readonly [Readonly<Record<string, string>>, object])[] = [
  [{}, { kind: 'unsaid' }],
  [{ 'helm.image-tag': '' }, { kind: 'unsaid' }],
  [{ 'helm.image-tag': 'web.tag' }, { ...HELM, tagParameter: 'web.tag' }],
  [
    { 'helm.image-name': 'web.image', 'helm.image-tag': 'a\\.b.tag' },
    { ...HELM, nameParameter: 'web.image', tagParameter: 'a\\.b.tag' },
  ],
  [{ 'helm.image-spec': 'images[0].image' }, { ...HELM, specParameter: 'images[0].image' }],
  [
    { 'helm.image-tag': 'image.tag', 'helm.image-digest': 'image.digest' },
    { ...HELM, tagParameter: 'image.tag', digestParameter: 'image.digest' },
  ],
  [{ 'kustomize.image-name': 'quay.io/argoproj/argocd' }, { kind: 'kustomize', name: 'quay.io/argoproj/argocd' }],
  [{ 'plugin.image-tag': 'TAG' }, { ...PLUGIN, tagVariable: 'TAG' }],
  [
    { 'plugin.image-spec': 'IMAGE', 'plugin.image-name': 'X' },
    { ...PLUGIN, specVariable: 'IMAGE' },
  ],
];

for (const [settings, expected] of good) {
  test(`${JSON.stringify(settings)} is read`, () =>
    assert.deepEqual(place(settings), { place: expected, problems: [] }));
}

// [what is written, where the problem is, what is said of it]
const bad: readonly (readonly [Readonly<Record<string, string>>, string, RegExp])[] = [
  [
    { 'helm.image-tag': 'image.tag', 'kustomize.image-name': 'nginx' },
    'kustomize.image-name',
    /"nginx" contradicts tagpin\.dev\/web\.helm\.image-tag: .* remove one/,
  ],
  [{ 'kustomize.image-name': 'nginx', 'plugin.image-tag': 'T' }, 'plugin.image-tag', /"T" contradicts/],
  [{ 'helm.image-tag': 'image tag' }, 'helm.image-tag', /"image tag" is no name of a value/],
  [{ 'helm.image-spec': 'a=b,c=d' }, 'helm.image-spec', /is no name of a value/],
  [
    { 'helm.image-tag': 'x', 'helm.image-digest': 'x' },
    'helm.image-digest',
    /"x" is also what .*helm\.image-tag names/,
  ],
  [{ 'plugin.image-name': 'A=B' }, 'plugin.image-name', /is no name of a value/],
];

for (const [settings, key, problem] of bad) {
  test(`${JSON.stringify(settings)} stops the image`, () => {
    const read = place(settings);
    assert.equal(read.place, null);
    assert.deepEqual(
      read.problems.map(({ kind, key: at, image }) => [kind, at, image]),
      [['error', `tagpin.dev/web.${key}`, 'web']],
    );
    assert.match(read.problems[0]?.problem ?? '', problem);
  });
}

test('name and tag beside the whole reference are ignored, and said to be', () => {
  const read = place({ 'helm.image-spec': 'image', 'helm.image-name': 'n', 'helm.image-tag': 't' });
  assert.deepEqual(read.place, { ...HELM, specParameter: 'image' });
  assert.deepEqual(
    read.problems.map(({ kind, key }) => [kind, key]),
    [
      ['hint', 'tagpin.dev/web.helm.image-name'],
      ['hint', 'tagpin.dev/web.helm.image-tag'],
    ],
  );
});
