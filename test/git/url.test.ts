import assert from 'node:assert/strict';
import test from 'node:test';
import { isBranchName, readRepositoryUrl, showUrl } from '../../src/git/url.ts';

test('https, http and ssh are read', () => {
  const rows: readonly (readonly [string, string, string, number | null, string])[] = [
    ['https://github.com/acme/shop.git', 'https', 'github.com', null, 'https://github.com/acme/shop.git'],
    [' HTTPS://GitHub.com:8443/Acme/shop ', 'https', 'github.com', 8443, 'https://github.com:8443/Acme/shop'],
    ['https://me@dev.azure.com/o/p/_git/r', 'https', 'dev.azure.com', null, 'https://dev.azure.com/o/p/_git/r'],
    ['https://host/a%20b', 'https', 'host', null, 'https://host/a%20b'],
    ['http://[::1]:80/x', 'http', '[::1]', null, 'http://[::1]/x'],
    ['ssh://git@GitHub.com/acme/shop', 'ssh', 'github.com', null, 'ssh://git@GitHub.com/acme/shop'],
    ['ssh://git@host:2222/~me/x.git', 'ssh', 'host', 2222, 'ssh://git@host:2222/~me/x.git'],
    ['ssh://[::1]:22/x', 'ssh', '[::1]', 22, 'ssh://[::1]:22/x'],
    ['git@github.com:acme/shop.git', 'ssh', 'github.com', null, 'git@github.com:acme/shop.git'],
    ['host:x', 'ssh', 'host', null, 'host:x'],
    ['org-1@host.example:/srv/x', 'ssh', 'host.example', null, 'org-1@host.example:/srv/x'],
  ];
  for (const [text, kind, host, port, given] of rows) {
    const read = readRepositoryUrl(text);
    assert.ok(read.ok, text);
    assert.deepEqual([read.url.kind, read.url.host, read.url.port, read.url.text], [kind, host, port, given], text);
  }
});

test('what git would take for an option, a program, a file or something of its own is refused', () => {
  const rows = [
    '',
    '--upload-pack=touch /tmp/x',
    '-oProxyCommand=x',
    'ext::sh -c x',
    'ext::sh',
    'fd::7',
    'file:///srv/x',
    '/srv/x',
    './x',
    '../x',
    'git://host/x',
    'ftp://host/x',
    'https::https://host/x',
    'x',
    'C:\\repo',
    'helper::https://host',
    'ssh://-oProxyCommand=x/y',
    'ssh://git@-oProxyCommand=x/y',
    '-oProxyCommand=x:y',
    'git@-host:x',
    '-git@host:x',
    'ssh://host/-x',
    'git@host:-x',
    'ssh://host',
    'ssh://host:99999/x',
    'ssh://u:p@host/x',
    'git@host:',
    'ssh://a b/x',
    'https://u:p@host/x',
    'https://host/x?y',
    'https://host/x#y',
    'https:///x',
    'https://ho st/x',
    'https://host/\nx',
    'https://host/x\u202e',
    'https://host\\@evil/x',
    `https://host/${'x'.repeat(3000)}`,
    'http://%00/x',
  ];
  for (const text of rows) assert.ok(!readRepositoryUrl(text).ok, text);
});

test('no message shows a password', () => {
  assert.equal(showUrl('https://u:hunter2@host/x'), 'https://host/x');
  const refused = readRepositoryUrl('https://u:hunter2@host/x');
  assert.ok(!refused.ok && !JSON.stringify(refused).includes('hunter2'));
});

test('names of branches are those that git takes', () => {
  for (const name of ['main', 'env/prod', 'tagpin/shop-1.2', 'ü', 'a@b', 'a-', '1'])
    assert.ok(isBranchName(name), name);
  const refused = [
    '',
    '-x',
    '--force',
    'a..b',
    'a b',
    'a~1',
    'a^',
    'a:b',
    'a?',
    'a*',
    'a[',
    'a\\b',
    '@',
    'HEAD',
    'a@{1}',
  ];
  const shapes = ['/a', 'a/', 'a//b', 'a.', '.a', 'a/.b', 'a.lock', 'a.lock/b', 'a\n', 'a\0', `a${'b'.repeat(255)}`];
  for (const name of [...refused, ...shapes]) assert.ok(!isBranchName(name), name);
});
