import assert from 'node:assert/strict';
import test from 'node:test';
import { readGitLab } from '../../../../src/core/receivers/registries/gitlab.ts';
import { hintsIn, receive, refusesNonsense } from '../../../support/received.ts';
import { DISTRIBUTION, GITLAB_PIPELINE } from '../../../support/receiver-payloads.ts';

test("notifications of GitLab's registry are those of the CNCF's", () => {
  assert.deepEqual(hintsIn(readGitLab, DISTRIBUTION), ['registry.example.com:5000/acme/shop:1.4.2']);
});

test('a pipeline that succeeded means every image of its project', () => {
  assert.deepEqual(hintsIn(readGitLab, GITLAB_PIPELINE), ['registry.gitlab.com/acme/team/shop:/']);
  const job = { object_kind: 'build', build_status: 'success', project: GITLAB_PIPELINE.project };
  assert.deepEqual(hintsIn(readGitLab, job), ['registry.gitlab.com/acme/team/shop:/']);
});

test('a GitLab of its own has its registry in one of two places, or where it is configured', () => {
  const project = { ...GITLAB_PIPELINE.project, web_url: 'https://git.example.com/acme/team/shop' };
  const body = { ...GITLAB_PIPELINE, project };
  assert.deepEqual(hintsIn(readGitLab, body), [
    'registry.git.example.com/acme/team/shop:/',
    'git.example.com:5050/acme/team/shop:/',
  ]);
  assert.deepEqual(hintsIn(readGitLab, body, { registries: ['hub.example'] }), ['hub.example/acme/team/shop:/']);
});

test('pipelines that run or fail, and other events, say nothing', () => {
  for (const status of ['running', 'failed', null]) {
    assert.deepEqual(hintsIn(readGitLab, { ...GITLAB_PIPELINE, object_attributes: { status } }), []);
  }
  assert.deepEqual(hintsIn(readGitLab, { object_kind: 'push', ref: 'refs/heads/main' }), []);
});

test('nothing comes of nonsense', () => {
  refusesNonsense(readGitLab);
  assert.equal(receive(readGitLab, { ...GITLAB_PIPELINE, project: {} }).kind, 'refused');
});
