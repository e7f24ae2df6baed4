import assert from 'node:assert/strict';
import test from 'node:test';
import { createCache } from '../../src/platform/cache.ts';

interface Value {
  readonly name: string;
}

function setUp(maximumEntries = 10) {
  let time = 1; // lru-cache takes 0 for no time at all.
  const cache = createCache<Value>({ maximumEntries, lifeMilliseconds: 1000, now: () => time });
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<Value>>();
  /** A load that ends when the test says so. */
  const load = (name: string) => async (): Promise<Value> => {
    begun.push(name);
    const end = Promise.withResolvers<Value>();
    ends.set(name, end);
    return await end.promise;
  };
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.resolve({ name });
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  const pass = (milliseconds: number): void => {
    time += milliseconds;
  };
  return { cache, begun, ends, load, end, pass };
}

test('a value is remembered for its life', () => {
  const { cache, pass } = setUp();
  cache.set('a', { name: 'one' });
  pass(999);
  assert.equal(cache.get('a')?.name, 'one');
  pass(2);
  assert.equal(cache.get('a'), undefined);
});

test('the value used longest ago makes room', () => {
  const { cache } = setUp(2);
  cache.set('a', { name: 'a' });
  cache.set('b', { name: 'b' });
  cache.get('a');
  cache.set('c', { name: 'c' });
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => cache.get(key)?.name),
    ['a', undefined, 'c'],
  );
});

test('a thousand who ask at once share one load', async () => {
  const { cache, begun, load, end } = setUp();
  const asked = Array.from({ length: 1000 }, () => cache.share('a', Number.NEGATIVE_INFINITY, load('x')));
  await end('x');
  assert.deepEqual(begun, ['x']);
  assert.deepEqual(new Set(await Promise.all(asked.map(({ result }) => result))), new Set([{ name: 'x' }]));
  assert.equal(asked.filter(({ joined }) => joined).length, 999);
});

test('who asks for news does not get a load that began before, and shares the next one with others', async () => {
  const { cache, begun, load, end, pass } = setUp();
  const old = cache.share('a', 0, load('old'));
  pass(10);
  const first = cache.share('a', 11, load('new'));
  const second = cache.share('a', 11, load('never'));
  assert.deepEqual(begun, ['old'], 'the next load waits for the one before');
  pass(10);
  await end('old');
  assert.deepEqual(begun, ['old', 'new']);
  const third = cache.share('a', 16, load('never'));
  await end('new');
  assert.equal((await old.result).name, 'old');
  assert.deepEqual(
    (await Promise.all([first, second, third].map(({ result }) => result))).map(({ name }) => name),
    ['new', 'new', 'new'],
  );
  assert.equal(cache.loading, 0);
});

test('the next load begins also where the one before failed, and failures are not remembered', async () => {
  const { cache, ends, load, end, pass } = setUp();
  const old = cache.share('a', 0, load('old'));
  pass(1);
  const next = cache.share('a', 2, load('new'));
  ends.get('old')?.reject(new Error('broken'));
  await assert.rejects(old.result, /broken/);
  await end('none');
  await end('new');
  assert.equal((await next.result).name, 'new');
  assert.equal(cache.share('a', 0, load('again')).joined, false);
});

test('keys do not wait for each other', async () => {
  const { cache, load, end } = setUp();
  void cache.share('a', 0, load('a'));
  const other = cache.share('b', 0, load('b'));
  await end('b');
  assert.equal((await other.result).name, 'b');
  assert.equal(cache.loading, 1);
});
