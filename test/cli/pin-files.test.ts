import assert from 'node:assert/strict';
import { chmod, cp, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { contents, pinFolder, podOf, withRegistry } from '../support/pin-folder.ts';

const CASES = join(import.meta.dirname, '../cases/pin');

for (const name of (await readdir(CASES, { withFileTypes: true }))
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)) {
  test(`the files of test/cases/pin/${name} become what they should be, to the byte, and then stay so`, async (t) => {
    const at = await pinFolder(t);
    const lock = join(CASES, 'lock.json');
    const after = await contents(join(CASES, name, 'after'));
    await cp(join(CASES, name, 'before'), join(at.path, 'k8s'), { recursive: true, verbatimSymlinks: true });
    assert.ok(Object.keys(after).length > 2);
    for (const round of ['first', 'second']) {
      assert.equal((await at.tagpin('--in-place', '--lock', lock, 'k8s')).code, 0, round);
      assert.deepEqual(await contents(join(at.path, 'k8s')), after, round);
    }
    assert.equal((await at.tagpin('--check', 'k8s')).code, 0);
  });
}

test('one file comes out as it went in, but for its images', async (t) => {
  const at = await pinFolder(t);
  for (const file of ['spelling/before/traps.yaml', 'spelling/before/windows.yml', 'kinds/before/json/stream.json']) {
    const { stdout } = await at.tagpin('--lock', join(CASES, 'lock.json'), join(CASES, file));
    assert.equal(stdout, await readFile(join(CASES, file.replace('before', 'after')), 'utf8'), file);
  }
});

test('a broken file is named with its place and not written; others are, and the highest code counts', async (t) => {
  const { registry, at, host, pin } = await withRegistry(t);
  const app = registry.pushImage('acme/app', '1');
  const good = podOf(`${host}/acme/app:1`);
  const broken = `${good}---\nkind: Pod\n  bad: [\n`;
  await at.write('k/a.yaml', broken);
  await at.write('k/b.yaml', good);
  await at.write('k/c.json', '{"apiVersion": "v1",\n "kind": }');
  await at.write('k/d.yaml', 'a: 1\na: 2\n');
  await at.write('k/e.yaml', '\uFFFD{{ }}');
  const { code, stderr } = await pin('--in-place', 'k');
  assert.equal(code, 1);
  assert.equal(await at.read('k/a.yaml'), broken);
  assert.equal(await at.read('k/b.yaml'), podOf(`${host}/acme/app@${app}`));
  const lines = stderr.trimEnd().split('\n');
  assert.match(lines[0] ?? '', /^tagpin pin: k\/a\.yaml:10:\d+: /);
  assert.match(lines[1] ?? '', /^tagpin pin: k\/c\.json:2:10: there should be a value here$/);
  assert.match(lines[2] ?? '', /^tagpin pin: k\/d\.yaml:2:1: the key "a" stands here twice$/);
  assert.match(lines[3] ?? '', /^tagpin pin: k\/e\.yaml: skipped, since it holds \{\{/);
  assert.equal(lines.length, 4);
  assert.equal((await pin('k', 'missing')).code, 3);
});

test('a text that stands where nothing may change too is not written, and says where', async (t) => {
  const { registry, at, host, pin } = await withRegistry(t);
  registry.pushImage('acme/app', '1');
  const text = `apiVersion: v1\nkind: Pod\nx-base: &base {image: "${host}/acme/app:1"}\nspec:\n  containers:\n  - {<<: *base, name: a}\n`;
  await at.write('a.yaml', text);
  const { code, stderr } = await pin('--in-place', 'a.yaml');
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^tagpin pin: a\.yaml:3:23: not written: spec\.containers\[0\]\.image shares its text with x-base\.image, which is to stay: write it out\n$/,
  );
  assert.equal(await at.read('a.yaml'), text);
  assert.match(
    (await pin('-o', 'json', 'a.yaml')).stdout,
    /"pinned":null,"state":"unresolved","error":\{"code":"NotWritten"/,
  );
});

test('a file keeps its mode, a link stays a link, and nothing else is left behind', async (t) => {
  const { registry, at, host, pin } = await withRegistry(t);
  const app = registry.pushImage('acme/app', '1');
  await at.write('real/a.yaml', podOf(`${host}/acme/app:1`));
  await chmod(join(at.path, 'real/a.yaml'), 0o640);
  await symlink('real/a.yaml', join(at.path, 'link.yaml'));
  assert.equal((await pin('--in-place', 'link.yaml')).code, 0);
  assert.equal(await at.read('real/a.yaml'), podOf(`${host}/acme/app@${app}`));
  assert.equal((await stat(join(at.path, 'real/a.yaml'))).mode & 0o777, 0o640);
  assert.equal(await readlink(join(at.path, 'link.yaml')), 'real/a.yaml');
  assert.deepEqual(Object.keys(await contents(at.path)), ['link.yaml', 'policy', 'real/a.yaml']);
});

test('a file that changed while registries were asked is not written', async (t) => {
  const { registry, at, host, pin } = await withRegistry(t);
  registry.pushImage('acme/app', '1');
  registry.fault({ kind: 'delay', milliseconds: 1500 });
  await at.write('a.yaml', podOf(`${host}/acme/app:1`));
  const running = pin('--in-place', 'a.yaml');
  for (const until = Date.now() + 20_000; registry.requests.length === 0 && Date.now() < until; )
    await new Promise((next) => setTimeout(next, 20));
  await at.write('a.yaml', podOf('somebody/else:1'));
  const { code, stderr } = await running;
  assert.deepEqual(
    [code, stderr],
    [3, 'tagpin pin: a.yaml: not written: it was changed by someone else meanwhile: try again\n'],
  );
  assert.equal(await at.read('a.yaml'), podOf('somebody/else:1'));
});

// [arguments, exit code, what is said]
const refused: readonly (readonly [readonly string[], number, RegExp])[] = [
  [[], 2, /^tagpin: missing required argument/],
  [['missing.yaml'], 3, /^tagpin pin: missing\.yaml: there is no such file or folder\n$/],
  [['empty'], 3, /^tagpin pin: empty: the folder holds no \*\.yaml, \*\.yml or \*\.json\n$/],
  [['--frob', 'a.yaml'], 2, /^tagpin: unknown option '--frob'/],
  [['--', '-dash.yaml'], 1, /^tagpin pin: -dash\.yaml:1:\d+: /],
  [['--check', '--in-place', 'a.yaml'], 2, /cannot be used with/],
  [['--check', '--refresh', 'a.yaml'], 2, /cannot be used with/],
  [['--in-place', '-'], 2, /^tagpin: pin: standard input cannot be written in place/],
  [['--policy', '-', '-'], 2, /^tagpin: pin: standard input cannot be both/],
  [['--format', 'tag', 'a.yaml'], 2, /Allowed choices are digest, tag\+digest/],
  [['--timeout', '30', 'a.yaml'], 2, /duration/],
  [['--timeout', '0s', 'a.yaml'], 2, /between/],
  [['--policy', 'missing', 'a.yaml'], 3, /policy: missing: there is no such file/],
  [['--check', '--policy', 'bad-policy', 'a.yaml'], 2, /bad-policy:1:1: /],
  [['binary.yaml'], 3, /^tagpin pin: binary\.yaml: it is not UTF-8 text\n$/],
];

test('wrong use and what is not there say so, in one line each', async (t) => {
  const at = await pinFolder(t);
  await at.write('a.yaml', podOf('nginx'));
  await at.write('-dash.yaml', '[');
  await at.write('empty/a.txt', '');
  await at.write('bad-policy', 'kind: x\n');
  await writeFile(join(at.path, 'binary.yaml'), Buffer.from([0xff, 0xfe, 0, 1]));
  const lanes = [0, 1, 2];
  await Promise.all(
    lanes.map(async (lane) => {
      for (const [args, expected, said] of refused.filter((_, index) => index % lanes.length === lane)) {
        const { code, stdout, stderr } = await at.tagpin(...args);
        assert.deepEqual([code, stdout], [expected, ''], args.join(' '));
        assert.match(stderr, said, args.join(' '));
        assert.doesNotMatch(stderr, /^\s+at /m);
      }
    }),
  );
  assert.equal(await at.read('a.yaml'), podOf('nginx'));
});

test('an image that has its digest keeps it, whatever else has the same tag', async (t) => {
  const { registry, at, host, pin } = await withRegistry(t);
  const app = registry.pushImage('acme/app', '1');
  const old = `${host}/acme/app:1@sha256:${'0'.repeat(64)}`;
  await at.write('k/old.yaml', podOf(old));
  await at.write('k/new.yaml', podOf(`${host}/acme/app:1`));
  assert.equal((await pin('--in-place', 'k')).code, 0);
  assert.equal(await at.read('k/old.yaml'), podOf(old));
  assert.equal(await at.read('k/new.yaml'), podOf(`${host}/acme/app@${app}`));
  assert.equal((await pin('--in-place', '--refresh', 'k')).code, 0);
  assert.equal(await at.read('k/old.yaml'), podOf(`${host}/acme/app:1@${app}`));
});

test('what holds {{ is skipped with a notice; where it was named it goes on to stdout as it is', async (t) => {
  const at = await pinFolder(t);
  const text = 'apiVersion: v1\nkind: ConfigMap\ndata: {t: "{{ .x }}"}\n';
  await at.write('k/map.yaml', text);
  const named = await at.tagpin('k/map.yaml');
  assert.deepEqual([named.code, named.stdout], [0, text]);
  assert.match(named.stderr, /skipped, since it holds \{\{/);
  assert.equal((await at.tagpinWith(text, '-')).stdout, text);
  assert.equal((await at.tagpin('k')).stdout, '');
});

test('an empty name is no folder', async (t) => {
  const at = await pinFolder(t);
  await at.write('pod.yaml', podOf('nginx'));
  const { code, stdout, stderr } = await at.tagpin('--check', '');
  assert.deepEqual([code, stdout], [3, '']);
  assert.match(stderr, /an empty name/);
});
