import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import { serveGit } from '../support/git-http.ts';
import { gitEnvironment, makeRepository } from '../support/git-repository.ts';
import { TOKEN } from '../support/hosting.ts';
import { startHostOf } from '../support/hosting-dialects.ts';
import { podOf } from '../support/pin-folder.ts';
import { runProcess } from '../support/process.ts';
import { updateFolder } from '../support/update-folder.ts';

test('a repository by its URL gets one signed commit on the branch, and a second run none', async (t) => {
  const remote = makeRepository(t, { 'k/a.yaml': podOf('nginx:1', 'redis:1'), 'k/b.yaml': podOf('nginx:1') });
  const { url } = await serveGit(t, remote);
  const at = await updateFolder(t);
  await runProcess('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(at.path, 'key')]);
  await chmod(join(at.path, 'key'), 0o600);
  const args = ['--repository', url, '--path', 'k', '--set', 'nginx=2'];
  const before = remote.head('main');

  const dry = await at.update(...args, '--dry-run');
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, /^--- a\/k\/a\.yaml\n\+\+\+ b\/k\/a\.yaml\n/);
  assert.equal(remote.head('main'), before);

  const done = await at.update(...args, '--push', '--sign', 'key', '--author', 'Ada <ada@example.com>');
  assert.equal(done.code, 0, done.stderr);
  assert.equal(
    done.stdout,
    `k/a.yaml: Pod p c0: nginx:1 -> nginx:2\nk/b.yaml: Pod p c0: nginx:1 -> nginx:2\npushed ${remote.head('main')} on main\n`,
  );
  assert.equal(remote.show('main', 'k/a.yaml'), podOf('nginx:2', 'redis:1'));
  assert.equal(
    remote.git('log', '-1', '--format=%P|%an <%ae>|%s', 'main').trim(),
    `${before}|Ada <ada@example.com>|Set 2 values in 2 files`,
  );
  await writeFile(join(at.path, 'signers'), `ada@example.com ${await at.read('key.pub')}`);
  remote.git('-c', `gpg.ssh.allowedSignersFile=${join(at.path, 'signers')}`, 'verify-commit', 'main');

  const again = await at.update(...args, '--push');
  assert.deepEqual([again.code, again.stdout], [0, '']);
  const impossible = await at.update('--repository', url, '--path', 'k', '--set', 'mysql=2', '--push');
  assert.deepEqual(
    [impossible.code, impossible.stderr],
    [1, 'tagpin update: mysql is the image of no workload in k\n'],
  );
});

test('a folder is committed with the user’s own git, and pushed to the branch that is checked out', async (t) => {
  const remote = makeRepository(t, { 'k/a.yaml': podOf('nginx:1'), 'k/b.yaml': podOf('redis:1') });
  const at = await updateFolder(t);
  const git = async (...args: readonly string[]) => {
    const result = await runProcess('git', args, { directory: join(at.path, 'clone'), environment: gitEnvironment() });
    assert.equal(result.code, 0, result.stderr);
    return result.stdout.trim();
  };
  await mkdir(join(at.path, 'clone'));
  await git('clone', '--quiet', remote.path, '.');
  await git('config', 'user.name', 'Ada');
  await git('config', 'user.email', 'ada@example.com');
  const args = ['--repository', 'clone', '--path', 'k', '--set', 'nginx=2'];

  await writeFile(join(at.path, 'clone/k/a.yaml'), `${podOf('nginx:1')}# mine\n`);
  const dirty = await at.update(...args, '--commit');
  assert.deepEqual([dirty.code, dirty.stdout], [1, '']);
  assert.match(dirty.stderr, /k\/a\.yaml: nothing is written: it has changes that are not committed/);
  await git('checkout', '--quiet', '.');
  const elsewhere = await at.update(...args, '--commit', '--branch', 'prod');
  assert.deepEqual([elsewhere.code, elsewhere.stdout], [2, '']);
  assert.equal((await at.update(...args, '--message', 'x')).code, 2);
  assert.equal((await at.update('--path', 'clone/k', '--set', 'nginx=2', '--commit')).code, 3);
  assert.equal(await git('status', '--porcelain'), '');

  const committed = await at.update(...args, '--commit', '--branch', 'main');
  assert.equal(committed.code, 0, committed.stderr);
  assert.equal(
    await git('log', '-1', '--format=%an|%B'),
    'Ada|Set Pod p c0 to nginx:2\n\n- k/a.yaml: Pod p c0: nginx:1 -> nginx:2',
  );
  assert.equal(
    committed.stdout,
    `k/a.yaml: Pod p c0: nginx:1 -> nginx:2\ncommitted ${await git('rev-parse', 'HEAD')} on main\n`,
  );

  const pushed = await at.update(...args, '--set', 'redis=2', '--push', '--message', 'Take redis to 2', '-o', 'json');
  assert.equal(pushed.code, 0, pushed.stderr);
  const head = remote.head('main');
  assert.deepEqual(JSON.parse(pushed.stdout), {
    file: 'k/b.yaml',
    place: 'Pod p c0',
    from: 'redis:1',
    to: 'redis:2',
    outcome: 'pushed',
    commit: head,
    branch: 'main',
    pullRequest: null,
  });
  assert.equal(remote.git('log', '--format=%s', '-2', 'main').trim(), 'Take redis to 2\nSet Pod p c0 to nginx:2');

  remote.commit('main', { 'other.txt': 'x' });
  const behind = await at.update(...args.slice(0, -1), 'nginx=3', '--push');
  assert.equal(behind.code, 1);
  assert.match(behind.stderr, /is committed on main, but not pushed: .*: git pull --rebase, then git push\n$/);
});

test('a pull request is opened once, from a branch of its own, and follows the next update', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'image:\n  tag: v1\n' });
  const host = await startHostOf('gitea');
  t.after(() => host.close());
  // Git and the API of a host are on one address.
  const { url } = await serveGit(t, remote, {
    authorization: `Basic ${Buffer.from(`tagpin:${TOKEN}`).toString('base64')}`,
    before: (request, response) => {
      if (request.url?.startsWith('/api/') !== true) return false;
      const path = request.url.replace('/api/v1/repos/acme/shop', '/git/api/v1/repos/acme/deploy');
      void forward(new URL(path, host.url), request, response);
      return true;
    },
  });
  const at = await updateFolder(t);
  const args = ['--repository', url, '--path', 'values.yaml', '--pull-request', 'gitea', '--set'];
  assert.match((await at.update(...args, 'image.tag=v2')).stderr, /set TAGPIN_GIT_TOKEN/);
  const update = (value: string) => at.updateWith({ TAGPIN_GIT_TOKEN: TOKEN }, ...args, `image.tag=${value}`);

  const opened = await update('v2');
  assert.equal(opened.code, 0, opened.stderr);
  assert.equal(host.stored.length, 1);
  const branch = host.stored[0]?.branch ?? '';
  assert.match(branch, /^tagpin-update-[0-9a-f]{12}$/);
  assert.match(opened.stdout, /^values\.yaml: image\.tag: v1 -> v2\npushed [0-9a-f]+ on tagpin-update-\S+\nhttp\S+\n$/);
  assert.equal(remote.show(branch, 'values.yaml'), 'image:\n  tag: v2\n');
  assert.equal(remote.show('main', 'values.yaml'), 'image:\n  tag: v1\n');

  assert.equal((await update('v2')).code, 0);
  const next = await update('v3');
  assert.equal(next.code, 0, next.stderr);
  assert.deepEqual(
    host.stored.map(({ title, state, branch: from }) => [title, state, from]),
    [['Set image.tag to v3', 'open', branch]],
  );
  assert.equal(remote.show(branch, 'values.yaml'), 'image:\n  tag: v3\n');
  assert.doesNotMatch(`${opened.stdout}${opened.stderr}`, new RegExp(TOKEN));
});

async function forward(to: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  const answer = await fetch(to, {
    method: request.method ?? 'GET',
    headers: { authorization: request.headers.authorization ?? '' },
    ...(body !== '' && { body }),
  });
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
}
