import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { contents, podOf, withRegistry } from '../support/pin-folder.ts';

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
