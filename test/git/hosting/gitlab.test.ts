import assert from 'node:assert/strict';
import test from 'node:test';
import { createGitLab, gitlabApi } from '../../../src/git/hosting/gitlab.ts';
import { fixedApi } from '../../support/hosting.ts';

const MERGE = {
  iid: 3,
  web_url: 'u',
  state: 'opened',
  source_branch: 'b',
  target_branch: 'main',
  source_project_id: 1,
  target_project_id: 1,
};

test("a GitLab's API is at its host", () => {
  assert.equal(gitlabApi(new URL('https://git.example.com:8443/a/b')), 'https://git.example.com:8443/api/v4');
});

test('states and forks are told apart, and what is no merge request is left out', async () => {
  const list = [
    MERGE,
    { ...MERGE, state: 'locked' },
    { ...MERGE, state: 'closed', source_project_id: 2 },
    { iid: '3' },
    null,
  ];
  const found = await createGitLab(fixedApi(list), ['a', 'b']).open();
  assert.deepEqual(
    found.map(({ state, isOfRepository }) => [state, isOfRepository]),
    [
      ['open', true],
      ['merged', true],
      ['closed', false],
    ],
  );
});

test('an answer that is no merge request is not understood', async () => {
  const host = createGitLab(fixedApi([]), ['a', 'b']);
  await assert.rejects(host.create({ branch: 'b', base: 'main', title: 't', body: '' }), /misunderstood/);
  assert.equal(host.refer(3), '!3');
});
