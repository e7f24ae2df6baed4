import assert from 'node:assert/strict';
import test from 'node:test';
import type { VerifyEntry } from '../../../../src/core/signature/verification.ts';
import { selectionKey, selectionOf } from '../../../../src/core/sweep/choice/selection.ts';
import { shopSettings } from '../../../support/planned-target.ts';

const ENTRY = { name: 'ours', images: ['ghcr.io/acme/**'] } as unknown as VerifyEntry;

test('selections that choose the same have one key, whoever they belong to', () => {
  const key = (settings: Readonly<Record<string, string>>, verify: readonly VerifyEntry[] = []): string =>
    selectionKey(selectionOf(shopSettings({ 'image-list': 'shop=ghcr.io/acme/shop:^1', ...settings }), verify));
  assert.equal(key({}), key({ 'shop.interval': '1h' }));
  const others = [
    key({}),
    key({ 'image-list': 'shop=ghcr.io/acme/shop:^2' }),
    key({ 'shop.platforms': 'linux/arm64' }),
    key({ 'shop.format': 'tag+digest' }),
    key({ 'shop.pull-secret': 'pullsecret:argocd/one' }),
    key({}, [ENTRY]),
    key({}, [{ ...ENTRY }]),
  ];
  assert.equal(new Set(others).size, others.length);
});

test('of a policy those entries are asked that speak of the image', () => {
  const settings = shopSettings({ 'image-list': 'shop=ghcr.io/acme/shop:^1' });
  const elsewhere = { name: 'theirs', images: ['quay.io/**'] } as unknown as VerifyEntry;
  assert.deepEqual(selectionOf(settings, [elsewhere, ENTRY]).verify, [ENTRY]);
});
