import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type ProcessOptions, runProcess } from '../support/process.ts';
import { type RegistryOptions, startRegistry } from '../support/registry.ts';
import { policyFor } from '../support/webhook-process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** A registry, and `tagpin select` with a policy that lets it be asked and a login for it. */
async function setUp(t: TestContext, options: RegistryOptions = {}) {
  const registry = await startRegistry(options);
  t.after(() => registry.close());
  const folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-'));
  t.after(() => folder.remove());
  await writeFile(join(folder.path, 'policy.yaml'), policyFor(registry.host));
  const auth = Buffer.from('robot:secret').toString('base64');
  await writeFile(join(folder.path, 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
  const select = (args: readonly string[], more: ProcessOptions = {}) =>
    runProcess(process.execPath, [MAIN, 'select', '--policy', 'policy.yaml', ...args], {
      directory: folder.path,
      environment: { PATH: process.env['PATH'], HOME: '/nonexistent', DOCKER_CONFIG: folder.path },
      ...more,
    });
  return { registry, select };
}

test('the newest version of a range is chosen, and every other tag has its reason', async (t) => {
  const { registry, select } = await setUp(t, { auth: 'token' });
  for (const tag of ['1.2.3', '1.2.4', '1.3.0', '1.2.5-rc.1', 'main']) registry.pushImage('acme/app', tag);
  const image = `${registry.host}/acme/app:~1.2`;
  const { code, stdout, stderr } = await select([image]);
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/)),
    [
      ['TAG', 'STATE', 'KEY OR REASON'],
      ['1.2.4', 'selected', '1.2.4'],
      ['1.2.3', 'accepted', '1.2.3'],
      ['1.2.5-rc.1', 'refused', 'Prerelease'],
      ['1.3.0', 'refused', 'OutOfRange'],
      ['main', 'refused', 'NotAVersion'],
    ],
  );
  const json = await select(['-o', 'json', '--constraint', '9.x', image]);
  assert.equal(json.code, 1);
  const { selected, candidates } = JSON.parse(json.stdout);
  assert.equal(selected, null);
  assert.deepEqual(candidates[0], { tag: '1.2.3', accepted: false, reason: 'OutOfRange' });
});

test('tags can come from a file or from standard input, and then no registry is asked', async (t) => {
  const { registry, select } = await setUp(t);
  const { code, stdout } = await select(
    ['-o', 'json', '--allow-tags', 'regexp:^app-(.+)$', '--extract', '$1', '--tags', '-', 'ghcr.io/acme/app:1.x'],
    { input: 'app-1.9.0\r\napp-1.10.0\n\nweb-1.11.0\n' },
  );
  assert.equal(code, 0);
  const { selected, candidates } = JSON.parse(stdout);
  assert.equal(selected, 'app-1.10.0');
  assert.deepEqual(candidates[0], { tag: 'app-1.10.0', accepted: true, key: '1.10.0' });
  assert.equal(registry.requests.length, 0);
});

test('newest-build looks into the images, and into those that no filter takes out alone', async (t) => {
  const { registry, select } = await setUp(t);
  for (const [tag, created] of [
    ['a', '2026-11-20T00:00:00Z'],
    ['b', '2026-11-21T00:00:00Z'],
    ['c', '2026-11-19T00:00:00Z'],
    ['old', '2027-01-01T00:00:00Z'],
  ] as const) {
    registry.pushImage('app', tag, { created });
  }
  const args = ['--strategy', 'newest-build', '--ignore-tags', 'old', '-o', 'json', `${registry.host}/app`];
  const { stdout } = await select(args);
  assert.equal(JSON.parse(stdout).selected, 'b');
  assert.ok(!registry.requests.some(({ path }) => path.includes('manifests/old')));
});

test('of versions the best is chosen that runs on the platform', async (t) => {
  const { registry, select } = await setUp(t);
  registry.pushImage('app', '1.0.0', { platform: 'linux/arm64' });
  registry.pushIndex('app', '1.1.0', ['linux/amd64', 'linux/arm64']);
  registry.pushImage('app', '1.2.0', { platform: 'linux/amd64' });
  const { stdout } = await select(['--platform', 'linux/arm64', '-o', 'json', `${registry.host}/app`]);
  const { selected, candidates } = JSON.parse(stdout);
  assert.equal(selected, '1.1.0');
  assert.deepEqual(candidates.at(-1), { tag: '1.2.0', accepted: false, reason: 'NoMatchingPlatform' });
});

test('what can not be read is wrong use, and says where', async (t) => {
  const { select } = await setUp(t);
  for (const [args, problem] of [
    [['app:>>1'], /^tagpin: select: constraint: .+ is not a version range/],
    [['--strategy', 'newest', 'app'], /update-strategy: "newest" is none of/],
    [['--allow-tags', 'regex:a', 'app'], /allow-tags: /],
    [['--extract', '$1', 'app'], /extract: /],
    [['UPPER/app/', '--tags', '-'], /"UPPER\/app\/"/],
    [['--platform', 'x', 'app'], /a platform is OS\/ARCH/],
    [['--strategy', 'newest-build', '--tags', '-', 'app'], /need the images themselves/],
  ] as const) {
    const { code, stderr } = await select(args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, problem);
  }
  const missing = await select(['--tags', 'nowhere', 'app']);
  assert.deepEqual([missing.code, /there is no such file/.test(missing.stderr)], [3, true]);
});

test('a registry that does not list its tags is a no, with its reason', async (t) => {
  const { registry, select } = await setUp(t);
  const { code, stderr } = await select([`${registry.host}/nowhere`]);
  assert.equal(code, 1);
  assert.match(stderr, /NotFound: /);
});
