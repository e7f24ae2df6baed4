import assert from 'node:assert/strict';
import test from 'node:test';
import { parseReference } from '../../../../src/core/image/reference.ts';
import {
  decidesAbout,
  formatKustomizeImage,
  isSameImage,
  parseKustomizeImage,
  saysTheSame,
} from '../../../../src/core/target/value/kustomize-image.ts';
import { DIGEST } from '../../../support/application.ts';

// [the entry, its parts]
const entries: readonly (readonly [string, readonly (string | null)[]])[] = [
  ['nginx', [null, 'nginx', null, null]],
  ['nginx:1.27', [null, 'nginx', '1.27', null]],
  [`nginx@${DIGEST}`, [null, 'nginx', null, DIGEST]],
  [`nginx:1.27@${DIGEST}`, [null, 'nginx', '1.27', DIGEST]],
  ['app=ghcr.io/acme/app:1.0', ['app', 'ghcr.io/acme/app', '1.0', null]],
  ['localhost:5000/app=registry:5000/app', ['localhost:5000/app', 'registry:5000/app', null, null]],
];

for (const [text, [name, newName, tag, digest]] of entries) {
  test(`${text} is read, and written again`, () => {
    const entry = parseKustomizeImage(text);
    assert.ok(entry !== null);
    assert.deepEqual(entry, { name, newName, tag, digest });
    assert.equal(formatKustomizeImage(entry), text);
  });
}

test('what is no entry is none', () => {
  for (const text of ['', '=nginx', 'nginx=', 'nginx:', 'nginx@sha256:00'])
    assert.equal(parseKustomizeImage(text), null);
});

test('names are compared in canonical form', () => {
  assert.equal(isSameImage('nginx', 'docker.io/library/nginx'), true);
  assert.equal(isSameImage('quay.io/a/b', 'ghcr.io/a/b'), false);
  assert.equal(isSameImage('PLACEHOLDER', 'PLACEHOLDER'), true);
  assert.equal(isSameImage('PLACEHOLDER', 'OTHER'), false);
});

// [the entry, the name in the manifests, the followed image, does the one decide about the other]
const decisions: readonly (readonly [string, string | null, string, boolean])[] = [
  ['nginx:1.0', null, 'docker.io/library/nginx', true],
  ['quay.io/a/b:1.0', null, 'ghcr.io/a/b', false],
  ['app=ghcr.io/acme/app:1.0', null, 'ghcr.io/acme/app', true],
  ['app=ghcr.io/acme/app:1.0', 'app', 'ghcr.io/acme/app', true],
  ['app=ghcr.io/acme/app:1.0', 'other', 'ghcr.io/acme/app', false],
  ['nginx=mirror.example/nginx:1.0', null, 'nginx', true],
  ['app:1.0', 'app', 'ghcr.io/acme/app', true],
];

for (const [text, name, image, expected] of decisions) {
  test(`${text} ${expected ? 'decides' : 'does not decide'} about ${image}${name === null ? '' : ` as ${name}`}`, () => {
    const [entry, repository] = [parseKustomizeImage(text), parseReference(image)];
    assert.ok(entry !== null && repository.ok);
    assert.equal(decidesAbout(entry, name, repository.reference), expected);
  });
}

test('two entries say the same where name, tag and digest are the same', () => {
  const entry = (text: string) => parseKustomizeImage(text) ?? assert.fail();
  assert.equal(saysTheSame(entry('nginx:1'), entry('x=docker.io/library/nginx:1')), true);
  assert.equal(saysTheSame(entry('nginx:1'), entry('nginx:2')), false);
  assert.equal(saysTheSame(entry('nginx:1'), entry(`nginx:1@${DIGEST}`)), false);
});
