import assert from 'node:assert/strict';
import test from 'node:test';
import { askedKeys, openQuestions, planTarget, settle, type WriteResult } from '../../../src/core/sweep/plan.ts';
import { own } from '../../support/application.ts';
import { digestOf, FOLLOWS_MAIN, PlannedTarget, protectEntries } from '../../support/planned-target.ts';

const A = digestOf('a');

function summary({
  alias,
  outcome,
  reason,
}: {
  readonly alias: string;
  readonly outcome: string;
  readonly reason: string;
}) {
  return `${alias} ${outcome} ${reason}`;
}

test('a plan says what is to be written, and what to remember before and after', () => {
  const target = new PlannedTarget();
  const plan = target.plan();
  assert.deepEqual(plan.changes, [
    {
      target: { kind: 'Application', namespace: 'argocd', name: 'shop' },
      uid: plan.application.uid,
      alias: 'shop',
      image: 'ghcr.io/acme/shop',
      from: null,
      to: `main@${A}`,
      outcome: 'planned',
      reason: 'Moved',
      message: 'from nothing to main@sha256:aaaaaaaaaaaa',
      passedOver: [],
    },
  ]);
  assert.deepEqual(
    plan.writes.map(({ value }) => value),
    [{ tag: 'main', digest: A }],
  );
  const [now, done] = [plan.now, plan.done].map(({ images }) => images.get('shop'));
  assert.deepEqual([now?.attempt?.count, now?.written], [1, null]);
  assert.deepEqual([done?.attempt, done?.written], [null, { tag: 'main', digest: A }]);
  assert.equal(plan.now.target, 'Application argocd/shop');
});

test('what holds a whole target holds every image, and nothing is asked for it', () => {
  const rows = [
    [{ metadata: { deletionTimestamp: '2026-11-21T12:00:00Z' } }, 'Deleting'],
    [{ annotations: { ...FOLLOWS_MAIN.annotations, 'tagpin.dev/pause': 'true' } }, 'Paused'],
    [{ status: { operationState: { phase: 'Running' } } }, 'OperationRunning'],
  ] as const;
  for (const [written, reason] of rows) {
    const target = new PlannedTarget({ ...FOLLOWS_MAIN, ...written });
    assert.deepEqual(openQuestions(target.facts(), new Map()), []);
    assert.deepEqual(askedKeys(target.facts()), []);
    assert.deepEqual(target.plan().changes.map(summary), [`shop waiting ${reason}`]);
    assert.equal(target.plan().now.images.size, 0);
  }
  const target = new PlannedTarget();
  target.guard = { ...target.guard, protect: protectEntries('- {project: default}') };
  assert.deepEqual(target.plan().changes.map(summary), ['shop refused Protected']);
  target.guard = { ...target.guard, protect: [], imageUpdater: { isTheirs: true, isRunning: true } };
  assert.deepEqual(target.plan().changes.map(summary), ['shop waiting ImageUpdaterRunning']);
});

test('one image that waits, fails or is wrong holds up no other', () => {
  const target = new PlannedTarget({
    annotations: own({
      'image-list':
        'shop=ghcr.io/acme/shop:main, gone=ghcr.io/acme/gone:main, bad=ghcr.io/acme/bad:main, old=ghcr.io/acme/old:main',
      'update-strategy': 'digest',
      'bad.update-strategy': 'newest',
      'old.min-age': '1d',
      'gone.helm.image-tag': 'gone.tag',
      'gone.helm.image-name': 'gone.name',
      'old.helm.image-tag': 'old.tag',
      'old.helm.image-name': 'old.name',
    }),
  });
  target.tags = { 'ghcr.io/acme/shop:main': A, 'ghcr.io/acme/old:main': A };
  const plan = target.plan();
  assert.deepEqual(plan.changes.map(summary), [
    'bad refused InvalidSettings',
    'shop planned Moved',
    'gone failed LookupFailed',
    'old waiting TooYoung',
  ]);
  assert.deepEqual(askedKeys(target.facts()), ['shop', 'gone', 'old']);
  assert.equal(plan.writes.length, 1);
});

test('an interval keeps an image from being asked', () => {
  const target = new PlannedTarget({ annotations: { ...FOLLOWS_MAIN.annotations, ...own({ 'shop.interval': '1h' }) } });
  target.lastAsked = target.now - 60_000;
  assert.deepEqual(target.plan().changes.map(summary), ['shop waiting NotDue']);
  target.wait(3_600_000);
  assert.deepEqual(target.plan().changes.map(summary), ['shop planned Moved']);
});

test('what came of a write is what came of each of its changes, and only success counts as written', () => {
  const target = new PlannedTarget();
  const plan = target.plan();
  const rows: readonly (readonly [WriteResult, string])[] = [
    [{ kind: 'written' }, 'shop written Moved'],
    [{ kind: 'unchanged' }, 'shop unchanged UpToDate'],
    [{ kind: 'waiting', reason: 'Outrun', message: 'm' }, 'shop waiting Outrun'],
    [{ kind: 'refused', message: 'm' }, 'shop refused CommitRefused'],
    [{ kind: 'failed', reason: 'WriteFailed', message: 'm' }, 'shop failed WriteFailed'],
  ];
  for (const [result, expected] of rows) {
    const settled = settle(plan, result);
    assert.deepEqual(settled.changes.map(summary), [expected]);
    const isDone = result.kind === 'written' || result.kind === 'unchanged';
    assert.equal(settled.now, isDone ? plan.done : plan.now);
  }
  target.cycle();
  const held = planTarget(target.facts(), new Map());
  assert.deepEqual(settle(held, { kind: 'written' }).changes, held.changes);
});

test('what an image that is followed no more was is remembered, for when it comes back', () => {
  const target = new PlannedTarget();
  target.cycle();
  const { state } = target;
  const other = new PlannedTarget({
    annotations: own({ 'image-list': 'other=ghcr.io/acme/shop:main', 'update-strategy': 'digest' }),
  });
  other.state = state;
  assert.deepEqual([...other.plan().done.images.keys()], ['shop', 'other']);
});
