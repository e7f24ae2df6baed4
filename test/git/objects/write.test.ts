import assert from 'node:assert/strict';
import test from 'node:test';
import { hasTrailer, withTrailer } from '../../../src/git/objects/write.ts';
import { commitTo, openRepositories, pushed, reasonOf } from '../../support/git-commit.ts';
import { serveGit } from '../../support/git-http.ts';
import { makeRepository } from '../../support/git-repository.ts';

const FILES = { 'values.yaml': 'tag: v1\n' };

test('a message is kept as it is, with a trailer where one is wanted', async (t) => {
  const remote = makeRepository(t, FILES);
  const server = await serveGit(t, remote);
  const message = '# no comment\n\n  indented\ncafé ☕\n\n\n';
  const edit = async () => ({ files: new Map([['values.yaml', 'tag: v2\n']]), message });
  pushed(await openRepositories(t).commit(commitTo(server.url, { edit, signOff: 'yes' })));
  const raw = remote.git('cat-file', 'commit', 'main');
  const wanted = '# no comment\n\n  indented\ncafé ☕\n\nSigned-off-by: tagpin <tagpin@example.com>\n';
  assert.equal(raw.slice(raw.indexOf('\n\n') + 2), wanted);
});

test('authors and messages that no commit can hold are refused', async (t) => {
  const server = await serveGit(t, makeRepository(t, FILES));
  const repositories = openRepositories(t);
  for (const name of ['', ' ', '<>', 'a\nb', 'a <b>', '...', 'a\0']) {
    const author = { name, email: 'a@b' };
    assert.equal(reasonOf(await repositories.commit(commitTo(server.url, { author }))), 'refused BadIdentity', name);
  }
  for (const message of ['', ' \n', 'a\0b', '\ud800', 'a'.repeat(2 << 20)]) {
    const edit = async () => ({ files: new Map([['values.yaml', 'tag: v2\n']]), message });
    assert.equal(reasonOf(await repositories.commit(commitTo(server.url, { edit }))), 'refused BadMessage');
  }
});

test('a trailer joins those that are there, once', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['Subject', 'Subject\n\nKey: value\n'],
    ['Subject: with a colon', 'Subject: with a colon\n\nKey: value\n'],
    ['Subject\n\nBody.\n', 'Subject\n\nBody.\n\nKey: value\n'],
    ['Subject\n\nOther: x', 'Subject\n\nOther: x\nKey: value\n'],
    ['Subject\n\nKey: value\nOther: x', 'Subject\n\nKey: value\nOther: x\n'],
    ['Subject\n\nKey: value\nnot one', 'Subject\n\nKey: value\nnot one\n\nKey: value\n'],
  ];
  for (const [message, wanted] of rows) assert.equal(withTrailer(message, 'Key', 'value'), wanted);
});

test('a trailer is found in the last paragraph of a commit, and not in its head or body', () => {
  const head = 'tree 1\nauthor Key: value\ngpgsig -----BEGIN\n \n Key: value\n -----END\n';
  assert.ok(hasTrailer(`${head}\nSubject\n\nKey: value\nOther: x\n`, 'Key', 'value'));
  assert.ok(!hasTrailer(`${head}\nSubject\n\nKey: value\n\nMore.\n`, 'Key', 'value'));
  assert.ok(!hasTrailer(`${head}\nSubject\n\nKey: value2\n`, 'Key', 'value'));
  assert.ok(!hasTrailer(`${head}\nSubject\n`, 'Key', 'value'));
});
