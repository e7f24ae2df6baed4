import assert from 'node:assert/strict';
import test from 'node:test';
import { hintKey, hintsOf, pushedReference, refused } from '../../../src/core/receivers/hint.ts';

function keysOf(
  registry: unknown,
  repository: unknown,
  tag: unknown,
  registries: readonly string[] = [],
): readonly string[] {
  const read = hintsOf([{ registry, repository, tag }], registries);
  return read.kind === 'hints' ? read.hints.map(hintKey) : [];
}

test('a hint is in canonical form', () => {
  assert.deepEqual(keysOf('Index.Docker.io', 'nginx', '1'), ['docker.io/library/nginx:1']);
  assert.deepEqual(keysOf('https://Registry.Example.com:443/', '/acme/shop/', '1'), [
    'registry.example.com/acme/shop:1',
  ]);
  assert.deepEqual(keysOf('localhost:5000', 'shop', 'x'), ['localhost:5000/shop:x']);
  assert.deepEqual(keysOf('[::1]:5000', 'shop', 'x'), ['[::1]:5000/shop:x']);
});

test('what is no tag stands for any tag', () => {
  for (const tag of [
    null,
    undefined,
    '',
    7,
    {},
    `sha256:${'0'.repeat(64)}`,
    'a b',
    '../x',
    'x\n',
    '-x',
    'x'.repeat(129),
  ]) {
    assert.deepEqual(keysOf('ghcr.io', 'acme/shop', tag), ['ghcr.io/acme/shop:'], JSON.stringify(tag));
  }
});

test('what is no host or no repository gives no hint', () => {
  for (const host of [
    null,
    '',
    'acme',
    'a b.example',
    'user@evil.example',
    'ghcr.io/acme',
    '..',
    'ghcr.io:99999',
    'https://',
  ]) {
    assert.deepEqual(keysOf(host, 'shop', '1'), [], String(host));
  }
  for (const path of [null, '', '/', '..', 'a/../b', 'a//b', 'A', 'a:b', 'a@sha256:x', 'a\nb', 'x'.repeat(300), {}]) {
    assert.deepEqual(keysOf('ghcr.io', path, '1'), [], JSON.stringify(path));
  }
});

test('configured hosts go before what a payload says', () => {
  assert.deepEqual(keysOf('evil.example', 'acme/shop', '1', ['a.example', 'b.example:5000']), [
    'a.example/acme/shop:1',
    'b.example:5000/acme/shop:1',
  ]);
});

test('a hint is there once, and of one request no more than a hundred are', () => {
  const image = { registry: 'ghcr.io', repository: 'acme/shop', tag: '1' };
  const same = hintsOf([image, image]);
  assert.ok(same.kind === 'hints' && same.hints.length === 1);
  const many = hintsOf(Array.from({ length: 5000 }, (_, index) => ({ ...image, tag: `v${index}` })));
  assert.ok(many.kind === 'hints' && many.hints.length === 100);
});

test('a whole reference is read without its digest', () => {
  assert.deepEqual(pushedReference(`ghcr.io/acme/shop:1@sha256:${'0'.repeat(64)}`), {
    registry: 'ghcr.io',
    repository: 'acme/shop',
    tag: '1',
  });
  for (const text of [null, 7, '', 'A B']) assert.equal(pushedReference(text), null);
});

test('a refusal is its sentence', () =>
  assert.deepEqual(refused('it is empty'), { kind: 'refused', problem: 'it is empty' }));

test('texts of a whole request do not keep anybody waiting', () => {
  const started = performance.now();
  for (const text of [
    `${'/'.repeat(1_000_000)}x`,
    'a-'.repeat(500_000),
    `${'a.'.repeat(500_000)}/`,
    ' '.repeat(1_000_000),
  ]) {
    assert.deepEqual(keysOf('ghcr.io', text, text), []);
    assert.deepEqual(keysOf(text, 'shop', text), []);
    assert.equal(pushedReference(text), null);
  }
  assert.ok(performance.now() - started < 1000);
});
