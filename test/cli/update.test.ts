import assert from 'node:assert/strict';
import { cp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { gitEnvironment } from '../support/git-repository.ts';
import { contents, podOf } from '../support/pin-folder.ts';
import { runProcess } from '../support/process.ts';
import { updateFolder } from '../support/update-folder.ts';

const CASES = join(import.meta.dirname, '../cases/update');
const DIGEST = `sha256:${'0a'.repeat(32)}`;

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
    const at = await updateFolder(t);
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
  const at = await updateFolder(t, files);
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
  const at = await updateFolder(t, {
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
  const at = await updateFolder(t, { 'values.yaml': 'image: {tag: 1.9}\n' });
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
        pullRequest: null,
      },
      {
        file: 'values.yaml',
        place: 'd',
        from: null,
        to: DIGEST,
        outcome: 'written',
        commit: null,
        branch: null,
        pullRequest: null,
      },
    ],
  );
  assert.equal(await at.read('values.yaml'), `image: {tag: "1.10"}\nd: ${DIGEST}\n`);
});
