import assert from 'node:assert/strict';
import test from 'node:test';
import type { RegistryHint } from '../../src/core/receivers/hint.ts';
import { createLoop } from '../../src/sweeper/loop.ts';

const HINT: RegistryHint = { registry: 'ghcr.io', repository: 'acme/shop', tag: 'main', covers: 'repository' };
const HOUR = 3_600_000;

test('a hint begins a cycle at once; heard during one, after it; and none is lost by a cycle that failed', async () => {
  const ending = new AbortController();
  const seen: number[] = [];
  let running = 0;
  const loop = createLoop({
    async cycle(hints) {
      running += 1;
      assert.equal(running, 1, 'one at a time');
      seen.push(hints.length);
      // Heard while it runs.
      if (seen.length === 1) loop.hint(HINT);
      await new Promise((done) => setTimeout(done, 5));
      running -= 1;
      if (seen.length === 2) {
        loop.hint(HINT);
        throw new Error('the API server is away');
      }
      if (seen.length === 3) ending.abort();
      return HOUR;
    },
    failed: (error) => assert.match(String(error), /away/),
  });
  await loop.run(ending.signal);
  assert.deepEqual(seen, [0, 1, 2]);
});

test('what is heard while another leads is for the first cycle, and the end interrupts the wait', async () => {
  const ending = new AbortController();
  const loop = createLoop({
    async cycle(hints) {
      assert.deepEqual(hints, [HINT]);
      setTimeout(() => ending.abort(), 5);
      return HOUR;
    },
    failed: (error) => assert.fail(String(error)),
  });
  loop.hint(HINT);
  await loop.run(ending.signal);
  // Who leads no more does nothing.
  await loop.run(ending.signal);
});
