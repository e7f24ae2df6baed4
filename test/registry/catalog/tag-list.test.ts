import assert from 'node:assert/strict';
import test from 'node:test';
import { readNextPage, readTagPage } from '../../../src/registry/catalog/tag-list.ts';
import { startResolver } from '../../support/resolver.ts';

test('a page of tags is read, what is no tag is left out', () => {
  const page = (value: unknown) => readTagPage(Buffer.from(JSON.stringify(value)));
  assert.deepEqual(page({ name: 'a', tags: ['1.0', 'v1', '_x'] }), ['1.0', 'v1', '_x']);
  assert.deepEqual(page({ name: 'a', tags: ['../x', '', 'a b', 'a\n', 7, null, 'x'.repeat(129), 'ok'] }), ['ok']);
  assert.deepEqual(page({ name: 'a', tags: null }), []);
  for (const wrong of [{ name: 'a' }, [], null, 'x', { tags: 'a' }])
    assert.equal(page(wrong), null, JSON.stringify(wrong));
  assert.equal(readTagPage(Buffer.from('<html>')), null);
});

const CURRENT = new URL('https://registry.example/v2/acme/app/tags/list?n=2');
const LINKS: readonly (readonly [string, ReturnType<typeof readNextPage>])[] = [
  ['</v2/acme/app/tags/list?n=2&last=b>; rel="next"', { kind: 'query', query: 'n=2&last=b' }],
  ['<https://registry.example/v2/acme/app/tags/list?last=b>; rel=next', { kind: 'query', query: 'last=b' }],
  ['<?last=b>;rel="next"', { kind: 'query', query: 'last=b' }],
  ['</x>; rel="prev", </v2/acme/app/tags/list?last=c>; rel="next"', { kind: 'query', query: 'last=c' }],
  ['</v2/acme/app/tags/list?last=b>; title="a, b"; rel="last next"', { kind: 'query', query: 'last=b' }],
  ['</v2/acme/app/tags/list?last=b>; rel="nextish"', { kind: 'none' }],
  ['</v2/acme/app/tags/list?last=b>', { kind: 'none' }],
  ['', { kind: 'none' }],
  ['<https://evil.example/v2/acme/app/tags/list?last=b>; rel="next"', { kind: 'elsewhere' }],
  ['<http://registry.example/v2/acme/app/tags/list?last=b>; rel="next"', { kind: 'elsewhere' }],
  ['<https://registry.example:444/v2/acme/app/tags/list?last=b>; rel="next"', { kind: 'elsewhere' }],
  ['</v2/other/app/tags/list?last=b>; rel="next"', { kind: 'elsewhere' }],
  ['</v2/acme/app/tags/../../secret/tags/list>; rel="next"', { kind: 'elsewhere' }],
];

for (const [header, expected] of LINKS) {
  test(`Link: ${header} leads to ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(readNextPage([header], CURRENT), expected);
  });
}

test('a list in pages is read to its end', async (t) => {
  const { registry, list } = await startResolver(t);
  for (let at = 0; at < 250; at += 1) registry.pushImage('app', `1.${at}`, { label: 'same' });
  registry.fault({ kind: 'status', status: 405 }, { path: /n=1000/ });
  const listed = await list('app');
  assert.equal(listed.kind === 'listed' && listed.tags.length, 250);
  // 405 to the page of 1000, then three of the registry's own size.
  assert.equal(registry.requests.length, 4);
});

test('a list that goes on elsewhere, or in a circle, is refused', async (t) => {
  const { registry, list } = await startResolver(t);
  registry.pushImage('app', '1');
  const stop = registry.fault({
    kind: 'header',
    name: 'link',
    value: '<https://evil.example/v2/app/tags/list>; rel="next"',
  });
  const elsewhere = await list('app');
  assert.equal(elsewhere.kind === 'failed' && elsewhere.code, 'NotAllowed');
  stop();
  registry.fault({ kind: 'header', name: 'link', value: '</v2/app/tags/list?last=1>; rel="next"' });
  const circle = await list('app');
  assert.equal(circle.kind === 'failed' && circle.code, 'InvalidResponse');
  assert.match(circle.kind === 'failed' ? circle.message : '', /in a circle/);
});

test('a repository that is not there, and one that is private, fail as questions for digests do', async (t) => {
  const { list } = await startResolver(t);
  const missing = await list('nowhere');
  assert.equal(missing.kind === 'failed' && missing.code, 'NotFound');
  const closed = await startResolver(t, { auth: 'token' });
  closed.registry.pushImage('app', '1');
  const anonymous = await closed.list('app');
  assert.equal(anonymous.kind === 'failed' && anonymous.code, 'Unauthorized');
});
