import assert from 'node:assert/strict';
import test from 'node:test';
import {
  formatTargetState,
  type ImageState,
  NEW_IMAGE,
  parseTargetState,
  withBefore,
} from '../../../src/core/sweep/state.ts';
import { digestOf } from '../../support/planned-target.ts';

const at = Date.parse('2026-11-21T12:00:00.123Z');
const main = { tag: 'main', digest: digestOf('a') };

test('everything that is remembered comes back', () => {
  const image: ImageState = {
    written: main,
    first: { ...main, at },
    attempt: { tag: '2', digest: null, at, count: 3 },
    before: [
      { tag: null, digest: null },
      { tag: '1', digest: null },
    ],
    repaired: main,
    contested: { wanted: main, by: 'argocd-controller' },
    place: '0123456789abcdef',
    told: `written Moved main@${main.digest}`,
    problem: 'the webhook denied the request',
    rollout: { progress: 3, failed: true },
    observed: true,
    waited: 7,
    lookups: 2,
  };
  const state = {
    target: 'Application argocd/shop',
    gone: at,
    images: new Map([
      ['shop', image],
      ['new', NEW_IMAGE],
    ]),
  };
  assert.deepEqual(parseTargetState(formatTargetState(state)), state);
});

test('equal states are equal texts, whatever the order of their images', () => {
  const images = [
    ['a', NEW_IMAGE],
    ['b', { ...NEW_IMAGE, written: main }],
  ] as const;
  const [one, other] = [images, images.toReversed()].map((each) =>
    formatTargetState({ target: 'x', gone: null, images: new Map(each) }),
  );
  assert.equal(one, other);
});

test('what is no state is none', () => {
  for (const text of ['', '{', 'null', '[]', '{}', '"x"', '{"v":"1","images":{}}', '{"v":1}', '{"v":1,"images":[]}']) {
    assert.equal(parseTargetState(text), null, text);
  }
});

test('what a newer or a foreign hand wrote into a state is not remembered, and harms nothing else', () => {
  const text = JSON.stringify({
    v: 7,
    more: {},
    images: {
      shop: {
        written: 'main@sha256:short',
        first: { value: '1', at: 'yesterday' },
        attempt: { value: '1', at: '2026-11-21T12:00:00Z', count: 'many' },
        before: ['1', 7, null, 'a b'],
        contested: { by: 'x' },
        told: 7,
        new: true,
      },
      bad: 7,
    },
  });
  const state = parseTargetState(text);
  const attempt = { tag: '1', digest: null, at: Date.parse('2026-11-21T12:00:00Z'), count: 1 };
  assert.deepEqual(state?.images.get('shop'), { ...NEW_IMAGE, attempt, before: [{ tag: '1', digest: null }] });
  assert.deepEqual(state?.images.get('bad'), NEW_IMAGE);
});

test('of what ran before the latest eight are kept, each once', () => {
  const value = (tag: string) => ({ tag, digest: null });
  let before = withBefore([], value('1'));
  for (const tag of ['2', '1', '3', '4', '5', '6', '7', '8', '9']) before = withBefore(before, value(tag));
  assert.deepEqual(
    before.map(({ tag }) => tag),
    ['1', '3', '4', '5', '6', '7', '8', '9'],
  );
});

test('an Application with thousands of images is remembered for the first of them', () => {
  const images = new Map(Array.from({ length: 3000 }, (_, index) => [`i${index}`, { ...NEW_IMAGE, written: main }]));
  const text = formatTargetState({ target: 'x', gone: null, images });
  assert.ok(text.length < 50_000);
  assert.equal(parseTargetState(text)?.images.size, 200);
});

test('what no registry can have ran nowhere, so that nobody fills the state with it', () => {
  const before = [main];
  assert.equal(withBefore(before, { tag: 'x'.repeat(500_000), digest: null }), before);
  assert.deepEqual(withBefore(before, { tag: null, digest: null }), [main, { tag: null, digest: null }]);
});
