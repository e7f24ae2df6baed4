import assert from 'node:assert/strict';
import test from 'node:test';
import type { PlanContext } from '../../../src/core/admission/context.ts';
import { nextRefreshed } from '../../../src/core/admission/refreshed.ts';
import { NO_PINS } from '../../../src/core/workload/pins.ts';
import { readStored } from '../../../src/core/workload/stored.ts';

function next(honoured: string | null, stored: readonly string[], submitted: readonly string[]): readonly string[] {
  const context = {
    stored: { ...readStored('Pod', null, NO_PINS), refreshed: stored },
    submitted: { ...NO_PINS, refreshed: submitted },
  };
  return nextRefreshed(honoured, context as unknown as PlanContext);
}

// [honoured, stored, submitted, next]
const cases: readonly (readonly [string | null, string[], string[], string[]])[] = [
  [null, [], [], []],
  ['a', [], [], ['a']],
  ['c', ['b', 'a'], ['b', 'a'], ['c', 'b', 'a']],
  [null, ['b', 'a'], ['b', 'a'], ['b', 'a']],
  // rollout undo brings an older list along
  [null, ['b'], ['a'], ['b', 'a']],
  // a reinvocation brings the list of the round before, the stored one cut at five
  [null, ['b', 'a'], ['c', 'b', 'a'], ['c', 'b', 'a']],
  [null, ['e', 'd', 'c', 'b', 'a'], ['f', 'e', 'd', 'c', 'b'], ['f', 'e', 'd', 'c', 'b']],
  [null, ['b'], ['c', 'b', 'a'], ['c', 'b', 'a']],
  ['f', ['e', 'd', 'c', 'b', 'a'], [], ['f', 'e', 'd', 'c', 'b']],
];

for (const [honoured, stored, submitted, expected] of cases) {
  test(`${honoured ?? 'nothing'} honoured, ${stored.join() || 'none'} stored, ${submitted.join() || 'none'} submitted`, () => {
    assert.deepEqual(next(honoured, stored, submitted), expected);
  });
}
