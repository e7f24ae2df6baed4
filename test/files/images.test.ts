import assert from 'node:assert/strict';
import test from 'node:test';
import { readManifest } from '../../src/core/manifest/read.ts';
import { findImages } from '../../src/files/images.ts';

function imagesOf(text: string): readonly string[] {
  const read = readManifest(text);
  assert.ok(read.ok);
  return findImages(read.manifest).map(
    ({ line, kind, name, container, image, leave }) =>
      `${line} ${kind}/${name} ${container} ${image}${leave === null ? '' : ` (${leave})`}`,
  );
}

const POD = `apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  initContainers:
  - {name: i, image: a}
  containers:
  - {name: c, image: b}
  - name: d
    image: &x c
  ephemeralContainers:
  - {name: e, image: *x}
  volumes:
  - {name: v, image: {reference: d}}
`;

// [name, what is written, the images in it]
const cases: readonly (readonly [string, string, readonly string[]])[] = [
  ['all lists of a Pod', POD, ['6 Pod/p i a', '8 Pod/p c b', '10 Pod/p d c', '12 Pod/p e c', '14 Pod/p volumes/v d']],
  [
    'a CronJob',
    'apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: j}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: a}]}}}}}\n',
    ['4 CronJob/j c a'],
  ],
  [
    'several documents',
    'kind: X\n---\napiVersion: v1\nkind: Pod\nspec: {containers: [{name: c, image: a}]}\n---\n',
    ['5 Pod/null c a'],
  ],
  [
    'a List',
    'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, spec: {containers: [{name: c, image: a}]}}\n- {apiVersion: v1, kind: Service}\n- 1\n',
    ['4 Pod/null c a'],
  ],
  [
    'a List in a List',
    'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, spec: {containers: [{name: c, image: a}]}}]}\n',
    ['4 Pod/null c a'],
  ],
  [
    'a list of one kind, whose items do not repeat it',
    'apiVersion: apps/v1\nkind: DeploymentList\nitems: [{metadata: {name: d}, spec: {template: {spec: {containers: [{name: c, image: a}]}}}}]\n',
    ['3 Deployment/d c a'],
  ],
  [
    'items of a List must say what they are',
    'apiVersion: v1\nkind: List\nitems: [{spec: {containers: [{name: c, image: a}]}}]\n',
    [],
  ],
  ['no apiVersion', 'kind: Pod\nspec: {containers: [{name: c, image: a}]}\n', []],
  ['no kind', 'apiVersion: v1\nspec: {containers: [{name: c, image: a}]}\n', []],
  [
    "somebody else's Deployment",
    'apiVersion: acme/v1\nkind: Deployment\nspec: {template: {spec: {containers: [{name: c, image: a}]}}}\n',
    [],
  ],
  [
    'empty and odd images',
    'apiVersion: v1\nkind: Pod\nspec: {containers: [{image: }, {image: ""}, {image: 1.10}, {image: [a]}, {}, x, {image: "a "}]}\n',
    ['3 Pod/null  a '],
  ],
  [
    'a pull policy of Never',
    'apiVersion: v1\nkind: Pod\nspec: {containers: [{name: c, image: a, imagePullPolicy: Never}]}\n',
    ['3 Pod/null c a (its pull policy is Never)'],
  ],
  [
    'the skip annotation',
    'apiVersion: v1\nkind: Pod\nmetadata: {annotations: {tagpin.dev/skip: "c"}}\nspec: {containers: [{name: c, image: a}, {name: d, image: b}]}\n',
    ['4 Pod/null c a (tagpin.dev/skip names it)', '4 Pod/null d b'],
  ],
  [
    'JSON',
    '{"apiVersion":"v1","kind":"Pod",\n"metadata":{"name":"p"},"spec":{"containers":[\n{"name":"c","image":"a"}]}}',
    ['3 Pod/p c a'],
  ],
  ['nothing', '', []],
];

for (const [name, text, images] of cases) {
  test(`images are found: ${name}`, () => {
    assert.deepEqual(imagesOf(text), images);
  });
}

test('aliases cannot make more Lists than there is time for', () => {
  const lists = Array.from(
    { length: 30 },
    (_, i) => `l${i + 1}: &l${i + 1} {apiVersion: v1, kind: List, items: [*l${i}, *l${i}]}\n`,
  );
  assert.deepEqual(
    imagesOf(`l0: &l0 {apiVersion: v1, kind: Pod}\n${lists.join('')}apiVersion: v1\nkind: List\nitems: [*l30]\n`),
    [],
  );
});
