import assert from 'node:assert/strict';
import test from 'node:test';
import { writePlace } from '../../../src/core/sweep/write-place.ts';
import { application, own, read } from '../../support/application.ts';

function placeOf(keys: Readonly<Record<string, string>>, source: object = {}): string | null {
  const follow = { 'image-list': 'shop=ghcr.io/acme/shop:1', 'write-back-method': 'git', ...keys };
  const target = read(application({ annotations: own(follow), source: { helm: {}, ...source } }));
  const [image] = target.images;
  if (image?.located === undefined || image.located === null) assert.fail(JSON.stringify(target));
  return writePlace(target.writeBack, image.located.committed, image.tracked);
}

test('whatever leads elsewhere is another place, and the same settings are the same one', () => {
  const places = [
    placeOf({}),
    placeOf({ 'write-back-target': 'helmvalues' }),
    placeOf({ 'write-back-target': 'helmvalues:other.yaml' }),
    placeOf({ 'git-branch': 'release' }),
    placeOf({ 'git-branch': 'main:update' }),
    placeOf({ 'pull-request': 'github' }),
    placeOf({ 'git-repository': 'https://git.example/another' }),
    placeOf({ 'shop.helm.image-tag': 'web.tag' }),
    placeOf({}, { path: 'elsewhere' }),
    placeOf({}, { targetRevision: 'release-2' }),
  ];
  assert.equal(new Set(places).size, places.length);
  for (const place of places) assert.match(place ?? '', /^[\da-f]{16}$/);
  assert.equal(placeOf({}), placeOf({}));
});

test('what stands in the Application itself has no such name', () => {
  assert.equal(placeOf({ 'write-back-method': 'argocd' }), null);
});
