import assert from 'node:assert/strict';
import test from 'node:test';
import { NEW_IMAGE } from '../../../../src/core/sweep/state.ts';
import { planAsked, planUnasked, stateInPlace } from '../../../../src/core/sweep/workload/image-plan.ts';
import { digestOf } from '../../../support/planned-target.ts';
import { readTarget, type WantedPlan, workloadObject } from '../../../support/planned-workload.ts';

const [A, B] = [digestOf('a'), digestOf('b')];

function facts(wanted: WantedPlan = {}) {
  const [image] = readTarget(workloadObject(wanted)).images;
  assert.ok(image !== undefined);
  const known = {
    state: stateInPlace(image, NEW_IMAGE),
    rollout: { kind: 'settled' },
    isRollingOurs: false,
    isGoing: false,
    restartedAt: null,
    changedBy: null,
    lastAsked: null,
    others: 0,
    purpose: 'sweep',
    now: 0,
  } as const;
  return { image, known };
}

test('what is remembered of another image or action is not of this one', () => {
  const { image, known } = facts();
  const state = { ...known.state, written: { tag: 'main', digest: A }, told: 'x' };
  assert.equal(stateInPlace(image, state), state);
  const other = facts({ containers: { api: 'ghcr.io/acme/other:main' } }).image;
  const moved = stateInPlace(other, state);
  assert.deepEqual([moved.written, moved.told, moved.place], [null, 'x', 'refresh ghcr.io/acme/other']);
});

test('a registry is asked where nothing holds the image back', () => {
  const { image, known } = facts();
  assert.equal(planUnasked(image, known), null);
  assert.equal(planUnasked(image, { ...known, lastAsked: 0 }), null);
  const often = facts({ follow: [{ container: 'api', interval: '1h' }] });
  assert.equal(planUnasked(often.image, { ...often.known, lastAsked: 0 })?.reason, 'NotDue');
});

test('what was given up is told also between the looks at its registry', () => {
  const containers = { api: `ghcr.io/acme/api@${B}` };
  const annotations = {
    'tagpin.dev/pins': JSON.stringify({ 'containers/api': { digest: B, ref: 'ghcr.io/acme/api:main' }, v: 1 }),
  };
  const { image, known } = facts({ containers, annotations, follow: [{ container: 'api', interval: '1h' }] });
  const attempt = { tag: 'main', digest: B, at: 0, count: 3 };
  const state = { ...known.state, attempt, rollout: { progress: 0, failed: true } };
  const rollout = { kind: 'stuck', why: 'it does not get on' } as const;
  const plan = planUnasked(image, { ...known, state, rollout, lastAsked: 0 });
  assert.equal(plan?.reason, 'GaveUp');
  assert.match(plan?.message ?? '', /main@sha256:b{12} did not become healthy in 3 attempts: it does not get on/);
});

test('what does not verify is refused, and what was passed over is told', () => {
  const { image, known } = facts();
  const passedOver = [{ tag: 'main', digest: B, reason: 'no signature' }];
  const refused = planAsked(image, known, { kind: 'unverified', passedOver });
  assert.deepEqual([refused.outcome, refused.reason], ['refused', 'NotVerified']);
  assert.match(refused.message, /nothing that verifies is left: main@sha256:b{12} \(no signature\)/);
  const recorded = planAsked(image, known, {
    kind: 'chosen',
    value: { tag: 'main', digest: A },
    passedOver,
    warnings: ['w'],
  });
  assert.match(recorded.message, /passed over main@.*; w$/);
  assert.deepEqual(recorded.passedOver, passedOver);
});
