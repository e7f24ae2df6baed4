import assert from 'node:assert/strict';
import test from 'node:test';
import { explainGit, GitError, type GitReason, presentable } from '../../src/git/error.ts';

/** What git, curl, OpenSSH and the large hosts write, in their own words. */
const SAYINGS: readonly (readonly [string, GitReason])[] = [
  ["fatal: could not read Username for 'https://github.com': terminal prompts disabled", 'Unauthorized'],
  ["fatal: Authentication failed for 'https://github.com/acme/shop.git/'", 'Unauthorized'],
  ['git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.', 'Unauthorized'],
  [
    "remote: Permission to acme/shop.git denied to bot.\nfatal: unable to access 'x': The requested URL returned error: 403",
    'Forbidden',
  ],
  ['remote: Repository not found.\nfatal: repository not found', 'NotFound'],
  ['ERROR: Repository not found.\nfatal: Could not read from remote repository.', 'NotFound'],
  ["fatal: '/srv/x' does not appear to be a git repository", 'NotFound'],
  ["fatal: unable to access 'x': The requested URL returned error: 301", 'Redirected'],
  ["fatal: unable to access 'x': server certificate verification failed. CAfile: none CRLfile: none", 'Untrusted'],
  ["fatal: unable to access 'x': SSL certificate problem: self-signed certificate", 'Untrusted'],
  ["fatal: unable to access 'x': SSL: no alternative certificate subject name matches", 'Untrusted'],
  [
    'No ED25519 host key is known for h and you have requested strict checking.\nHost key verification failed.',
    'HostKeyUnknown',
  ],
  ['@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.', 'HostKeyChanged'],
  ['Load key "/tmp/x/id": error in libcrypto\ngit@h: Permission denied (publickey).', 'BadCredential'],
  ["fatal: unable to access 'x': Could not resolve host: nowhere.example", 'Unreachable'],
  ["fatal: unable to access 'x': Failed to connect to 127.0.0.1 port 1: Connection refused", 'Unreachable'],
  ['ssh: connect to host h port 22: Connection timed out', 'Unreachable'],
  ["fatal: unable to access 'x': The requested URL returned error: 503", 'Unreachable'],
  ["fatal: unable to access 'x': The requested URL returned error: 429", 'Unreachable'],
  [
    "fatal: unable to access 'x': Operation too slow. Less than 1 bytes/sec transferred the last 30 seconds",
    'Unreachable',
  ],
  ['fatal: the remote end hung up unexpectedly', 'Unreachable'],
  ['fatal: bad object 123', 'GitFailed'],
  ["fatal: unable to access 'x': OpenSSL SSL_read: tlsv13 alert certificate required, errno 0", 'Unauthorized'],
  ['', 'GitFailed'],
];

test('what git says is read', () => {
  const facts = { repository: 'https://github.com/acme/shop', secrets: [] };
  for (const [stderr, reason] of SAYINGS) {
    const error = explainGit(stderr, facts);
    assert.equal(error.reason, reason, stderr);
    assert.ok(error.message.length < 400 && !error.message.includes('\n'), error.message);
  }
});

test('what nobody expected is told in one cleaned line without secrets', () => {
  const stderr = 'warning: x\nfatal: bad \x1b[31mthing\u202e hunter2\nmore';
  const error = explainGit(stderr, { repository: 'https://h/x', secrets: ['hunter2', ''] });
  assert.equal(error.message, 'git failed on https://h/x: fatal: bad [31mthing ***');
  assert.equal(presentable('a'.repeat(1000), []).length, 201);
});

test('what may pass is told from what stays', () => {
  assert.equal(new GitError('Unreachable', { repository: 'x' }).kind, 'failed');
  assert.equal(new GitError('PushDeclined', { repository: 'x', what: 'hook' }).kind, 'refused');
});
