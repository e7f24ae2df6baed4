import assert from 'node:assert/strict';
import test from 'node:test';
import { podOf, withRegistry } from '../support/pin-folder.ts';

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
