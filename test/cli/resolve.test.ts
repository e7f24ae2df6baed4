import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { runProcess } from '../support/process.ts';
import { type RegistryOptions, startRegistry } from '../support/registry.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
/** Starting from source is mostly compiling. */
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/tagpin');

/** A registry, and `tagpin resolve` with a policy that lets it be asked and a Docker configuration. */
async function setUp(t: TestContext, options: RegistryOptions = {}, dockerConfig: object = {}) {
  const registry = await startRegistry(options);
  t.after(() => registry.close());
  const folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-'));
  t.after(() => folder.remove());
  const { host } = registry;
  await writeFile(
    join(folder.path, 'policy'),
    `apiVersion: tagpin.dev/v1\nkind: TagPolicy\nregistries:\n  hosts:\n  - {host: "${host}", plainHttp: true}\n  - {host: "127.0.0.1:1", plainHttp: true}\n`,
  );
  const text = JSON.stringify(dockerConfig).replaceAll('HOST', host);
  await writeFile(join(folder.path, 'config.json'), text);
  const resolve = (...args: readonly string[]) =>
    runProcess(process.execPath, [MAIN, 'resolve', '--policy', 'policy', ...args], {
      directory: folder.path,
      environment: {
        PATH: process.env['PATH'],
        HOME: '/nonexistent',
        DOCKER_CONFIG: folder.path,
        NODE_COMPILE_CACHE: COMPILED,
      },
    });
  return { registry, host, resolve };
}

test('references become pinned references, a line each, in the order asked and in their own spelling', async (t) => {
  const { registry, host, resolve } = await setUp(t);
  const one = registry.pushImage('acme/app', '1');
  const latest = registry.pushIndex('acme/app', 'latest', ['linux/amd64']);
  const { code, stdout, stderr } = await resolve(`${host}/acme/app:1`, `${host}/acme/app`, `${host}/acme/app:7@${one}`);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout, `${host}/acme/app@${one}\n${host}/acme/app@${latest}\n${host}/acme/app@${one}\n`);
});

test('what cannot be resolved is named on stderr, the others are answered, and the exit code is 1', async (t) => {
  const { registry, host, resolve } = await setUp(t);
  const one = registry.pushImage('acme/app', '1');
  registry.fault({ kind: 'status', status: 403 }, { path: /forbidden/ });
  registry.fault({ kind: 'status', status: 429 }, { path: /limited/ });
  registry.fault({ kind: 'status', status: 503 }, { path: /down/ });
  registry.fault({ kind: 'hang', after: 'request' }, { path: /hang/ });
  const images = ['none:1', 'forbidden:1', 'limited:1', 'down:1', 'hang:1'].map((image) => `${host}/acme/${image}`);
  const { code, stdout, stderr } = await resolve(
    '--timeout',
    '2s',
    ...images,
    '127.0.0.1:1/x',
    '10.0.0.1/x',
    'Bad Image',
    `${host}/acme/app:1`,
  );
  assert.deepEqual([code, stdout], [1, `${host}/acme/app@${one}\n`]);
  const said = stderr
    .trimEnd()
    .split('\n')
    .map((line) => /^tagpin resolve: "[^"]+": (?<code>\w+): \S/.exec(line)?.groups?.['code'] ?? line);
  assert.deepEqual(said, [
    'NotFound',
    'Forbidden',
    'RateLimited',
    'Unreachable',
    'Timeout',
    'Unreachable',
    'NotAllowed',
    'InvalidReference',
  ]);
});

test('JSON tells how the image was read and what it means, or why not', async (t) => {
  const { registry, host, resolve } = await setUp(t);
  const digest = registry.pushIndex('acme/app', '1', ['linux/amd64']);
  const { code, stdout, stderr } = await resolve('-o', 'json', `${host}/acme/app:1`, `${host}/acme/none`, 'a:');
  assert.deepEqual([code, stderr], [1, '']);
  const [first, second, third] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const fields = {
    image: `${host}/acme/app:1`,
    registry: host,
    repository: 'acme/app',
    tag: '1',
    digest: null,
    canonical: `${host}/acme/app:1`,
  };
  assert.deepEqual(first, {
    ...fields,
    resolved: digest,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    pinned: `${host}/acme/app@${digest}`,
  });
  assert.deepEqual(
    [second.canonical, second.error.code, second.resolved],
    [`${host}/acme/none:latest`, 'NotFound', undefined],
  );
  assert.deepEqual([third.image, third.error.code], ['a:', 'InvalidReference']);
});

test("a platform's own manifest is looked up in the index", async (t) => {
  const { registry, host, resolve } = await setUp(t);
  const index = registry.pushIndex('acme/app', '1', ['linux/amd64', 'linux/arm64']);
  const arm = await resolve('--platform', 'linux/arm64', `${host}/acme/app:1`);
  assert.equal(arm.code, 0, arm.stderr);
  assert.match(arm.stdout, /@sha256:[0-9a-f]{64}\n$/);
  assert.ok(!arm.stdout.includes(index));
  const none = await resolve('--platform', 'windows/amd64', '-o', 'json', `${host}/acme/app:1`);
  assert.deepEqual([none.code, JSON.parse(none.stdout).error.code], [1, 'NoMatchingPlatform']);
});

test('credentials come from the Docker configuration, and appear nowhere', async (t) => {
  const options = { auth: 'token', passwords: { robot: 'canary-7' } } as const;
  const auth = Buffer.from('robot:canary-7').toString('base64');
  const { registry, host, resolve } = await setUp(t, options, { auths: { HOST: { auth } } });
  const digest = registry.pushImage('acme/app', '1');
  const { code, stdout, stderr } = await resolve(`${host}/acme/app:1`);
  assert.deepEqual([code, stdout, stderr], [0, `${host}/acme/app@${digest}\n`, '']);
  const { stderr: failure } = await resolve(`${host}/acme/none:1`);
  assert.doesNotMatch(failure, /canary|robot/);
  assert.ok(!failure.includes(auth));
});

test('a registry that wants credentials that nobody has says so', async (t) => {
  const { registry, host, resolve } = await setUp(t, { auth: 'basic' });
  registry.pushImage('acme/app', '1');
  const { code, stderr } = await resolve(`${host}/acme/app:1`);
  assert.equal(code, 1);
  assert.match(stderr, /: Unauthorized: /);
});

test('a text that begins with a dash is an image behind --, and an option before it', async (t) => {
  const { resolve } = await setUp(t);
  const after = await resolve('-o', 'json', '--', '-x', '--check');
  assert.equal(after.code, 1);
  assert.deepEqual(
    after.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).image),
    ['-x', '--check'],
  );
  const before = await resolve('-x');
  assert.deepEqual([before.code, before.stdout], [2, '']);
});

test('wrong use is told before anything is asked', async (t) => {
  const { registry, host, resolve } = await setUp(t);
  const image = `${host}/acme/app:1`;
  for (const args of [
    [],
    ['--platform', 'linux', image],
    ['--timeout', 'soon', image],
    ['--output', 'yaml', image],
    ['--frob', image],
  ]) {
    const { code, stdout, stderr } = await resolve(...args);
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /^tagpin: /);
  }
  assert.equal(registry.requests.length, 0);
});
