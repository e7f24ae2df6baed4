import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLoans } from '../../src/platform/loans.ts';

const MOST = 3;

function loans() {
  const open = new Set<string>();
  const kept = createLoans<string>(MOST, async (name) => {
    open.delete(name);
  });
  const use = async <R>(name: string, run: () => Promise<R>): Promise<R> =>
    await kept.use(
      name,
      () => {
        assert.ok(!open.has(name), 'it is made once');
        open.add(name);
        return name;
      },
      run,
    );
  return { kept, open, use };
}

test('what somebody uses is not closed, however many others are used meanwhile, and then it is', async () => {
  const { open, use } = loans();
  const { promise, resolve } = Promise.withResolvers<void>();
  const slow = [use('slow', () => promise), use('slow', () => promise)];
  for (let index = 0; index < 100; index += 1) {
    await use(`quick-${index}`, async () => assert.ok(open.has(`quick-${index}`)));
    assert.ok(open.size <= MOST + 1);
  }
  assert.ok(open.has('slow'));
  resolve();
  await Promise.all(slow);
  assert.ok(!open.has('slow'));
  assert.equal(open.size, MOST);
});

test('what is used again and again is kept, and what fails is given back', async () => {
  const { kept, open, use } = loans();
  for (let index = 0; index < 10; index += 1) {
    await use('kept', async () => {});
    await assert.rejects(
      use(`bad-${index}`, async () => Promise.reject(new Error('no'))),
      /no/,
    );
  }
  assert.ok(open.has('kept'));
  assert.equal(open.size, MOST);
  await kept.close();
  assert.equal(open.size, 0);
});
