/** What `npm run build` makes, where nothing else of the checkout is. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtempDisposable, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { after } from 'node:test';
import { type FinishedProcess, runProcess } from '../support/process.ts';

const root = join(import.meta.dirname, '../..');
const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin';

const scratch = await mkdtempDisposable(join(tmpdir(), 'tagpin-build-'));
after(() => scratch.remove());
const dist = join(scratch.path, 'package/dist');

function build(folder: string): Promise<FinishedProcess> {
  return runProcess(process.execPath, [join(root, '.ci/build.ts'), folder]);
}

const first = await build(dist);
assert.equal(first.code, 0, first.stderr);

async function tree(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = files
    .toSorted()
    .map(async (file) => [file.slice(folder.length), await readFile(file, 'utf8')] as const);
  return Object.fromEntries(await Promise.all(texts));
}

test('the build says what it made, and nothing on stderr', () => {
  assert.match(first.stdout, /\/dist: \d+ files, \d+\.\d MiB\n$/);
  assert.equal(first.stderr, '');
});

test('the same sources give the same bytes, wherever they go, and nothing old is left', async () => {
  const other = join(scratch.path, 'other');
  await mkdir(other);
  await writeFile(join(other, 'old.js'), '');
  assert.equal((await build(other)).code, 0);
  assert.deepEqual(await tree(other), await tree(dist));
});

test('the bundle runs in an empty folder, without node_modules and without an environment', async () => {
  const copy = join(scratch.path, 'copy');
  await cp(dist, copy, { recursive: true });
  const empty = join(scratch.path, 'empty');
  await mkdir(empty);
  const options = { directory: empty, environment: {} };
  const parse = await runProcess(process.execPath, [join(copy, 'main.js'), 'parse', '-o', 'json', 'nginx'], options);
  assert.deepEqual([parse.code, parse.stderr], [0, '']);
  assert.equal(JSON.parse(parse.stdout).canonical, 'docker.io/library/nginx:latest');
  // node-forge is CommonJS and asks for Node's crypto by require().
  const certificates = await runProcess(process.execPath, [join(copy, 'main.js'), 'certificates'], options);
  assert.deepEqual([certificates.code, certificates.stderr], [0, '']);
  assert.equal((await runProcess(process.execPath, [join(copy, 'main.js'), 'nonsense'], options)).code, 2);
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const told = await runProcess(process.execPath, [join(copy, 'main.js'), 'version'], options);
  assert.deepEqual(told, { code: 0, stdout: `${version}\n`, stderr: '' });
});

test('nothing of the bundle is loaded from a package but what Node has', async () => {
  for (const [file, text] of Object.entries(await tree(dist))) {
    if (!file.endsWith('.js')) continue;
    for (const [, specifier = ''] of text.matchAll(/^(?:import|export)\b[^'"\n]*\bfrom ?["']([^"']+)["'];?$/gm)) {
      assert.ok(isBuiltin(specifier) || /^\.\.?\//.test(specifier), `${file} imports ${specifier}`);
    }
  }
});

test('the licences of bundled packages come along', async () => {
  const text = await readFile(join(dist, 'third-party-licenses.txt'), 'utf8');
  for (const name of ['commander', 'node-forge', 'yaml', 'zod']) {
    assert.match(text, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(.+\\)$`, 'm'));
  }
  assert.match(text, /Permission is hereby granted, free of charge/);
});

test('npm install -g gives tagpin and kubectl-tagpin', async () => {
  const folder = dirname(dist);
  const prefix = join(scratch.path, 'prefix');
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  const newest = `${dirname(process.execPath)}:${SYSTEM_PATH}`;
  const environment = { PATH: newest, HOME: scratch.path };
  const args = ['install', '--global', '--prefix', prefix, '--offline', folder];
  const installed = await runProcess('npm', args, { environment });
  assert.equal(installed.code, 0, installed.stderr);
  assert.deepEqual((await readdir(join(prefix, 'bin'))).toSorted(), ['kubectl-tagpin', 'tagpin']);
  for (const name of ['tagpin', 'kubectl-tagpin']) {
    const { code, stdout, stderr } = await runProcess(join(prefix, 'bin', name), ['parse', 'nginx'], {
      directory: scratch.path,
      environment,
    });
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^nginx {2}docker\.io/m);
  }
});

const systemNode = '/usr/bin/node';
const isOld = existsSync(systemNode) && /^v(?:1\d|2[0-3])\./.test((await runProcess(systemNode, ['-v'])).stdout);

test('on an older Node the one that npm ci brought is used', {
  skip: isOld ? false : 'no older Node here',
}, async () => {
  const folder = join(scratch.path, 'checkout');
  await cp(dist, join(folder, 'dist'), { recursive: true });
  const environment = { PATH: SYSTEM_PATH };
  const run = (...args: readonly string[]) =>
    runProcess(systemNode, [join(folder, 'dist/main.js'), ...args], { environment, directory: scratch.path });

  const alone = await run('parse', 'nginx');
  assert.deepEqual([alone.code, alone.stdout], [3, '']);
  assert.match(alone.stderr, /^tagpin: needs Node 24 or newer, this is v\d+\.\d+\.\d+: .*\n$/);

  await mkdir(join(folder, 'node_modules/.bin'), { recursive: true });
  await symlink(process.execPath, join(folder, 'node_modules/.bin/node'));
  assert.deepEqual(await run('parse', '--', 'a b'), {
    code: 1,
    stdout: '',
    stderr: (await runProcess(process.execPath, [join(root, 'src/main.ts'), 'parse', '--', 'a b'])).stderr,
  });
});
