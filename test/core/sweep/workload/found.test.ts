import assert from 'node:assert/strict';
import test from 'node:test';
import { NEW_IMAGE } from '../../../../src/core/sweep/state.ts';
import {
  asWrittenOnce,
  explain,
  foundValue,
  isByHand,
  saysValue,
  stands,
} from '../../../../src/core/sweep/workload/found.ts';
import { restartMark } from '../../../../src/core/target/workload/place.ts';
import { digestOf } from '../../../support/planned-target.ts';
import { pinned, readTarget, type WantedPlan, workloadObject } from '../../../support/planned-workload.ts';

const [A, B] = [digestOf('a'), digestOf('b')];
const API = 'ghcr.io/acme/api:main';
const MAIN_A = { tag: 'main', digest: A };
const MAIN_B = { tag: 'main', digest: B };

function imageOf(wanted: WantedPlan = {}) {
  return readTarget(workloadObject(wanted)).images[0] ?? assert.fail();
}
const pin = {
  containers: { api: `ghcr.io/acme/api@${A}` },
  annotations: pinned({ api: [API, A] }) as Record<string, string>,
};
const byHand = { containers: { api: `ghcr.io/acme/api@${A}` } };
const setImage = { follow: [{ container: 'api', image: API, action: 'set-image' }] };

test('what shows a digest says that; what shows none says what was seen of it', () => {
  assert.deepEqual(
    [saysValue(imageOf(pin), NEW_IMAGE, MAIN_A), saysValue(imageOf(pin), NEW_IMAGE, MAIN_B)],
    [true, false],
  );
  const seen = { ...NEW_IMAGE, written: MAIN_A, observed: true as const };
  assert.deepEqual(
    [saysValue(imageOf(), seen, MAIN_A), saysValue(imageOf(), { ...seen, observed: null }, MAIN_A)],
    [true, false],
  );
  assert.deepEqual(foundValue(imageOf()), { tag: 'main', digest: null });
  assert.deepEqual(foundValue(imageOf(byHand)), { tag: null, digest: A });
});

test('a digest by hand is nobody’s but for set-image, where it may be ours or adopted', () => {
  assert.ok(isByHand(imageOf(byHand), { ...NEW_IMAGE, written: MAIN_A }));
  const image = imageOf({ ...byHand, ...setImage });
  assert.ok(isByHand(image, NEW_IMAGE));
  assert.equal(isByHand(image, { ...NEW_IMAGE, written: MAIN_A }), false);
  const annotations = { 'tagpin.dev/adopt-from': 'last', last: A };
  assert.equal(isByHand(imageOf({ ...byHand, ...setImage, annotations }), NEW_IMAGE), false);
});

test('an attempt stands where its digest does; a restart by its mark, or since that is on record', () => {
  const attempt = { ...MAIN_A, at: 5, count: 1 };
  const of = (state: object, restartedAt: string | null = null) => ({
    state: { ...NEW_IMAGE, ...state },
    restartedAt,
    changedBy: null,
  });
  assert.deepEqual(
    [stands(imageOf(pin), of({ attempt })), stands(imageOf(), of({ attempt })), stands(imageOf(pin), of({}))],
    [true, false, false],
  );
  const containers = { api: { image: API, imagePullPolicy: 'Always' } };
  const restart = imageOf({ containers, follow: [{ container: 'api', action: 'restart' }] });
  assert.equal(stands(restart, of({ attempt })), false);
  assert.equal(stands(restart, of({ attempt }, restartMark(5))), true);
  assert.equal(stands(restart, of({ attempt, rollout: { progress: 0, failed: false } })), true);
});

test('what stood there and is gone was written, though nobody knows that it became healthy', () => {
  const state = { ...NEW_IMAGE, attempt: { ...MAIN_B, at: 0, count: 1 }, rollout: { progress: 0, failed: true } };
  assert.deepEqual(asWrittenOnce(state).written, MAIN_B);
  assert.deepEqual(asWrittenOnce({ ...state, rollout: null }), {});
  const facts = { state: { ...state, before: [MAIN_A] }, restartedAt: null, changedBy: 'kubectl' };
  const drift = explain(imageOf(pin), facts, MAIN_B);
  assert.equal(drift.kind === 'contested' ? drift.by : drift.kind, 'kubectl');
  assert.equal(explain(imageOf(pin), facts, { tag: 'main', digest: digestOf('c') }).kind, 'moved');
});
