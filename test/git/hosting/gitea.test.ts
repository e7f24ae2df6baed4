import assert from 'node:assert/strict';
import test from 'node:test';
import { createGitea, giteaApi } from '../../../src/git/hosting/gitea.ts';
import { fixedApi } from '../../support/hosting.ts';

const PULL = {
  number: 3,
  html_url: 'u',
  state: 'open',
  merged: false,
  head: { ref: 'b', repo_id: 1 },
  base: { ref: 'main', repo_id: 1 },
};

test('a Gitea may stand below a path', () => {
  assert.equal(giteaApi(new URL('https://example.com/git/a/b'), ['git']), 'https://example.com/git/api/v1');
  assert.equal(giteaApi(new URL('https://example.com/a/b'), []), 'https://example.com/api/v1');
});

test('states and forks are told apart, also of a fork that is gone', async () => {
  const list = [
    PULL,
    { ...PULL, state: 'closed', merged: true },
    { ...PULL, state: 'closed', head: { ref: 'b', repo_id: 2 } },
    { ...PULL, head: { ref: 'b' }, base: { ref: 'main' } },
    7,
  ];
  const found = await createGitea(fixedApi(list), ['a', 'b']).open();
  assert.deepEqual(
    found.map(({ state, isOfRepository }) => [state, isOfRepository]),
    [
      ['open', true],
      ['merged', true],
      ['closed', false],
      ['open', false],
    ],
  );
});

test('an answer that is no pull request is not understood', async () => {
  const host = createGitea(fixedApi([]), ['a', 'b']);
  await assert.rejects(host.create({ branch: 'b', base: 'main', title: 't', body: '' }), /misunderstood/);
});
