import assert from 'node:assert/strict';
import { chmod, cp, mkdir, mkdtempDisposable, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { serveGit } from '../support/git-http.ts';
import { gitEnvironment, makeRepository } from '../support/git-repository.ts';
import { contents, podOf } from '../support/pin-folder.ts';
import { runProcess } from '../support/process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/tagpin');
const CASES = join(import.meta.dirname, '../cases/update');
const DIGEST = `sha256:${'0a'.repeat(32)}`;

/** A folder with these files, to run `tagpin update` in. */
async function folderOf(t: TestContext, files: Readonly<Record<string, string>> = {}) {
  const disposable = await mkdtempDisposable(join(tmpdir(), 'tagpin-'));
  t.after(() => disposable.remove());
  const { path } = disposable;
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return {
    path,
    read: (name: string) => readFile(join(path, name), 'utf8'),
    update: (...args: readonly string[]) =>
      runProcess(process.execPath, [MAIN, 'update', ...args], {
        directory: path,
        environment: { PATH: process.env['PATH'], HOME: path, NODE_COMPILE_CACHE: COMPILED },
      }),
  };
}

// [folder of test/cases/update, settings, lines that are said]
const folders: readonly (readonly [string, readonly string[], number])[] = [
  ['manifests', ['nginx=1.27', `ghcr.io/acme/app=v2@${DIGEST}`], 5],
  ['kustomization', ['nginx=1.27', `ghcr.io/acme/app=v2@${DIGEST}`], 3],
  [
    'helm',
    ['image.tag=1.27', `sidecars[0].image=ghcr.io/acme/app:v2@${DIGEST}`, 'proxy.image=envoy:2', 'new.tag=1.10'],
    4,
  ],
];

for (const [name, settings, said] of folders) {
  test(`the files of test/cases/update/${name} become what they should be, to the byte, and then stay so`, async (t) => {
    const at = await folderOf(t);
    await cp(join(CASES, name, 'before'), join(at.path, 'x'), { recursive: true });
    const args = ['--path', 'x', ...settings.flatMap((setting) => ['--set', setting])];
    const before = await contents(join(at.path, 'x'));
    const after = await contents(join(CASES, name, 'after'));

    const dry = await at.update('--dry-run', ...args);
    assert.equal(dry.code, 0, dry.stderr);
    assert.deepEqual(await contents(join(at.path, 'x')), before);

    const first = await at.update(...args);
    assert.equal(first.code, 0, first.stderr);
    assert.deepEqual(await contents(join(at.path, 'x')), after);
    assert.equal(first.stdout.trimEnd().split('\n').length, said, first.stdout);

    const second = await at.update('--dry-run', ...args);
    assert.deepEqual([second.code, second.stdout], [0, '']);

    // What the dry run printed makes the same of the files.
    await cp(join(CASES, name, 'before'), join(at.path, 'x'), { recursive: true, force: true });
    const applied = await runProcess('git', ['apply', '--whitespace=nowarn', '-'], {
      directory: at.path,
      input: dry.stdout,
      environment: gitEnvironment({ GIT_CEILING_DIRECTORIES: tmpdir() }),
    });
    assert.equal(applied.code, 0, applied.stderr);
    assert.deepEqual(await contents(join(at.path, 'x')), after);
  });
}

test('nothing is written where one of the settings can not be', async (t) => {
  const files = { 'k/a.yaml': podOf('nginx:1'), 'k/b.yaml': podOf('redis:1') };
  const at = await folderOf(t, files);
  const unknown = await at.update('--path', 'k', '--set', 'nginx=2', '--set', 'mysql=3');
  assert.deepEqual([unknown.code, unknown.stdout], [1, '']);
  assert.equal(unknown.stderr, 'tagpin update: mysql is the image of no workload in k\n');
  await writeFile(join(at.path, 'k/c.yaml'), 'a: [\n');
  const broken = await at.update('--path', 'k', '--set', 'nginx=2');
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /^tagpin update: k\/c\.yaml:\d+:\d+: /);
  assert.deepEqual(await contents(join(at.path, 'k')), {
    'a.yaml': files['k/a.yaml'],
    'b.yaml': files['k/b.yaml'],
    'c.yaml': 'a: [\n',
  });
});

// [name, arguments, exit code, what is said]
const refused: readonly (readonly [string, readonly string[], number, RegExp])[] = [
  ['no setting', [], 2, /--set/],
  ['a setting that is none', ['--set', 'nginx'], 2, /NAME=REFERENCE/],
  ['a reference that is none', ['--set', 'nginx=a b'], 2, /tag is not/],
  ['an image that is none', ['--set', 'Nginx/=1', '--path', 'pod.yaml'], 2, /is no image/],
  ['an image with a tag', ['--set', 'nginx:1=2', '--path', 'pod.yaml'], 2, /without tag and digest/],
  ['a path that leads out', ['--set', 'nginx=2', '--path', '../x'], 2, /not inside/],
  ['an absolute path', ['--set', 'nginx=2', '--path', '/etc'], 2, /not inside/],
  ['a path that is not there', ['--set', 'nginx=2', '--path', 'none'], 3, /there is no none/],
  ['a link out of the folder', ['--set', 'root=2', '--path', 'out.yaml'], 3, /link out of the folder/],
  ['a folder of nothing', ['--set', 'nginx=2', '--path', 'empty'], 3, /holds no \*\.yaml/],
  [
    'a kustomization that is missing',
    ['--set', 'nginx=2', '--path', 'empty', '--kind', 'kustomization'],
    3,
    /has no kustomization/,
  ],
  ['values that an alias holds', ['--set', 'b=2', '--path', 'values.yaml'], 1, /behind the alias/],
  ['a value that is a mapping', ['--set', 'c=2', '--path', 'values.yaml'], 1, /c is a mapping/],
  ['a URL without a push', ['--set', 'nginx=2', '--repository', 'https://127.0.0.1:1/a.git'], 2, /--push/],
  [
    'a URL that does not answer',
    ['--set', 'nginx=2', '--dry-run', '--repository', 'https://127.0.0.1:1/a.git'],
    3,
    /cannot be reached/,
  ],
  [
    'a URL of another kind',
    ['--set', 'nginx=2', '--dry-run', '--repository', 'ftp://127.0.0.1/a.git'],
    2,
    /ssh:\/\/ URL/,
  ],
  [
    'a key that is none',
    ['--set', 'nginx=2', '--push', '--sign', 'pod.yaml', '--repository', 'https://127.0.0.1:1/a.git'],
    2,
    /no private key/,
  ],
];

test('what can not be done is said in a line, with an exit code', async (t) => {
  const at = await folderOf(t, {
    'pod.yaml': podOf('nginx:1'),
    'values.yaml': 'a: &x 1\nb: *x\nc: {d: 1}\n',
    'empty/x': '',
  });
  await symlink('/etc/hostname', join(at.path, 'out.yaml'));
  const before = await contents(at.path);
  for (const [name, args, code, said] of refused) {
    const result = await at.update(...args);
    assert.equal(result.code, code, `${name}: ${result.stderr}`);
    assert.match(result.stderr, said, name);
    assert.equal(result.stderr.trimEnd().split('\n').length, 1, result.stderr);
  }
  assert.deepEqual(await contents(at.path), before);
});

test('JSON tells each value, with what was there and what is', async (t) => {
  const at = await folderOf(t, { 'values.yaml': 'image: {tag: 1.9}\n' });
  const { code, stdout } = await at.update(
    '--path',
    'values.yaml',
    '--set',
    'image.tag=1.10',
    '--set',
    `d=${DIGEST}`,
    '-o',
    'json',
  );
  assert.equal(code, 0);
  assert.deepEqual(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [
      {
        file: 'values.yaml',
        place: 'image.tag',
        from: '1.9',
        to: '1.10',
        outcome: 'written',
        commit: null,
        branch: null,
      },
      { file: 'values.yaml', place: 'd', from: null, to: DIGEST, outcome: 'written', commit: null, branch: null },
    ],
  );
  assert.equal(await at.read('values.yaml'), `image: {tag: "1.10"}\nd: ${DIGEST}\n`);
});

test('a repository by its URL gets one signed commit on the branch, and a second run none', async (t) => {
  const remote = makeRepository(t, { 'k/a.yaml': podOf('nginx:1', 'redis:1'), 'k/b.yaml': podOf('nginx:1') });
  const { url } = await serveGit(t, remote);
  const at = await folderOf(t);
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
  const at = await folderOf(t);
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
  });
  assert.equal(remote.git('log', '--format=%s', '-2', 'main').trim(), 'Take redis to 2\nSet Pod p c0 to nginx:2');

  remote.commit('main', { 'other.txt': 'x' });
  const behind = await at.update(...args.slice(0, -1), 'nginx=3', '--push');
  assert.equal(behind.code, 1);
  assert.match(behind.stderr, /is committed on main, but not pushed: .*: git pull --rebase, then git push\n$/);
});
