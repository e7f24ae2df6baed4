import assert from 'node:assert/strict';
import test from 'node:test';
import {
  heldByAge,
  heldByAttempts,
  heldByDeletion,
  heldByDowngrade,
  heldByImageUpdater,
  heldByInterval,
  heldByOperation,
  heldByParent,
  heldByPause,
} from '../../../../src/core/sweep/guard/guard.ts';
import { NEW_IMAGE } from '../../../../src/core/sweep/state.ts';
import { application, own, read } from '../../../support/application.ts';
import { shopSettings } from '../../../support/planned-target.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const MINUTE = 60_000;

/** Settings of the image `shop`. */
function tracked(settings: Readonly<Record<string, string>>) {
  return shopSettings({ 'image-list': 'shop=ghcr.io/acme/shop', ...settings });
}

test('a target that is paused, deleted or operated on waits, with the reason', () => {
  const target = read(application({ annotations: own({ 'image-list': 'shop=ghcr.io/acme/shop:1' }) }));
  assert.equal(heldByPause(target), null);
  assert.equal(heldByDeletion(target), null);
  assert.equal(heldByOperation(target), null);
  assert.deepEqual(heldByPause({ ...target, paused: true }), {
    outcome: 'waiting',
    reason: 'Paused',
    message: 'tagpin.dev/pause is set on it or on Namespace argocd',
  });
  assert.equal(heldByDeletion({ ...target, deleting: true })?.reason, 'Deleting');
  assert.equal(heldByOperation({ ...target, operationRunning: true })?.reason, 'OperationRunning');
});

test('who has settings of Image Updater waits while that runs', () => {
  for (const [isTheirs, isRunning, reason] of [
    [true, true, 'ImageUpdaterRunning'],
    [true, false, undefined],
    [false, true, undefined],
  ] as const) {
    assert.equal(heldByImageUpdater({ isTheirs, isRunning })?.reason, reason);
  }
});

test('what a parent would put back is refused by its name, with the way out; in git nobody puts it back', () => {
  const set = heldByParent('ApplicationSet argocd/shops', { kind: 'argocd' });
  assert.equal(set?.outcome, 'refused');
  assert.match(set?.message ?? '', /^reverted by ApplicationSet argocd\/shops, .*ignoreApplicationDifferences/);
  assert.match(
    heldByParent('Application argocd/apps', { kind: 'argocd' })?.message ?? '',
    /RespectIgnoreDifferences=true/,
  );
  assert.equal(heldByParent(null, { kind: 'argocd' }), null);
  const git = read(
    application({ annotations: own({ 'image-list': 'shop=ghcr.io/acme/shop:1', 'write-back-method': 'git' }) }),
  ).writeBack;
  assert.equal(heldByParent('Application argocd/apps', git), null);
});

test('no version is taken back, unless that is allowed or nothing can be said', () => {
  const rows = [
    ['semver', '1.3.0', '1.2.9', 'Downgrade'],
    ['semver', 'v1.3.0', '1.2.9', 'Downgrade'],
    ['semver', '1.2.9', '1.3.0', null],
    ['semver', '1.2.9', '1.2.9', null],
    ['semver', 'latest', '1.2.9', null],
    ['semver', '1.3.0', '1.3.0-rc.1', 'Downgrade'],
    ['numerical', '10', '9', 'Downgrade'],
    ['numerical', '9', '10', null],
    ['alphabetical', '2026-11', '2026-10', 'Downgrade'],
    ['alphabetical', '2026-10', '2026-11', null],
    ['newest-build', 'b', 'a', null],
  ] as const;
  for (const [strategy, current, wanted, reason] of rows) {
    const settings = tracked({ 'shop.update-strategy': strategy });
    const value = (tag: string) => ({ tag, digest: null });
    const held = heldByDowngrade(settings, value(current), value(wanted));
    assert.equal(held?.reason ?? null, reason, `${strategy}: ${current} to ${wanted}`);
    const allowed = tracked({ 'shop.update-strategy': strategy, 'shop.allow-downgrade': 'true' });
    assert.equal(heldByDowngrade(allowed, value(current), value(wanted)), null);
  }
});

test('a tag that the filters keep out has no place in the order', () => {
  const settings = tracked({ 'shop.update-strategy': 'alphabetical', 'shop.allow-tags': 'regexp:^v' });
  assert.equal(heldByDowngrade(settings, { tag: 'zebra', digest: null }, { tag: 'v2', digest: null }), null);
});

test('what is too young waits until it is old enough', () => {
  const settings = tracked({ 'shop.min-age': '1h' });
  assert.deepEqual(heldByAge(settings, NOW - 20 * MINUTE, NOW), {
    outcome: 'waiting',
    reason: 'TooYoung',
    message: 'min-age 1h: seen first at 2026-11-21T11:40:00.000Z, is old enough at 2026-11-21T12:40:00.000Z',
  });
  assert.equal(heldByAge(settings, NOW - 60 * MINUTE, NOW), null);
  assert.equal(heldByAge(tracked({}), NOW, NOW), null);
  // A clock that was set back makes nobody wait for years.
  assert.equal(heldByAge(settings, NOW + 999 * MINUTE, NOW)?.message.includes('2026-11-21T13:00:00.000Z'), true);
});

test('an interval is kept, to within a twentieth', () => {
  const settings = tracked({ 'shop.interval': '1h' });
  assert.equal(heldByInterval(settings, NOW - 30 * MINUTE, NOW)?.reason, 'NotDue');
  assert.equal(heldByInterval(settings, NOW - 58 * MINUTE, NOW), null);
  assert.equal(heldByInterval(settings, null, NOW), null);
  assert.equal(heldByInterval(tracked({}), NOW, NOW), null);
});

test('what could not be written three times is tried ever more seldom, and never given up', () => {
  const wanted = { tag: '2', digest: null };
  const held = (count: number, minutes: number) =>
    heldByAttempts({ ...NEW_IMAGE, attempt: { ...wanted, at: NOW - minutes * MINUTE, count } }, wanted, NOW);
  assert.equal(held(2, 0), null);
  assert.equal(held(3, 4)?.reason, 'Retrying');
  assert.equal(held(3, 5), null);
  assert.equal(held(4, 9)?.outcome, 'failed');
  assert.equal(held(4, 10), null);
  assert.equal(held(400, 59)?.reason, 'Retrying');
  assert.equal(held(400, 60), null);
  assert.equal(heldByAttempts(NEW_IMAGE, wanted, NOW), null);
  const said = { ...NEW_IMAGE, attempt: { ...wanted, at: NOW, count: 3 }, problem: 'the webhook denied it' };
  assert.match(
    heldByAttempts(said, wanted, NOW)?.message ?? '',
    /^2 could not be written 3 times.*: the webhook denied it$/,
  );
  const other = { ...NEW_IMAGE, attempt: { tag: '1', digest: null, at: NOW, count: 9 } };
  assert.equal(heldByAttempts(other, wanted, NOW), null);
});
