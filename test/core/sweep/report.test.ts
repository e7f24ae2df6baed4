import assert from 'node:assert/strict';
import test from 'node:test';
import { parseDigest } from '../../../src/core/image/digest.ts';
import type { Change } from '../../../src/core/sweep/change.ts';
import {
  changeEvent,
  countOutcomes,
  describeChange,
  news,
  reportLine,
  worstOutcome,
} from '../../../src/core/sweep/report.ts';
import { formatTargetState, parseTargetState, type TargetState } from '../../../src/core/sweep/state.ts';
import { digestOf } from '../../support/planned-target.ts';

const MOVED: Change = {
  target: { kind: 'Application', namespace: 'argocd', name: 'shop' },
  uid: 'u',
  alias: 'shop',
  image: 'ghcr.io/acme/shop',
  from: '1.0.0',
  to: `main@${digestOf('a')}`,
  outcome: 'written',
  reason: 'Moved',
  message: 'from 1.0.0 to main@sha256:aaaaaaaaaaaa',
  passedOver: [],
};
const FAILED: Change = { ...MOVED, to: null, outcome: 'failed', reason: 'LookupFailed', message: 'Timeout: too slow' };
const HELD: Change = { ...MOVED, outcome: 'unchanged', reason: 'UpToDate', message: 'it says so already' };
const EMPTY: TargetState = { target: 'x', gone: null, images: new Map() };

test('a line of the report has the fields of the contract, and the sentence', () => {
  const { uid: _uid, passedOver: _none, ...fields } = MOVED;
  assert.deepEqual(reportLine(MOVED), fields);
  const passedOver = [{ tag: '2.0.0', digest: digestOf('b'), reason: 'it has no signature' }];
  assert.deepEqual(reportLine({ ...MOVED, passedOver }), { ...fields, passedOver });
});

test('what was passed over is told once, also where nothing was written', () => {
  const passedOver = [{ tag: '2.0.0', digest: digestOf('b'), reason: 'it has no signature' }];
  const change: Change = { ...HELD, passedOver };
  const first = news([change], EMPTY);
  assert.deepEqual(first.told, [change]);
  assert.deepEqual(changeEvent(change).reason, 'PassedOver');
  assert.equal(changeEvent(change).type, 'Warning');
  assert.deepEqual(news([change], first.state).told, []);
  const other = { ...change, passedOver: [{ tag: '2.0.1', digest: digestOf('c'), reason: 'it has no signature' }] };
  assert.deepEqual(news([other], first.state).told, [other]);
});

test('what is told once stays told once it was stored, however much it is', () => {
  const many = Array.from({ length: 19 }, (_, index) => ({
    tag: `${'x'.repeat(100)}-${index}`,
    digest: parseDigest(`sha256:${index.toString(16).padStart(64, '0')}`) ?? assert.fail(),
    reason: 'it has no signature',
  }));
  const long: Change = { ...MOVED, to: `${'x'.repeat(128)}@${digestOf('a')}`, outcome: 'waiting', reason: 'Contested' };
  for (const change of [{ ...HELD, passedOver: many }, long]) {
    const { state, told } = news([change], EMPTY);
    assert.equal(told.length, 1);
    const stored = parseTargetState(formatTargetState(state)) ?? assert.fail();
    assert.deepEqual(news([change], stored).told, []);
  }
  const fewer = { ...HELD, passedOver: many.slice(0, 18) };
  assert.equal(news([fewer], news([{ ...HELD, passedOver: many }], EMPTY).state).told.length, 1);
});

test('a change is one line for people', () => {
  assert.equal(
    describeChange(MOVED),
    'written Moved Application/argocd/shop shop 1.0.0 -> main@sha256:aaaaaaaaaaaa: from 1.0.0 to main@sha256:aaaaaaaaaaaa',
  );
  assert.equal(
    describeChange({ ...FAILED, from: null }),
    'failed LookupFailed Application/argocd/shop shop -: Timeout: too slow',
  );
});

test('outcomes are counted, and a target is as its worst image', () => {
  assert.deepEqual(countOutcomes([MOVED, FAILED, HELD, HELD]), {
    failed: 1,
    refused: 0,
    waiting: 0,
    written: 1,
    planned: 0,
    unchanged: 2,
  });
  assert.equal(worstOutcome([HELD, MOVED, FAILED]), 'failed');
  assert.equal(worstOutcome([HELD, MOVED]), 'written');
  assert.equal(worstOutcome([]), 'unchanged');
});

test('each success, failure and waiting is told once, and again when it comes again', () => {
  const waiting = (reason: 'Contested' | 'OperationRunning'): Change => ({ ...MOVED, outcome: 'waiting', reason });
  const rows = [
    [MOVED, true],
    [HELD, false],
    [HELD, false],
    [FAILED, true],
    [FAILED, false],
    [{ ...FAILED, message: 'Timeout: still too slow' }, false],
    [waiting('OperationRunning'), false],
    [FAILED, false],
    [HELD, false],
    [FAILED, true],
    [waiting('Contested'), true],
    [waiting('Contested'), false],
    [MOVED, true],
    [{ ...MOVED, to: '2.0.0' }, true],
    [{ ...MOVED, outcome: 'planned' }, false],
    [{ ...MOVED, outcome: 'refused', reason: 'Downgrade' }, true],
  ] as const;
  let state = EMPTY;
  for (const [index, [change, isTold]] of rows.entries()) {
    const heard = news([change], state);
    assert.equal(heard.told.length === 1, isTold, `row ${index}`);
    state = heard.state;
  }
});

test('what is wrong with settings is told until it is mended: each once, several of one image, and another slip anew', () => {
  const slip = (alias: string, message: string): Change => {
    return { ...MOVED, alias, image: '', from: null, to: null, outcome: 'refused', reason: 'InvalidSettings', message };
  };
  const [one, two, all] = [slip('shop', 'no such action'), slip('shop', 'no such container'), slip('*', 'no list')];
  const rows = [
    [[one], [one]],
    [[one], []],
    // The image of the same name is well: its other entry is not.
    [[one, HELD], []],
    [[two], [two]],
    [
      [one, two],
      [one, two],
    ],
    [[one, two], []],
    [[HELD], []],
    [
      [one, two],
      [one, two],
    ],
    [[all], [all]],
    [[], []],
    [[all], [all]],
  ] as const;
  let state = EMPTY;
  for (const [index, [changes, expected]] of rows.entries()) {
    const heard = news(changes, state);
    assert.deepEqual(heard.told, expected, `row ${index}`);
    state = parseTargetState(formatTargetState(heard.state)) ?? assert.fail();
  }
  assert.equal(changeEvent(one).note, 'shop: refused: no such action');
});

test('why something could not be written stays known until it is tried again', () => {
  const rows = [
    [{ ...FAILED, reason: 'WriteFailed', message: 'denied' }, 'denied'],
    [{ ...FAILED, reason: 'Retrying' }, 'denied'],
    [FAILED, null],
    [{ ...FAILED, reason: 'NoWebhook', message: 'no webhook' }, 'no webhook'],
    [MOVED, null],
  ] as const;
  let state = EMPTY;
  for (const [change, expected] of rows) {
    const heard = news([change], state).state;
    state = parseTargetState(formatTargetState(heard)) ?? assert.fail();
    assert.equal(state.images.get('shop')?.problem, expected, change.reason);
  }
});

test('what is no news leaves the state as it is', () => {
  assert.deepEqual(news([HELD], EMPTY).state, EMPTY);
});

test('an Event warns of what a person should look at', () => {
  assert.deepEqual(changeEvent(MOVED), {
    type: 'Normal',
    reason: 'Updated',
    note: 'shop (ghcr.io/acme/shop): from 1.0.0 to main@sha256:aaaaaaaaaaaa',
  });
  assert.deepEqual(changeEvent({ ...FAILED, alias: 'ghcr.io/acme/shop' }), {
    type: 'Warning',
    reason: 'LookupFailed',
    note: 'ghcr.io/acme/shop: failed: Timeout: too slow',
  });
  assert.equal(changeEvent({ ...MOVED, outcome: 'waiting', reason: 'Contested' }).type, 'Warning');
  assert.equal(changeEvent({ ...MOVED, outcome: 'waiting', reason: 'TooYoung' }).type, 'Normal');
  assert.equal(
    changeEvent({ ...FAILED, outcome: 'refused', image: '', alias: '*' }).note,
    'refused: Timeout: too slow',
  );
});
