import assert from 'node:assert/strict';
import test from 'node:test';
import { placeKeys, resolvePlace } from '../../../../src/core/target/value/place.ts';
import { application, own, read } from '../../../support/application.ts';

function followed(settings: Readonly<Record<string, string>>) {
  const written = Object.entries(settings).map(([key, value]) => [`web.${key}`, value]);
  const object = application({
    annotations: own({ 'image-list': 'web=acme/app:1.x', ...Object.fromEntries(written) }),
  });
  return read(object).images[0]?.tracked ?? assert.fail('it is not followed');
}

const ALWAYS = 'always';
const IF_THERE = 'if-there';

// [the settings; name, tag, spec and digest: the parameter, and when it is written]
const helm: readonly (readonly [
  Readonly<Record<string, string>>,
  Readonly<Record<string, readonly [string, string]>>,
])[] = [
  [{}, { name: ['image.name', ALWAYS], tag: ['image.tag', ALWAYS] }],
  [{ 'helm.image-tag': 'web.tag' }, { name: ['image.name', IF_THERE], tag: ['web.tag', ALWAYS] }],
  [{ 'helm.image-name': 'web.image' }, { name: ['web.image', ALWAYS], tag: ['image.tag', ALWAYS] }],
  [
    { 'helm.image-name': 'web.image', 'helm.image-tag': 'web.tag' },
    { name: ['web.image', ALWAYS], tag: ['web.tag', ALWAYS] },
  ],
  [{ 'helm.image-spec': 'web.image' }, { spec: ['web.image', ALWAYS] }],
  [
    { 'helm.image-digest': 'web.digest' },
    { name: ['image.name', IF_THERE], tag: ['image.tag', ALWAYS], digest: ['web.digest', ALWAYS] },
  ],
  [
    { 'helm.image-digest': 'web.digest', 'update-strategy': 'digest' },
    { name: ['image.name', IF_THERE], tag: ['image.tag', IF_THERE], digest: ['web.digest', ALWAYS] },
  ],
  [
    { 'helm.image-spec': 'web.image', 'helm.image-digest': 'web.digest' },
    { spec: ['web.image', ALWAYS], digest: ['web.digest', ALWAYS] },
  ],
];

for (const [settings, expected] of helm) {
  test(`${JSON.stringify(settings)} of Helm`, () => {
    const place = resolvePlace(followed(settings), 'helm');
    assert.ok(place?.kind === 'helm');
    for (const role of ['name', 'tag', 'spec', 'digest'] as const) {
      const [parameter, where] = expected[role] ?? [];
      assert.deepEqual(place[role], parameter === undefined ? null : { parameter, where });
    }
  });
}

test("Kustomize finds the image by its name in the manifests, without a tag, else by the image's own", () => {
  const named = followed({ 'kustomize.image-name': 'localhost:5000/app:dev' });
  assert.deepEqual(resolvePlace(named, 'kustomize'), { kind: 'kustomize', name: 'localhost:5000/app' });
  assert.deepEqual(resolvePlace(followed({}), 'kustomize'), { kind: 'kustomize', name: null });
});

test("a plugin's variables have no defaults", () => {
  assert.equal(resolvePlace(followed({}), 'plugin'), null);
  const place = resolvePlace(followed({ 'plugin.image-tag': 'TAG' }), 'plugin');
  assert.deepEqual(place, { kind: 'plugin', name: null, tag: 'TAG', spec: null });
});

test("images get into each other's way by what decides about their version", () => {
  assert.deepEqual(placeKeys(resolvePlace(followed({}), 'helm') ?? assert.fail(), 'docker.io/acme/app'), ['image.tag']);
  const kustomize = { kind: 'kustomize' as const, name: null };
  assert.deepEqual(placeKeys(kustomize, 'docker.io/acme/app'), ['docker.io/acme/app']);
  assert.deepEqual(placeKeys({ ...kustomize, name: 'nginx' }, 'docker.io/acme/app'), ['docker.io/library/nginx']);
  assert.deepEqual(placeKeys({ kind: 'plugin', name: 'N', tag: 'T', spec: null }, 'x'), ['T']);
});
