import assert from 'node:assert/strict';
import test from 'node:test';
import { choose, questionKey, type SweepAnswer, type SweepQuestion } from '../../../src/core/sweep/questions.ts';
import { digestOf, shopSettings } from '../../support/planned-target.ts';

const [A, B] = [digestOf('a'), digestOf('b')];

function tracked(settings: Readonly<Record<string, string>>, listed = 'shop=ghcr.io/acme/shop') {
  return shopSettings({ 'image-list': listed, ...settings });
}

/** Asks until nothing is open: what was chosen, and what was asked on the way, in order. */
function chosen(settings: ReturnType<typeof tracked>, answer: (question: SweepQuestion) => SweepAnswer) {
  const answers = new Map<string, SweepAnswer>();
  const asked: string[] = [];
  for (;;) {
    const choice = choose(settings, answers);
    if (choice.kind !== 'ask') return { choice, asked };
    assert.ok(choice.questions.length > 0);
    for (const question of choice.questions) {
      const { kind, reference } = question;
      assert.ok(!answers.has(questionKey(question)), 'nothing is asked twice');
      asked.push(kind === 'tags' ? 'tags' : `${kind} ${reference.tag}`);
      answers.set(questionKey(question), answer(question));
    }
  }
}

const TAGS: SweepAnswer = { kind: 'tags', tags: ['1.0.0', '1.1.0', '2.0.0', 'main'] };
const down: SweepAnswer = { kind: 'failed', code: 'Unreachable', message: 'it is away' };

test('the strategy digest asks for one digest, and for no tags', () => {
  const { choice, asked } = chosen(tracked({ 'update-strategy': 'digest' }, 'shop=ghcr.io/acme/shop:main'), () => ({
    kind: 'digest',
    digest: A,
  }));
  assert.deepEqual(asked, ['digest main']);
  assert.deepEqual(choice, { kind: 'chosen', value: { tag: 'main', digest: A } });
});

test('a version is chosen by the list alone, and its digest asked for where it is written', () => {
  const answer = ({ kind }: SweepQuestion): SweepAnswer => (kind === 'tags' ? TAGS : { kind: 'digest', digest: B });
  const plain = chosen(tracked({}, 'shop=ghcr.io/acme/shop:^1'), answer);
  assert.deepEqual(plain, { choice: { kind: 'chosen', value: { tag: '1.1.0', digest: null } }, asked: ['tags'] });
  const pinned = chosen(tracked({ 'shop.format': 'tag+digest' }, 'shop=ghcr.io/acme/shop:^1'), answer);
  assert.deepEqual(pinned, {
    choice: { kind: 'chosen', value: { tag: '1.1.0', digest: B } },
    asked: ['tags', 'digest 1.1.0'],
  });
});

test('with platforms the best that runs there is chosen, looked for from the top', () => {
  const settings = tracked({ 'shop.platforms': 'linux/arm64', 'shop.format': 'tag+digest' });
  const { choice, asked } = chosen(settings, ({ kind, reference }) => {
    if (kind === 'tags') return TAGS;
    return { kind: 'inspected', digest: reference.tag === '1.1.0' ? A : B, built: 1, fits: reference.tag === '1.1.0' };
  });
  assert.deepEqual(asked, ['tags', 'inspect 2.0.0', 'inspect 1.1.0']);
  assert.deepEqual(choice, { kind: 'chosen', value: { tag: '1.1.0', digest: A } });
});

test('newest-build looks into all that the filters let through, at once, and leaves out what is broken', () => {
  const settings = tracked({ 'update-strategy': 'newest-build', 'allow-tags': 'regexp:^[12]' });
  const built: Readonly<Record<string, number>> = { '1.0.0': 30, '1.1.0': 20 };
  const { choice, asked } = chosen(settings, ({ kind, reference: { tag } }) => {
    if (kind === 'tags') return TAGS;
    if (tag === '2.0.0') return { kind: 'failed', code: 'InvalidResponse', message: 'no manifest' };
    return { kind: 'inspected', digest: A, built: built[tag ?? ''] ?? null, fits: true };
  });
  assert.deepEqual(asked, ['tags', 'inspect 1.0.0', 'inspect 1.1.0', 'inspect 2.0.0']);
  assert.deepEqual(choice, { kind: 'chosen', value: { tag: '1.0.0', digest: null } });
});

test('a registry that is away for one of the questions chooses nothing', () => {
  for (const silent of ['tags', 'inspect'] as const) {
    const { choice } = chosen(tracked({ 'update-strategy': 'newest-build' }), ({ kind }) =>
      kind === silent ? down : TAGS,
    );
    assert.deepEqual(choice, down);
  }
  const one = chosen(tracked({ 'update-strategy': 'digest' }, 'shop=ghcr.io/acme/shop:main'), () => down);
  assert.deepEqual(one.choice, down);
});

test('where nothing fits that is said', () => {
  const rows = [
    [tracked({}, 'shop=ghcr.io/acme/shop:^9'), TAGS, 'no tag fits the constraint and the filters'],
    [tracked({}), { kind: 'tags', tags: [] }, 'the repository has no tags'],
    [
      tracked({ 'update-strategy': 'digest', 'ignore-tags': 'ma*' }, 'shop=ghcr.io/acme/shop:main'),
      TAGS,
      '"main" is kept out by the filters',
    ],
  ] as const;
  for (const [settings, answer, problem] of rows) {
    assert.deepEqual(chosen(settings, () => answer).choice, { kind: 'none', problem });
  }
});

test('a question is the same for all who mean the same, and another for another credential', () => {
  const key = (listed: string, settings: Readonly<Record<string, string>> = {}): string => {
    const choice = choose(tracked({ 'update-strategy': 'digest', ...settings }, listed), new Map());
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

test('thousands who follow one image by one rule have its tags sorted once', () => {
  const tags = Array.from({ length: 2000 }, (_, index) => `1.${index}.0`);
  const settings = tracked({});
  const answers = new Map<string, SweepAnswer>();
  const first = choose(settings, answers);
  assert.ok(first.kind === 'ask' && first.questions[0] !== undefined);
  assert.equal(choose(tracked({}), answers), first);
  answers.set(questionKey(first.questions[0]), { kind: 'tags', tags });
  const newest = choose(settings, answers);
  assert.deepEqual(newest, { kind: 'chosen', value: { tag: '1.1999.0', digest: null } });
  for (let count = 0; count < 5000; count += 1) assert.equal(choose(settings, answers), newest);
  assert.notEqual(choose(tracked({ 'ignore-tags': '1.1999.*' }), answers), newest);
});
