import assert from 'node:assert/strict';
import test from 'node:test';
import {
  isSameRepository,
  normalizeRepositoryUrl,
  withoutUser,
} from '../../../../src/core/target/repository/repository-url.ts';

/** What `NormalizeGitURL` of Argo CD 3.5.7, run in Go, gives; '' for its errors. */
const ROWS: readonly (readonly [string, string])[] = [
  ['git@GITHUB.com:argoproj/test', 'git@github.com/argoproj/test'],
  ['git@GITHUB.com:argoproj/test.git', 'git@github.com/argoproj/test'],
  ['git@github.com:test', 'git@github.com/test'],
  ['https://GITHUB.com/argoproj/Test.git', 'https://github.com/argoproj/test'],
  ['https://github.com:4443/TEST', 'https://github.com:4443/test'],
  ['ssh://git@GITHUB.com/argoproj/test.git', 'git@github.com/argoproj/test'],
  ['ssh://git@GITHUB.com:2222/test.git', 'git@github.com:2222/test'],
  ['\thttps://github.com/argoproj/test\n', 'https://github.com/argoproj/test'],
  ['https://*.example.com/*', 'https://*.example.com/*'],
  ['*', '*'],
  ['**', '**'],
  ['http://example.com/%zz', ''],
  ['http://example.com:port/x', ''],
  ['', ''],
  ['https://github.com/{a,b}/*', 'https://github.com/%7Ba,b%7D/%2A'],
  ['https://github.com/a b/*', 'https://github.com/a%20b/%2A'],
  ['https://github.com/[ab]/*', 'https://github.com/[ab]/*'],
  ['https://{a,b}.com/x', ''],
  ['https://github.com/acme/shop?x=1', 'https://github.com/acme/shop?x=1'],
  ['https://github.com/acme/ü', 'https://github.com/acme/%C3%BC'],
  ['git@*:acme/*', 'git@*/acme/*'],
  ['git@github.com:acme/{a,b}', 'git@github.com/acme/%7Ba,b%7D'],
  ['https://user:pass@github.com/x', 'https://user:pass@github.com/x'],
  ['https://github.com/acme/shop/', 'https://github.com/acme/shop/'],
  ['https://github.com/acme/shop.git/', 'https://github.com/acme/shop.git/'],
  ['a:b/c', 'a:b/c'],
  ['acme/shop', 'acme/shop'],
  ['1:2', ''],
  ['://x', ''],
  ['https://github.com/acme\\shop', 'https://github.com/acme%5Cshop'],
  ['https://github.com/a|b', 'https://github.com/a%7Cb'],
  ['https://github.com/a%20b', 'https://github.com/a%20b'],
  ['https://github.com/a%2fb', 'https://github.com/a%2fb'],
  ['oci://registry/x', 'oci://registry/x'],
  ['https://github.com/acme/shop#frag', 'https://github.com/acme/shop#frag'],
  ['user@host', 'user@host'],
  ['https://me@dev.azure.com/org/p/_git/r', 'https://me@dev.azure.com/org/p/_git/r'],
  ['https://github.com/a^b*', 'https://github.com/a%5Eb%2A'],
  ['https://github.com/acme/shop?{a}', 'https://github.com/acme/shop?{a}'],
  ['HTTPS://h/x', 'https://h/x'],
  ['file:///srv/x', 'file:///srv/x'],
  ['/srv/x', '/srv/x'],
  ['./x', './x'],
  ['https://h:/x', 'https://h:/x'],
  ['https://h/a;b', 'https://h/a;b'],
  ["https://h/a'b(c)!", "https://h/a'b(c)!"],
  ['https://h/a"b', 'https://h/a%22b'],
  ['mailto:a', 'mailto:a'],
  ['//host/x', '//host/x'],
  ['https://[::1]:80/x', 'https://[::1]:80/x'],
  ['https://h%41/x', ''],
  ['git@host:~user/x.git', 'git@host/~user/x'],
  ['https://github.com/acme/shop', 'https://github.com/acme/shop'],
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

test('what stands before the host is for nobody to read', () => {
  for (const user of ['bot:pass@', 'bot:p@ss@', 'token@', '']) {
    assert.equal(withoutUser(`https://${user}git.example/a@b.git`), 'https://git.example/a@b.git');
  }
  assert.equal(withoutUser('git@git.example:a.git'), 'git@git.example:a.git');
});
