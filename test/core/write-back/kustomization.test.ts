import assert from 'node:assert/strict';
import test from 'node:test';
import type { Digest } from '../../../src/core/image/digest.ts';
import {
  editKustomization,
  KUSTOMIZATION_FILES,
  type KustomizedImage,
} from '../../../src/core/write-back/kustomization.ts';

const DIGEST = `sha256:${'0a'.repeat(32)}` as Digest;

function image(
  name: string,
  tag: string | null,
  digest: Digest | null = null,
  newName = name,
  isNamed = true,
): KustomizedImage {
  return { name, isNamed, newName, tag, digest };
}

function edited(text: string, ...images: readonly KustomizedImage[]): string {
  const result = editKustomization(text, images);
  if (!result.ok) return result.problem.message;
  assert.deepEqual(editKustomization(result.text, images), { ok: true, text: result.text, changes: [] });
  return result.text;
}

const FILE = `---
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization

# what runs
resources:
  - app.yaml

images:
  - name: nginx
    newTag: "1.26" # stable
  - newTag: main
    name: ghcr.io/acme/app

patches: []
`;

// [name, before, image, after]
const good: readonly (readonly [string, string, KustomizedImage, string])[] = [
  ['a tag', FILE, image('nginx', '1.27'), FILE.replace('1.26', '1.27')],
  [
    'a tag and a digest',
    FILE,
    image('nginx', '1.27', DIGEST),
    FILE.replace('1.26" # stable', `1.27" # stable\n    digest: "${DIGEST}"`),
  ],
  [
    'a digest alone, and the tag goes',
    FILE,
    image('ghcr.io/acme/app', null, DIGEST),
    FILE.replace('newTag: main\n    name: ghcr.io/acme/app', `name: ghcr.io/acme/app\n    digest: ${DIGEST}`),
  ],
  [
    'a tag alone, and the digest goes',
    `images:\n- name: a\n  newTag: "1"\n  digest: ${DIGEST}\n  newName: b\n`,
    image('a', '2', null, 'b'),
    'images:\n- name: a\n  newTag: "2"\n  newName: b\n',
  ],
  [
    'another name',
    FILE,
    image('nginx', '1.26', null, 'quay.io/acme/nginx'),
    FILE.replace('# stable', '# stable\n    newName: "quay.io/acme/nginx"'),
  ],
  ['an image in another spelling', FILE, image('docker.io/library/nginx', '1.27'), FILE.replace('1.26', '1.27')],
  [
    'an entry that brings the image from elsewhere',
    'images:\n- name: app\n  newName: ghcr.io/acme/app\n  newTag: v1\n',
    image('ghcr.io/acme/app', 'v2', null, 'ghcr.io/acme/app', false),
    'images:\n- name: app\n  newName: ghcr.io/acme/app\n  newTag: v2\n',
  ],
  [
    'a number for a tag',
    'images:\n- name: a\n  newTag: 1.10\n',
    image('a', '1.10'),
    'images:\n- name: a\n  newTag: "1.10"\n',
  ],
  [
    'a new entry, as the others are',
    FILE,
    image('redis', '7'),
    FILE.replace('acme/app\n', 'acme/app\n  - name: redis\n    newTag: "7"\n'),
  ],
  [
    'a new list',
    'resources:\n- a.yaml\n',
    image('a', 'v1'),
    'resources:\n- a.yaml\nimages:\n- name: a\n  newTag: v1\n',
  ],
  ['an empty list', 'images: []\n', image('a', 'v1', null, 'b/a'), 'images: [{name: a, newName: b/a, newTag: v1}]\n'],
  [
    'nothing where the list goes',
    'images:\nresources: []\n',
    image('a', 'v1'),
    'images:\n- name: a\n  newTag: v1\nresources: []\n',
  ],
  [
    'brackets',
    'images: [{name: a, newTag: v1}]\n',
    image('a', 'v2', DIGEST),
    `images: [{name: a, newTag: v2, digest: ${DIGEST}}]\n`,
  ],
  [
    'a component',
    'kind: Component\nimages: [{name: a, newTag: v1}]\n',
    image('a', 'v2'),
    'kind: Component\nimages: [{name: a, newTag: v2}]\n',
  ],
  [
    'only a name',
    'images: [{name: a, newTag: v1}]\n',
    image('a', null, null, 'c/a'),
    'images: [{name: a, newTag: v1, newName: c/a}]\n',
  ],
  [
    'a tag alone, and what comes in its place stays',
    'images: [{name: a, newName: b, newTag: v1}]\n',
    { ...image('a', 'v2'), newName: null },
    'images: [{name: a, newName: b, newTag: v2}]\n',
  ],
  ['an empty file', '', image('a', 'v1'), 'images:\n- name: a\n  newTag: v1\n'],
];

for (const [name, before, wanted, after] of good) {
  test(`a kustomization gets ${name}`, () => {
    assert.equal(edited(before, wanted), after);
  });
}

// [name, before, problem]
const bad: readonly (readonly [string, string, RegExp])[] = [
  ['another kind', 'kind: Pod\n', /^it is no kustomization, its kind is "Pod"$/],
  ['several documents', 'images: []\n---\nimages: []\n', /several documents/],
  ['no mapping', '- a\n', /no kustomization/],
  ['no list of images', 'images: {a: b}\n', /its images are no list/],
  ['a suffix', 'images:\n- {name: a, tagSuffix: -x}\n', /images\[a\] has a tagSuffix/],
  ['an alias for its entry', 'x: &a {name: a, newTag: v1}\nimages: [*a]\n', /written somewhere else/],
];

for (const [name, before, problem] of bad) {
  test(`a kustomization is left alone where it has ${name}`, () => {
    assert.match(edited(before, image('a', 'v2')), problem);
  });
}

test('several images of one file are changed together, and what changed is told', () => {
  const result = editKustomization(FILE, [
    image('nginx', '1.27', DIGEST),
    image('ghcr.io/acme/app', 'main'),
    image('b', 'v1'),
  ]);
  assert.ok(result.ok);
  assert.deepEqual(result.changes, [
    { place: 'images[nginx].newTag', from: '1.26', to: '1.27' },
    { place: 'images[nginx].digest', from: null, to: DIGEST },
    { place: 'images[b].newTag', from: null, to: 'v1' },
  ]);
});

test('kustomize finds a kustomization under three names', () => {
  assert.deepEqual(KUSTOMIZATION_FILES, ['kustomization.yaml', 'kustomization.yml', 'Kustomization']);
});
