import assert from 'node:assert/strict';
import test from 'node:test';
import { explainDifference, shortText } from '../../../../src/core/sweep/guard/drift.ts';
import { NEW_IMAGE } from '../../../../src/core/sweep/state.ts';
import { digestOf, PlannedTarget } from '../../../support/planned-target.ts';

const [A, B, C, D] = [digestOf('a'), digestOf('b'), digestOf('c'), digestOf('d')];
const MAIN = 'ghcr.io/acme/shop:main';

function summary({ outcome, reason }: { readonly outcome: string; readonly reason: string }): string {
  return `${outcome} ${reason}`;
}

/** A target that runs `main@a`, and then `main@b`. */
function moved(): PlannedTarget {
  const target = new PlannedTarget();
  assert.equal(summary(target.cycle()), 'written Moved');
  target.tags = { [MAIN]: B };
  assert.equal(summary(target.cycle()), 'written Moved');
  assert.equal(target.parameter(), `main@${B}`);
  return target;
}

test('a tag that moves is followed, and one that does not is left alone', () => {
  const target = moved();
  const state = target.state;
  assert.equal(summary(target.cycle()), 'unchanged UpToDate');
  assert.deepEqual(target.state, state);
});

test('a tag that moves back is followed, too', () => {
  const target = moved();
  target.tags = { [MAIN]: A };
  assert.equal(summary(target.cycle()), 'written Moved');
  target.tags = { [MAIN]: B };
  assert.equal(summary(target.cycle()), 'written Moved');
  assert.equal(summary(target.cycle()), 'unchanged UpToDate');
});

test('what somebody put there that never ran is undone once, and then theirs until the tag means a third thing', () => {
  const target = moved();
  target.edit({ 'image.name': 'ghcr.io/acme/shop', 'image.tag': `main@${C}` });
  assert.equal(summary(target.cycle()), 'written Repaired');
  assert.equal(target.parameter(), `main@${B}`);
  target.edit({ 'image.name': 'ghcr.io/acme/shop', 'image.tag': `main@${C}` });
  const contested = target.cycle();
  assert.equal(summary(contested), 'waiting Contested');
  assert.match(contested.message, /^the field manager "kubectl-edit" put main@sha256:cccccccccccc back after /);
  assert.equal(summary(target.cycle()), 'waiting Contested');
  assert.equal(target.parameter(), `main@${C}`);
  target.tags = { [MAIN]: D };
  assert.equal(summary(target.cycle()), 'written Moved');
  assert.equal(target.parameter(), `main@${D}`);
});

test('a rollback to what ran before is respected at once', () => {
  const target = moved();
  target.edit({ 'image.name': 'ghcr.io/acme/shop', 'image.tag': `main@${A}` }, 'argocd-server');
  const contested = target.cycle();
  assert.equal(summary(contested), 'waiting Contested');
  assert.match(contested.message, /"argocd-server"/);
  assert.equal(target.parameter(), `main@${A}`);
});

test('a rollback stays respected while the tag goes to what was rolled back to, and comes again', () => {
  const target = moved();
  target.edit({ 'image.name': 'ghcr.io/acme/shop', 'image.tag': `main@${A}` });
  assert.equal(summary(target.cycle()), 'waiting Contested');
  target.tags = { [MAIN]: A };
  assert.equal(summary(target.cycle()), 'unchanged UpToDate');
  target.tags = { [MAIN]: B };
  assert.equal(summary(target.cycle()), 'waiting Contested');
  target.tags = { [MAIN]: C };
  assert.equal(summary(target.cycle()), 'written Moved');
});

test('whoever takes a rollback back is followed again', () => {
  const target = moved();
  target.edit({ 'image.name': 'ghcr.io/acme/shop', 'image.tag': `main@${A}` });
  assert.equal(summary(target.cycle()), 'waiting Contested');
  target.edit({ 'image.name': 'ghcr.io/acme/shop', 'image.tag': `main@${B}` });
  assert.equal(summary(target.cycle()), 'unchanged UpToDate');
  target.edit({ 'image.name': 'ghcr.io/acme/shop', 'image.tag': 'debug' });
  assert.equal(summary(target.cycle()), 'written Repaired');
});

test('a parameter that is taken away again, as it was before the first write, is not put back', () => {
  const target = new PlannedTarget();
  assert.equal(summary(target.cycle()), 'written Moved');
  target.edit({}, 'argocd-controller');
  const contested = target.cycle();
  assert.equal(summary(contested), 'waiting Contested');
  assert.match(contested.message, /"argocd-controller" took it away/);
});

test('whoever ends between the record and the write, or the write and its record, loses and doubles nothing', () => {
  const before = new PlannedTarget();
  assert.equal(summary(before.cycle('attempt')), 'planned Moved');
  assert.equal(before.parameter(), null);
  assert.equal(summary(before.cycle()), 'written Moved');
  assert.equal(summary(before.cycle()), 'unchanged UpToDate');

  const after = moved();
  after.tags = { [MAIN]: C };
  assert.equal(summary(after.cycle('write')), 'planned Moved');
  assert.equal(summary(after.cycle()), 'unchanged UpToDate');
  // What is remembered is as if it had not ended: a rollback is known as one.
  after.edit({ 'image.name': 'ghcr.io/acme/shop', 'image.tag': `main@${B}` });
  assert.equal(summary(after.cycle()), 'waiting Contested');
});

test('whoever ends after the write is followed by who knows it for tagpin’s own', () => {
  const target = moved();
  target.tags = { [MAIN]: C };
  target.cycle('write');
  target.tags = { [MAIN]: D };
  assert.equal(summary(target.cycle()), 'written Moved');
});

test('without a memory what stands there is the beginning, and a difference is written', () => {
  const target = moved();
  target.state = null;
  assert.equal(summary(target.cycle()), 'unchanged UpToDate');
  target.state = null;
  target.edit({ 'image.name': 'ghcr.io/acme/shop', 'image.tag': '1.0.0' });
  assert.equal(summary(target.cycle()), 'written Moved');
  target.edit({ 'image.name': 'ghcr.io/acme/shop', 'image.tag': '1.0.0' });
  assert.equal(summary(target.cycle()), 'waiting Contested');
});

test('values are short where people read them', () => {
  assert.equal(shortText({ tag: 'main', digest: A }), 'main@sha256:aaaaaaaaaaaa');
  assert.equal(shortText({ tag: '1.2', digest: null }), '1.2');
});

test('who takes away the digest alone is not said to have put the tag back', () => {
  const wanted = { tag: '1.0.0', digest: A };
  const found = { tag: '1.0.0', digest: null };
  const state = { ...NEW_IMAGE, written: wanted, repaired: wanted };
  const drift = explainDifference({ state, found, wanted, says: () => false, changedBy: null });
  assert.match(drift.kind === 'contested' ? drift.message : '', /^somebody took its digest away after 1\.0\.0@/);
});
