import assert from 'node:assert/strict';
import test from 'node:test';
import { readGitHub } from '../../../../src/core/receivers/registries/ghcr.ts';
import { hintsIn, receive, refusesNonsense } from '../../../support/received.ts';
import { GITHUB } from '../../../support/receiver-payloads.ts';

const { registry_package: published } = GITHUB;

test('a published image is a hint, in lower case', () => {
  assert.deepEqual(hintsIn(readGitHub, GITHUB), ['ghcr.io/acme/shop/web:v2']);
  assert.deepEqual(hintsIn(readGitHub, { action: 'published', package: published }), ['ghcr.io/acme/shop/web:v2']);
  assert.deepEqual(hintsIn(readGitHub, { ...GITHUB, action: 'updated' }), ['ghcr.io/acme/shop/web:v2']);
});

test('a manifest of an index has no tag', () => {
  const version = { container_metadata: { tag: { name: '' } }, package_url: 'ghcr.io/acme/shop/web:' };
  const body = { ...GITHUB, registry_package: { ...published, package_version: version } };
  assert.deepEqual(hintsIn(readGitHub, body), ['ghcr.io/acme/shop/web:']);
});

test('the owner is taken where there is no namespace', () => {
  const { namespace: _, ...rest } = published;
  assert.deepEqual(hintsIn(readGitHub, { ...GITHUB, registry_package: rest }), ['ghcr.io/acme/shop/web:v2']);
});

test("GitHub Enterprise Server's registry is where its packages are", () => {
  const version = { ...published.package_version, package_url: 'containers.git.example.com/acme/shop/web:v2' };
  const body = { ...GITHUB, registry_package: { ...published, package_version: version } };
  assert.deepEqual(hintsIn(readGitHub, body), ['containers.git.example.com/acme/shop/web:v2']);
});

test('pings, deletions and other packages say nothing', () => {
  assert.deepEqual(hintsIn(readGitHub, { zen: 'Design for failure.' }, { headers: { 'x-github-event': 'ping' } }), []);
  assert.deepEqual(hintsIn(readGitHub, { ...GITHUB, action: 'deleted' }), []);
  assert.deepEqual(hintsIn(readGitHub, { ...GITHUB, registry_package: { ...published, package_type: 'npm' } }), []);
});

test('nothing comes of nonsense, nor of the events of something else', () => {
  refusesNonsense(readGitHub);
  assert.equal(receive(readGitHub, { ref: 'refs/heads/main', commits: [] }).kind, 'refused');
});
