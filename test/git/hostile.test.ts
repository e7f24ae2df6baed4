/** Repositories and servers that want more than to be written to: S23 and S25 of the threat model. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { RepositoryFile } from '../../src/git/objects/files.ts';
import { bump, commitTo, openRepositories, pushed, reasonOf } from '../support/git-commit.ts';
import { serveGit } from '../support/git-http.ts';
import { type Content, makeRepository, scratchFolder } from '../support/git-repository.ts';

const OTHER = '1'.repeat(40);

test('links, submodules, folders and paths that lead out are not written', async (t) => {
  const outside = join(scratchFolder(t), 'outside');
  const files: Record<string, Content> = {
    'link.yaml': { link: 'real.yaml' },
    'out.yaml': { link: outside },
    linked: { link: 'folder' },
    'folder/real.yaml': 'tag: v1\n',
    'real.yaml': 'tag: v1\n',
    sub: { submodule: OTHER },
    '.gitmodules': '[submodule "sub"]\n\tpath = sub\n\turl = ext::sh -c "touch x"\n',
    'binary.yaml': Uint8Array.of(0xff, 0xfe),
    'large.yaml': 'a'.repeat((4 << 20) + 1),
    'almost.yaml': 'a'.repeat(4 << 20),
  };
  const remote = makeRepository(t, files);
  const before = remote.head('main');
  const server = await serveGit(t, remote);
  const repositories = openRepositories(t);
  const rows: readonly (readonly [string, string])[] = [
    ['link.yaml', '"link.yaml" is a link: name the file that it leads to'],
    ['out.yaml', '"out.yaml" is a link'],
    ['linked/real.yaml', '"linked" is a link, which is not followed'],
    ['sub', '"sub" is a submodule'],
    ['sub/values.yaml', '"sub" is a submodule'],
    ['folder', '"folder" is a folder'],
    ['real.yaml/x', '"real.yaml" is a file and no folder'],
    ['binary.yaml', 'is not UTF-8 text'],
    ['large.yaml', 'has more than 4 MiB'],
    ['../x', '.. leads elsewhere'],
    ['folder/../real.yaml', '.. leads elsewhere'],
    ['./real.yaml', '. leads elsewhere'],
    ['/etc/passwd', 'without /'],
    ['', 'it is empty'],
    ['folder//x', 'a name in it is empty'],
    ['.git/config', "is git's own"],
    ['a/.GIT/hooks/post-commit', "is git's own"],
    ['GIT~1/config', "is git's own"],
    ['a\\..\\b', 'control character or \\'],
    ['a\nb', 'control character'],
  ];
  for (const [path, why] of rows) {
    const edit = async () => ({ files: new Map([[path, 'tag: v2\n']]), message: 'change' });
    const outcome = await repositories.commit(commitTo(server.url, { edit }));
    assert.ok(outcome.kind === 'refused' && outcome.reason === 'FileRefused', `${path}: ${JSON.stringify(outcome)}`);
    assert.ok(outcome.message.includes(why), outcome.message);
  }
  assert.equal(remote.head('main'), before);
  const { repository } = commitTo(server.url);
  const read = await repositories.read({ repository, base: null }, async (all) => {
    const paths = ['link.yaml', 'sub/x', 'large.yaml', 'almost.yaml', 'folder/real.yaml', 'none/x'];
    const found: RepositoryFile[] = await Promise.all(paths.map((path) => all.read(path)));
    return found.map((file) => (file.kind === 'refused' ? file.reason : file.kind));
  });
  assert.deepEqual('value' in read && read.value, ['Symlink', 'Submodule', 'TooLarge', 'file', 'file', 'absent']);
});

test('a new text that is too large, or no text, is not written', async (t) => {
  const server = await serveGit(t, makeRepository(t));
  for (const text of ['a'.repeat((4 << 20) + 1), '\ud800']) {
    const edit = async () => ({ files: new Map([['x', text]]), message: 'change' });
    assert.equal(reasonOf(await openRepositories(t).commit(commitTo(server.url, { edit }))), 'refused FileRefused');
  }
});

test('filters, attributes and line ends of the repository change nothing', async (t) => {
  const mark = join(scratchFolder(t), 'filtered');
  const remote = makeRepository(t, {
    '.gitattributes': '* filter=evil text eol=crlf ident diff=evil merge=evil working-tree-encoding=UTF-16\n',
    '.gitconfig': `[filter "evil"]\n\tclean = touch ${mark}\n\tsmudge = touch ${mark}\n\trequired = true\n`,
    'values.yaml': '\ufeff# $Id$\r\ntag: v1\r\nend: no newline',
  });
  const server = await serveGit(t, remote);
  pushed(await openRepositories(t).commit(commitTo(server.url)));
  assert.equal(remote.show('main', 'values.yaml'), '\ufeff# $Id$\r\ntag: v2\r\nend: no newline');
  assert.ok(!existsSync(mark));
});

test('no hook, alias or setting of the machine or of a mirror is run or read', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const server = await serveGit(t, remote);
  const folder = scratchFolder(t);
  const mark = join(folder, 'mark');
  const home = join(folder, 'home');
  const evil = makeRepository(t, {});
  for (const hook of ['pre-push', 'reference-transaction', 'post-index-change']) evil.hook(hook, `touch ${mark}`);
  const settings = `[core]\n\thooksPath = ${evil.path}/hooks\n\tfsmonitor = touch ${mark}\n\tsshCommand = touch ${mark}\n`;
  mkdirSync(home);
  writeFileSync(join(home, '.gitconfig'), `${settings}[url "ext::touch ${mark} "]\n\tinsteadOf = http\n`);
  const { PATH } = process.env;
  const environment = {
    PATH,
    HOME: home,
    GIT_DIR: '/nowhere',
    GIT_SSH_COMMAND: `touch ${mark}`,
    GIT_EXEC_PATH: folder,
  };
  const mirrors = join(folder, 'mirrors');
  const repositories = openRepositories(t, { folder: mirrors, environment });
  pushed(await repositories.commit(commitTo(server.url)));
  const mirror = readdirSync(mirrors).find((name) => name.endsWith('.git')) ?? '';
  writeFileSync(join(mirrors, mirror, 'config'), `${readFileSync(join(mirrors, mirror, 'config'), 'utf8')}${settings}`);
  pushed(await repositories.commit(commitTo(server.url, { edit: bump('v3') })));
  assert.ok(!existsSync(mark));
});

test('names that look like options are names', async (t) => {
  const remote = makeRepository(t, {
    '--force': 'tag: v1\n',
    '-rf': 'tag: v1\n',
    ':(top)x': 'tag: v1\n',
    'a*': 'tag: v1\n',
  });
  const server = await serveGit(t, remote);
  const repositories = openRepositories(t);
  const edit = bump('v2', '--force', '-rf', ':(top)x', 'a*', '100644 x\ty');
  const outcome = await repositories.commit(
    commitTo(server.url, { edit: bump('v2', '--force', '-rf', ':(top)x', 'a*') }),
  );
  assert.equal(pushed(outcome).paths.length, 4);
  assert.equal(reasonOf(await repositories.commit(commitTo(server.url, { edit }))), 'refused FileRefused');
  for (const branch of ['--upload-pack=touch x', '-d', 'a:b', '+main', 'refs/heads/--force', 'a b']) {
    assert.equal(
      reasonOf(await repositories.commit(commitTo(server.url, { base: branch }))),
      branch === '+main' ? 'refused NoSuchBranch' : 'refused InvalidBranch',
      branch,
    );
  }
});

test('a server that names its default branch badly gets nothing', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const server = await serveGit(t, remote, {
    before: (request, response) => {
      if (request.method !== 'GET') return false;
      const lines = [`${OTHER} HEAD\0symref=HEAD:refs/heads/--force agent=x`, `${OTHER} refs/heads/--force`];
      const packets = lines.map((line) => `${(line.length + 5).toString(16).padStart(4, '0')}${line}\n`);
      response.setHeader('content-type', 'application/x-git-upload-pack-advertisement');
      response.end(`001e# service=git-upload-pack\n0000${packets.join('')}0000`);
      return true;
    },
  });
  assert.equal(reasonOf(await openRepositories(t).commit(commitTo(server.url))), 'refused InvalidBranch');
});

test('a repository that is too large is not fetched to its end, and not again in every cycle', async (t) => {
  const noise = Array.from(
    { length: 40 },
    (_, at) => [`${at}.bin`, crypto.getRandomValues(new Uint8Array(65_536))] as const,
  );
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n', ...Object.fromEntries(noise) });
  const server = await serveGit(t, remote);
  const repositories = openRepositories(t, { maximumBytes: 1 << 20 });
  assert.equal(reasonOf(await repositories.commit(commitTo(server.url))), 'refused TooLarge');
  const packs = () => server.requests.filter(({ path }) => path.endsWith('upload-pack')).length;
  const before = packs();
  assert.equal(reasonOf(await repositories.commit(commitTo(server.url))), 'refused TooLarge');
  assert.equal(packs() - before, 2, 'only its branches are asked for');
});

test('a server that says nothing, or never ends, takes the time that it is given', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const server = await serveGit(t, remote, {
    before: (request, response) => {
      if (request.url?.includes('info/refs') === true) response.write('001e# service=git-upload-pack\n');
      return true;
    },
  });
  const started = performance.now();
  const repositories = openRepositories(t, { timeoutMilliseconds: 1000 });
  assert.equal(reasonOf(await repositories.commit(commitTo(server.url))), 'failed TimedOut');
  assert.ok(performance.now() - started < 20_000);
});

test('what a declining server says is told in one line', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  remote.hook('pre-receive', 'echo "policy: no bots" >&2; exit 1');
  const server = await serveGit(t, remote);
  const outcome = await openRepositories(t).commit(commitTo(server.url));
  assert.ok(outcome.kind === 'refused' && outcome.reason === 'PushDeclined');
  assert.match(outcome.message, /declined the push: \(?pre-receive hook declined/);
});
