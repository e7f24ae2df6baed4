import assert from 'node:assert/strict';
import test from 'node:test';
import { heldPlan, holdImage, planImage } from '../../../src/core/sweep/image-plan.ts';
import { NEW_IMAGE } from '../../../src/core/sweep/state.ts';
import { application, own, read } from '../../support/application.ts';
import { digestOf, FOLLOWS_MAIN, PlannedTarget } from '../../support/planned-target.ts';

const [A, B] = [digestOf('a'), digestOf('b')];
const HOUR = 3_600_000;

function summary({ outcome, reason }: { readonly outcome: string; readonly reason: string }): string {
  return `${outcome} ${reason}`;
}

/** A target that follows the newest version. */
function versions(settings: Readonly<Record<string, string>> = {}): PlannedTarget {
  const target = new PlannedTarget({ annotations: own({ 'image-list': 'shop=ghcr.io/acme/shop:^1', ...settings }) });
  target.tags = { 'ghcr.io/acme/shop:1.1.0': A };
  return target;
}

test('a newer version is written, an older one refused until that is allowed', () => {
  const target = versions();
  assert.equal(summary(target.cycle()), 'written Moved');
  assert.equal(target.parameter(), '1.1.0');
  target.tags = { 'ghcr.io/acme/shop:1.0.0': B };
  const refused = target.cycle();
  assert.deepEqual([summary(refused), refused.from, refused.to], ['refused Downgrade', '1.1.0', '1.0.0']);
  const allowed = versions({ 'shop.allow-downgrade': 'true' });
  allowed.cycle();
  allowed.tags = { 'ghcr.io/acme/shop:1.0.0': B };
  assert.equal(summary(allowed.cycle()), 'written Moved');
  assert.equal(allowed.parameter(), '1.0.0');
});

test('a lookup that fails changes and forgets nothing', () => {
  const target = versions();
  target.cycle();
  const { state, object } = target;
  target.tags = {};
  assert.equal(summary(target.cycle()), 'waiting NoTag');
  const follows = new PlannedTarget();
  follows.cycle();
  follows.tags = {};
  const failed = follows.cycle();
  assert.deepEqual(
    [summary(failed), failed.to, failed.message],
    ['failed LookupFailed', null, 'NotFound: no such tag'],
  );
  assert.deepEqual([target.state, target.object], [state, object]);
});

test('what is new ages from when it was seen first, and begins anew when it is replaced', () => {
  const target = versions({ 'shop.min-age': '2h' });
  assert.equal(summary(target.cycle()), 'waiting TooYoung');
  target.wait(HOUR);
  target.tags = { 'ghcr.io/acme/shop:1.2.0': B };
  assert.equal(summary(target.cycle()), 'waiting TooYoung');
  target.wait(HOUR);
  assert.equal(summary(target.cycle()), 'waiting TooYoung');
  target.wait(HOUR);
  assert.equal(summary(target.cycle()), 'written Moved');
  assert.equal(target.parameter(), '1.2.0');
});

test('what a chart comes to by itself is not written, and neither is it watched for drift', () => {
  const target = new PlannedTarget({
    annotations: own({ 'image-list': 'shop=ghcr.io/acme/shop:^1' }),
    status: { summary: { images: ['ghcr.io/acme/shop:1.1.0'] } },
  });
  target.tags = { 'ghcr.io/acme/shop:1.1.0': A };
  assert.equal(summary(target.cycle()), 'unchanged AlreadyRunning');
  target.tags = { 'ghcr.io/acme/shop:1.2.0': A };
  assert.equal(summary(target.cycle()), 'written Moved');
});

test('a tag that runs without its digest is pinned', () => {
  const target = new PlannedTarget({ ...FOLLOWS_MAIN, status: { summary: { images: ['ghcr.io/acme/shop:main'] } } });
  const change = target.cycle();
  assert.deepEqual([summary(change), change.from, change.to], ['written Moved', 'main', `main@${A}`]);
});

test('a write that fails is tried again, and after three times less often', () => {
  const target = new PlannedTarget();
  for (const expected of ['planned Moved', 'planned Moved', 'planned Moved', 'failed Retrying']) {
    assert.equal(summary(target.cycle('attempt')), expected);
    target.wait(60_000);
  }
  target.wait(HOUR);
  assert.equal(summary(target.cycle()), 'written Moved');
  assert.equal(target.state?.images.get('shop')?.attempt, null);
});

test('into git a value goes once, wherever it then stands, and what is taken back there stays so', () => {
  const target = new PlannedTarget({
    annotations: own({
      'image-list': 'shop=ghcr.io/acme/shop:main',
      'update-strategy': 'digest',
      'write-back-method': 'git',
    }),
  });
  const first = target.plan();
  assert.deepEqual(first.changes.map(summary), ['planned Moved']);
  target.remember(first.done);
  assert.deepEqual(target.plan().changes.map(summary), ['unchanged UpToDate']);
  target.tags = { 'ghcr.io/acme/shop:main': B };
  assert.deepEqual(target.plan().changes.map(summary), ['planned Moved']);
});

test('an image without a place, and one that nobody asked about, are not planned', () => {
  const facts = {
    writeBack: { kind: 'argocd' },
    state: NEW_IMAGE,
    changedBy: null,
    lastAsked: null,
    verify: [],
    now: 0,
  } as const;
  const [lost] = read(application({ ...FOLLOWS_MAIN, type: 'Directory' })).images;
  assert.ok(lost !== undefined && lost.located === null);
  assert.equal(holdImage(lost, facts)?.reason, lost.reason);
  assert.equal(summary(planImage(lost, { ...facts, answers: new Map() })), `refused ${lost.reason}`);
  const [open] = read(application(FOLLOWS_MAIN)).images;
  assert.ok(open !== undefined);
  assert.equal(holdImage(open, facts), null);
  assert.equal(summary(planImage(open, { ...facts, answers: new Map() })), 'failed LookupFailed');
  const held = heldPlan(open, { outcome: 'waiting', reason: 'Paused', message: 'x' }, NEW_IMAGE);
  assert.deepEqual([held.from, held.to, held.write], [null, null, null]);
});
