import assert from 'node:assert/strict';
import test from 'node:test';
import { createGitHub, githubApi } from '../../../src/git/hosting/github.ts';
import { fixedApi } from '../../support/hosting.ts';

const PULL = {
  number: 7,
  html_url: 'https://github.com/acme/deploy/pull/7',
  state: 'closed',
  merged_at: '2026-11-21T08:00:00Z',
  title: 't',
  body: null,
  labels: [{ name: 'bug' }, 'odd', null],
  head: { ref: 'b', repo: null },
  base: { ref: 'main' },
};

test('hosts of GitHub are told apart', () => {
  assert.equal(githubApi(new URL('https://github.com/a/b')), 'https://api.github.com');
  assert.equal(githubApi(new URL('https://evil-ghe.com/a/b')), 'https://evil-ghe.com/api/v3');
  assert.equal(githubApi(new URL('https://github.com.evil.example/a/b')), 'https://github.com.evil.example/api/v3');
});

test('an answer is read with what may be missing in it', async () => {
  const host = createGitHub(fixedApi([PULL, {}, null, 7]), ['acme', 'deploy']);
  const [one, ...others] = await host.open();
  assert.deepEqual(others, []);
  assert.deepEqual([one?.state, one?.body, one?.labels, one?.isOfRepository], ['merged', '', ['bug', '', ''], false]);
});

test('a filter that GitHub leaves out is made good', async () => {
  const other = { ...PULL, head: { ref: 'other' } };
  const host = createGitHub(fixedApi([other, PULL, { ...PULL, base: { ref: 'x' } }]), ['acme', 'deploy']);
  assert.deepEqual(
    (await host.ofBranch('b', 'main')).map(({ number }) => number),
    [7],
  );
});

test('an answer that is no pull request is not understood', async () => {
  const host = createGitHub(fixedApi({}), ['acme', 'deploy']);
  await assert.rejects(host.create({ branch: 'b', base: 'main', title: 't', body: '' }), /misunderstood/);
});
