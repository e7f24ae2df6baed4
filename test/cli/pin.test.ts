import assert from 'node:assert/strict';
import {
  chmod,
  cp,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type FinishedProcess, runProcess } from '../support/process.ts';
import { startRegistry } from '../support/registry.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
/** Starting from source is mostly compiling. */
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/tagpin');
const CASES = join(import.meta.dirname, '../cases/pin');

interface Folder {
  readonly path: string;
  tagpin(...args: readonly string[]): Promise<FinishedProcess>;
  tagpinWith(input: string, ...args: readonly string[]): Promise<FinishedProcess>;
  read(file: string): Promise<string>;
  write(file: string, text: string): Promise<void>;
}

async function folder(t: TestContext): Promise<Folder> {
  const disposable = await mkdtempDisposable(join(tmpdir(), 'tagpin-'));
  t.after(() => disposable.remove());
  const { path } = disposable;
  const tagpinWith = (input: string, ...args: readonly string[]) =>
    runProcess(process.execPath, [MAIN, 'pin', ...args], {
      directory: path,
      input,
      environment: { PATH: process.env['PATH'], HOME: path, NODE_COMPILE_CACHE: COMPILED },
    });
  return {
    path,
    tagpinWith,
    tagpin: (...args) => tagpinWith('', ...args),
    read: (file) => readFile(join(path, file), 'utf8'),
    async write(file, text) {
      await mkdir(dirname(join(path, file)), { recursive: true });
      await writeFile(join(path, file), text);
    },
  };
}

/** A folder with a registry, the policy that lets it be asked, and what stands for it in images. */
async function withRegistry(t: TestContext) {
  const registry = await startRegistry();
  t.after(() => registry.close());
  const at = await folder(t);
  await at.write(
    'policy',
    `apiVersion: tagpin.dev/v1\nkind: TagPolicy\nregistries:\n  hosts:\n  - {host: "${registry.host}", plainHttp: true}\n`,
  );
  return {
    registry,
    at,
    host: registry.host,
    pin: (...args: readonly string[]) => at.tagpin('--policy', 'policy', ...args),
  };
}

function podOf(...images: readonly string[]): string {
  const containers = images.map((image, index) => `  - name: c${index}\n    image: ${image}\n`);
  return `apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n${containers.join('')}`;
}

/** Everything below a folder: the bytes of files, where links lead. */
async function contents(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  const found: [string, string][] = [];
  for (const entry of entries.toSorted((a, b) => (join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1))) {
    const file = join(entry.parentPath, entry.name);
    const name = file.slice(path.length + 1);
    if (entry.isSymbolicLink()) found.push([name, await readlink(file)]);
    else if (entry.isFile()) found.push([name, (await readFile(file)).toString('latin1')]);
  }
  return Object.fromEntries(found);
}

for (const name of (await readdir(CASES, { withFileTypes: true }))
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)) {
  test(`the files of test/cases/pin/${name} become what they should be, to the byte, and then stay so`, async (t) => {
    const at = await folder(t);
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
  const at = await folder(t);
  for (const file of ['spelling/before/traps.yaml', 'spelling/before/windows.yml', 'kinds/before/json/stream.json']) {
    const { stdout } = await at.tagpin('--lock', join(CASES, 'lock.json'), join(CASES, file));
    assert.equal(stdout, await readFile(join(CASES, file.replace('before', 'after')), 'utf8'), file);
  }
});

test('images are asked once each, whatever their spelling and however many files name them', async (t) => {
  const { registry, at, host, pin } = await withRegistry(t);
  const app = registry.pushImage('acme/app', '1');
  const latest = registry.pushIndex('acme/app', 'latest', ['linux/amd64']);
  await at.write('k/a.yaml', podOf(`${host}/acme/app:1`, `${host}/acme/app`, `"${host}/acme/app:latest" # why`));
  await at.write('k/b.json', `{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"image":"${host}/acme/app:1"}]}}`);
  const { code, stdout, stderr } = await pin('k');
  assert.deepEqual([code, stderr], [0, '']);
  const first = podOf(`${host}/acme/app@${app}`, `${host}/acme/app@${latest}`, `"${host}/acme/app@${latest}" # why`);
  const second = `{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"image":"${host}/acme/app@${app}"}]}}`;
  assert.equal(stdout, `---\n${first}---\n${second}\n`);
  assert.deepEqual(
    registry.requests.map(({ method }) => method),
    ['HEAD', 'HEAD'],
  );
});

test('what cannot be resolved stays and is named, the rest is pinned, and the exit code is 1', async (t) => {
  const { registry, at, host, pin } = await withRegistry(t);
  const app = registry.pushImage('acme/app', '1');
  await at.write('a.yaml', podOf(`${host}/acme/app:1`, `${host}/acme/none:1`, 'bad image', '10.1.2.3/x:1'));
  const { code, stdout, stderr } = await pin('a.yaml', '--in-place');
  assert.equal(code, 1);
  assert.equal(
    await at.read('a.yaml'),
    podOf(`${host}/acme/app@${app}`, `${host}/acme/none:1`, 'bad image', '10.1.2.3/x:1'),
  );
  assert.equal(stdout, `a.yaml:8: ${host}/acme/app:1 -> ${host}/acme/app@${app}\n`);
  const lines = stderr.trimEnd().split('\n');
  assert.equal(lines.length, 3, stderr);
  assert.match(lines[0] ?? '', /^tagpin pin: a\.yaml:10: ".*\/acme\/none:1": NotFound: /);
  assert.match(lines[1] ?? '', /^tagpin pin: a\.yaml:12: "bad image": InvalidReference: /);
  assert.match(lines[2] ?? '', /^tagpin pin: a\.yaml:14: "10\.1\.2\.3\/x:1": NotAllowed: /);
});

test('JSON has a line for each image, in the order of files and lines', async (t) => {
  const { registry, at, host, pin } = await withRegistry(t);
  const app = registry.pushImage('acme/app', '1');
  const kept = `x@sha256:${'0'.repeat(64)}`;
  await at.write('a.yaml', podOf(`${host}/acme/app:1`, kept, `${host}/acme/none:1`));
  const { code, stdout, stderr } = await pin('-o', 'json', 'a.yaml');
  assert.deepEqual([code, stderr], [1, '']);
  const base = { file: 'a.yaml', kind: 'Pod', name: 'p' };
  const [first, second, third, end] = stdout.split('\n');
  assert.deepEqual(JSON.parse(first ?? ''), {
    ...base,
    line: 8,
    container: 'c0',
    image: `${host}/acme/app:1`,
    pinned: `${host}/acme/app@${app}`,
    state: 'pinned',
    error: null,
  });
  assert.deepEqual(JSON.parse(second ?? ''), {
    ...base,
    line: 10,
    container: 'c1',
    image: kept,
    pinned: kept,
    state: 'pinned',
    error: null,
  });
  const { error, ...rest } = JSON.parse(third ?? '');
  assert.deepEqual(rest, {
    ...base,
    line: 12,
    container: 'c2',
    image: `${host}/acme/none:1`,
    pinned: null,
    state: 'unresolved',
  });
  assert.equal(error.code, 'NotFound');
  assert.equal(end, '');
});

test('a check asks no registry and writes nothing, and a lock does not make a tag a digest', async (t) => {
  const { registry, at, host, pin } = await withRegistry(t);
  const digest = registry.pushImage('acme/app', '1');
  const lock = JSON.stringify({ v: 1, images: { [`${host}/acme/app:1`]: digest } });
  await at.write('lock', lock);
  await at.write('a.yaml', podOf(`${host}/acme/app:1`, `${host}/acme/app@${digest}`, `${host}/acme/app:2`));
  await at.write('pinned.yaml', podOf(`${host}/acme/app@${digest}`));
  const before = await contents(at.path);
  const { code, stdout, stderr } = await pin('--check', '--lock', 'lock', 'a.yaml', 'pinned.yaml');
  assert.deepEqual([code, stderr], [1, '']);
  assert.equal(
    stdout,
    `a.yaml:8: ${host}/acme/app:1 floats (Pod p c0)\na.yaml:12: ${host}/acme/app:2 floats (Pod p c2)\n`,
  );
  const json = (await pin('--check', '--lock', 'lock', '-o', 'json', 'a.yaml')).stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    json.map(({ state, pinned }) => [state, pinned]),
    [
      ['floating', `${host}/acme/app@${digest}`],
      ['pinned', `${host}/acme/app@${digest}`],
      ['floating', null],
    ],
  );
  assert.deepEqual(await pin('--check', 'pinned.yaml'), { code: 0, stdout: '', stderr: '' });
  assert.deepEqual(await contents(at.path), before);
  assert.equal(registry.requests.length, 0);
});

test('a lock wins over the registry, and learns what it lacks; refreshing asks again', async (t) => {
  const { registry, at, host, pin } = await withRegistry(t);
  const old = registry.pushImage('acme/app', '1');
  const web = registry.pushImage('acme/web', '2');
  await at.write('k/a.yaml', podOf(`${host}/acme/web:2`, `${host}/acme/app:1`));
  await at.write('k/lock.json', JSON.stringify({ v: 1, images: { [`${host}/acme/app:1`]: old } }));
  const moved = registry.pushImage('acme/app', '1');
  assert.notEqual(moved, old);

  const first = await pin('--lock', 'k/lock.json', 'k');
  assert.deepEqual(
    [first.code, first.stderr, first.stdout],
    [0, '', podOf(`${host}/acme/web@${web}`, `${host}/acme/app@${old}`)],
  );
  const lockText = (app: string) =>
    `{\n  "v": 1,\n  "images": {\n    "${host}/acme/app:1": "${app}",\n    "${host}/acme/web:2": "${web}"\n  }\n}\n`;
  assert.equal(await at.read('k/lock.json'), lockText(old));
  assert.deepEqual(
    registry.requests.map(({ path }) => path),
    ['/v2/acme/web/manifests/2'],
  );

  const locked = await stat(join(at.path, 'k/lock.json'), { bigint: true });
  assert.equal((await pin('--lock', 'k/lock.json', 'k')).code, 0);
  assert.deepEqual(await stat(join(at.path, 'k/lock.json'), { bigint: true }), locked, 'an unchanged lock was written');
  assert.equal(registry.requests.length, 1);

  const fresh = await pin('--refresh', '--lock', 'k/lock.json', 'k');
  assert.equal(fresh.stdout, podOf(`${host}/acme/web@${web}`, `${host}/acme/app@${moved}`));
  assert.equal(await at.read('k/lock.json'), lockText(moved));
});

test('tag and digest are kept until they are refreshed, and stay tag and digest', async (t) => {
  const { registry, at, host, pin } = await withRegistry(t);
  const old = registry.pushImage('acme/app', '1');
  const moved = registry.pushImage('acme/app', '1');
  const text = podOf(`${host}/acme/app:1@${old}`, `${host}/acme/app@${old}`);
  await at.write('a.yaml', text);
  assert.equal((await pin('a.yaml')).stdout, text);
  assert.equal(
    (await pin('--refresh', 'a.yaml')).stdout,
    podOf(`${host}/acme/app:1@${moved}`, `${host}/acme/app@${old}`),
  );
  await at.write('b.yaml', podOf(`${host}/acme/app:1`));
  assert.equal((await pin('--format', 'tag+digest', 'b.yaml')).stdout, podOf(`${host}/acme/app:1@${moved}`));
});

test('a bad lock stops everything before anything is asked or written', async (t) => {
  const { registry, at, host, pin } = await withRegistry(t);
  registry.pushImage('acme/app', '1');
  await at.write('a.yaml', podOf(`${host}/acme/app:1`));
  await at.write('lock', '{"v":1,"images":{"nginx":"sha256:abc"}}');
  const { code, stdout, stderr } = await pin('--in-place', '--lock', 'lock', 'a.yaml');
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(
    stderr,
    /^tagpin: pin: lock lock: "nginx" is to be written as "docker\.io\/library\/nginx:latest": .*\n$/,
  );
  assert.equal((await pin('--in-place', '--lock', 'missing/lock', 'a.yaml')).code, 3);
  assert.equal((await pin('--in-place', '--lock', '.', 'a.yaml')).code, 3);
  assert.equal(await at.read('a.yaml'), podOf(`${host}/acme/app:1`));
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

test('standard input is pinned to standard output', async (t) => {
  const { registry, at, host } = await withRegistry(t);
  const app = registry.pushImage('acme/app', '1');
  const result = await at.tagpinWith(podOf(`${host}/acme/app:1`), '--policy', 'policy', '-');
  assert.deepEqual(result, { code: 0, stdout: podOf(`${host}/acme/app@${app}`), stderr: '' });
  assert.deepEqual(await at.tagpinWith('', '-'), { code: 0, stdout: '', stderr: '' });
  const broken = await at.tagpinWith('a: [', '-');
  assert.deepEqual([broken.code, broken.stdout], [1, '']);
  assert.match(broken.stderr, /^tagpin pin: <stdin>:1:5: /);
  assert.equal((await at.tagpinWith(podOf('nginx'), '--check', '-')).stdout, '<stdin>:8: nginx floats (Pod p c0)\n');
  assert.match((await at.tagpinWith(podOf('nginx'), '--check', '-o', 'json', '-')).stdout, /^\{"file":"-","line":8,/);
});

test('a registry that hangs costs the timeout, and no more', async (t) => {
  const { registry, at, host, pin } = await withRegistry(t);
  registry.fault({ kind: 'hang', after: 'request' });
  await at.write('a.yaml', podOf(`${host}/acme/app:1`));
  const { code, stderr } = await pin('--timeout', '500ms', 'a.yaml');
  assert.equal(code, 1);
  assert.match(stderr, /: Timeout: /);
});

test('a thousand images of one registry are all answered', async (t) => {
  const { registry, at, host, pin } = await withRegistry(t);
  const images = Array.from({ length: 1000 }, (_, index) => `${host}/acme/app:${index}`);
  const digests = images.map((_, index) => registry.pushImage('acme/app', String(index)));
  await at.write('a.yaml', podOf(...images));
  const { code, stdout, stderr } = await pin('a.yaml');
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout, podOf(...digests.map((digest) => `${host}/acme/app@${digest}`)));
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
  const at = await folder(t);
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
