import assert from 'node:assert/strict';
import test from 'node:test';
import { isSameRepository, normalizeRepositoryUrl } from '../../../src/core/target/repository-url.ts';

/** Read off NormalizeGitURL (util/git/git.go of Argo CD 3.5.7). */
const ROWS: readonly (readonly [string, string])[] = [
  ['git@GITHUB.com:argoproj/test', 'git@github.com/argoproj/test'],
  ['git@GITHUB.com:argoproj/test.git', 'git@github.com/argoproj/test'],
  ['git@GITHUB.com:test', 'git@github.com/test'],
  ['git@GITHUB.com:test.git', 'git@github.com/test'],
  ['https://GITHUB.com/argoproj/test', 'https://github.com/argoproj/test'],
  ['https://GITHUB.com/argoproj/test.git', 'https://github.com/argoproj/test'],
  ['https://GITHUB.com/TEST', 'https://github.com/test'],
  ['https://github.com/TEST.git', 'https://github.com/test'],
  ['https://github.com:4443/TEST', 'https://github.com:4443/test'],
  ['https://github.com:4443/TEST.git', 'https://github.com:4443/test'],
  ['ssh://git@GITHUB.com/argoproj/test', 'git@github.com/argoproj/test'],
  ['ssh://git@GITHUB.com/argoproj/test.git', 'git@github.com/argoproj/test'],
  ['ssh://git@GITHUB.com:2222/test.git', 'git@github.com:2222/test'],
  [' https://github.com/argoproj/test ', 'https://github.com/argoproj/test'],
  ['\thttps://github.com/argoproj/test\n', 'https://github.com/argoproj/test'],
  ['https://1234567890.dkr.ecr.eu-west-1.amazonaws.com', 'https://1234567890.dkr.ecr.eu-west-1.amazonaws.com'],
  ['https://*.example.com/*', 'https://*.example.com/*'],
  ['*', '*'],
  ['http://example.com/%zz', ''],
  ['http://example.com:port/x', ''],
  ['', ''],
];

test('repositories are compared as Argo CD compares them', () => {
  for (const [text, normal] of ROWS) assert.equal(normalizeRepositoryUrl(text), normal, text);
});

test('what is no URL is only itself, and nothing is never the same', () => {
  assert.ok(isSameRepository('git@github.com:acme/shop.git', 'ssh://git@GitHub.com/acme/shop'));
  assert.ok(isSameRepository('http://example.com/%zz', 'http://example.com/%zz'));
  assert.ok(!isSameRepository('https://github.com/acme/shop', 'git@github.com:acme/shop'));
  assert.ok(!isSameRepository('', ''));
});
