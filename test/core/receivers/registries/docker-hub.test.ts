import assert from 'node:assert/strict';
import test from 'node:test';
import { readDockerHub } from '../../../../src/core/receivers/registries/docker-hub.ts';
import { hintsIn, receive, refusesNonsense } from '../../../support/received.ts';
import { DOCKER_HUB } from '../../../support/receiver-payloads.ts';

test('a push to Docker Hub is a hint', () => {
  assert.deepEqual(hintsIn(readDockerHub, DOCKER_HUB), ['docker.io/acme/shop:1.4.2']);
  const official = { ...DOCKER_HUB, repository: { repo_name: 'nginx' } };
  assert.deepEqual(hintsIn(readDockerHub, official), ['docker.io/library/nginx:1.4.2']);
});

test('a repository name can not name another registry', () => {
  const body = { ...DOCKER_HUB, repository: { repo_name: 'ghcr.io/acme/shop' } };
  assert.deepEqual(hintsIn(readDockerHub, body), ['docker.io/ghcr.io/acme/shop:1.4.2']);
});

test('nothing comes of nonsense', () => {
  refusesNonsense(readDockerHub);
  assert.equal(receive(readDockerHub, {}).kind, 'refused');
});
