import assert from 'node:assert/strict';
import test from 'node:test';
import { NEW_IMAGE } from '../../../../src/core/sweep/state.ts';
import { begin } from '../../../../src/core/sweep/workload/baseline.ts';
import { digestOf } from '../../../support/planned-target.ts';
import { pinned, readTarget, type WantedPlan, workloadObject } from '../../../support/planned-workload.ts';

const [A, B] = [digestOf('a'), digestOf('b')];
const API = 'ghcr.io/acme/api:main';
const variable = (value: string) => ({
  containers: { api: { image: API, env: [{ name: 'D', value }] } },
  follow: [{ container: 'api', image: API, action: 'set-env', env: 'D' }],
});
const adopt = (value: string) => ({ 'tagpin.dev/adopt-from': 'last', last: value });

/** Where the first image begins: a reason, or what is taken for written; `nothing` where that is the write's business. */
function beginning(wanted: WantedPlan, state = NEW_IMAGE): string {
  const [image] = readTarget(workloadObject(wanted)).images;
  assert.ok(image !== undefined);
  const rollout = { kind: 'settled' } as const;
  const clock = { restartedAt: null, changedBy: null, lastAsked: null, others: 0, purpose: 'sweep', now: 0 } as const;
  const begun = begin(
    image,
    { state, rollout, isRollingOurs: false, isGoing: false, ...clock },
    { tag: 'main', digest: B },
  );
  if ('reason' in begun) return `${begun.reason} ${begun.now.written?.digest?.slice(-1) ?? ''}`.trim();
  return begun.state.written?.digest?.slice(-1) ?? 'nothing';
}

// [what it is, the workload, where it begins]
const rows: readonly (readonly [string, WantedPlan, string])[] = [
  ['a tag begins with what it means', {}, 'Recorded b'],
  [
    'a pin begins with itself',
    { containers: { api: `ghcr.io/acme/api@${A}` }, annotations: pinned({ api: [API, A] }) as Record<string, string> },
    'nothing',
  ],
  ['a variable begins with what it says', variable(A), 'Recorded a'],
  ['an empty one with nothing', variable(''), 'nothing'],
  ['one that is no digest is refused', variable('x'), 'InvalidSettings'],
  ['an adopted digest is where it begins', { annotations: adopt(A) }, 'a'],
  ['also for a variable', { ...variable(B), annotations: adopt(A) }, 'a'],
  ['one that can’t be read is refused', { annotations: adopt('x') }, 'InvalidSettings'],
];
for (const [name, wanted, expected] of rows) test(name, () => assert.equal(beginning(wanted), expected));

test('what is remembered is where it begins, also an attempt whose end nobody saw', () => {
  const written = { tag: 'main', digest: A };
  assert.equal(beginning({}, { ...NEW_IMAGE, written, observed: true }), 'a');
  assert.equal(beginning({}, { ...NEW_IMAGE, attempt: { ...written, at: 0, count: 1 } }), 'nothing');
  assert.equal(beginning({}, { ...NEW_IMAGE, written: { tag: 'old', digest: A }, observed: true }), 'Recorded b');
});
