import assert from 'node:assert/strict';
import test from 'node:test';
import type { Change, TargetKind } from '../../src/core/sweep/change.ts';
import { paceAfter } from '../../src/sweeper/pace.ts';

function change(kind: TargetKind, name: string, outcome: Change['outcome'], reason: Change['reason']): Change {
  const target = { kind, namespace: 'shop', name };
  return {
    target,
    uid: name,
    alias: 'a',
    image: '',
    from: null,
    to: null,
    outcome,
    reason,
    message: '',
    passedOver: [],
  };
}

test('where nothing rolls all is looked at when it is due', () => {
  for (const kind of ['Application', 'CronJob', 'OCIRepository'] as const) {
    const written = [change(kind, 'a', 'written', 'Moved')];
    assert.deepEqual(paceAfter(written, 120_000), { names: null, wait: 120_000 }, kind);
  }
  assert.deepEqual(paceAfter([], -5), { names: null, wait: 0 });
});

test('what rolls is looked after by itself, each once', () => {
  const rolling = [
    change('Deployment', 'api', 'written', 'Moved'),
    change('Deployment', 'api', 'waiting', 'RollingOut'),
    change('StatefulSet', 'db', 'waiting', 'RollingOut'),
    change('Deployment', 'web', 'unchanged', 'UpToDate'),
  ];
  const { names, wait } = paceAfter(rolling, 120_000);
  assert.deepEqual(
    names?.map(({ kind, name }) => `${kind}/${name}`),
    ['Deployment/api', 'StatefulSet/db'],
  );
  assert.ok(wait < 120_000);
});

test('a whole look that is due soon is waited for', () => {
  assert.deepEqual(paceAfter([change('Deployment', 'api', 'waiting', 'RollingOut')], 3000), {
    names: null,
    wait: 3000,
  });
});
