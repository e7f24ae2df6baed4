import assert from 'node:assert/strict';
import test from 'node:test';
import { byDigest } from '../../../../src/core/image/reference.ts';
import type { VerifyEntry } from '../../../../src/core/signature/verification.ts';
import { choose } from '../../../../src/core/sweep/choice/choose.ts';
import { questionKey } from '../../../../src/core/sweep/choice/questions.ts';
import { selectionOf } from '../../../../src/core/sweep/choice/selection.ts';
import { digestOf, shopSettings } from '../../../support/planned-target.ts';
import { reference } from '../../../support/resolver.ts';

test('a question is the same for all who mean the same, and another for another credential', () => {
  const key = (listed: string, settings: Readonly<Record<string, string>> = {}): string => {
    const choice = choose(
      selectionOf(shopSettings({ 'image-list': listed, 'update-strategy': 'digest', ...settings }), []),
      new Map(),
    );
    assert.ok(choice.kind === 'ask' && choice.questions[0] !== undefined);
    return questionKey(choice.questions[0]);
  };
  const hub = key('shop=nginx:1.27');
  assert.equal(key('shop=docker.io/library/nginx:1.27'), hub);
  assert.equal(key('shop=index.docker.io/nginx:1.27'), hub);
  const others = [
    key('shop=nginx:1.28'),
    key('shop=ghcr.io/nginx:1.27'),
    key('shop=nginx:1.27', { 'pull-secret': 'pullsecret:argocd/one' }),
    key('shop=nginx:1.27', { 'pull-secret': 'secret:argocd/one#a' }),
    key('shop=nginx:1.27', { 'pull-secret': 'secret:argocd/one#b' }),
    key('shop=nginx:1.27', { 'shop.platforms': 'linux/arm64' }),
  ];
  assert.equal(new Set([hub, ...others]).size, 1 + others.length);
  assert.equal(
    key('shop=nginx:1.27', { 'shop.platforms': 'linux/arm64,linux/amd64' }),
    key('shop=nginx:1.27', { 'shop.platforms': 'linux/amd64,linux/arm64' }),
  );
});

test('who signed is another question for each digest and each list of entries', () => {
  const [one, other] = [{ name: 'a' }, { name: 'a' }] as unknown as readonly [VerifyEntry, VerifyEntry];
  const image = reference('ghcr.io/acme/shop');
  const key = (digest: string, ...entries: VerifyEntry[]): string =>
    questionKey({ kind: 'verify', reference: byDigest(image, digestOf(digest)), secret: null, entries });
  assert.equal(key('a', one), key('a', one));
  assert.equal(new Set([key('a', one), key('b', one), key('a', other), key('a', one, other)]).size, 4);
});
