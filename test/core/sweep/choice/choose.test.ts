import assert from 'node:assert/strict';
import test from 'node:test';
import type { Verdict, VerifyEntry } from '../../../../src/core/signature/verification.ts';
import { choose, holdOfChoice, notesOf } from '../../../../src/core/sweep/choice/choose.ts';
import { questionKey, type SweepAnswer, type SweepQuestion } from '../../../../src/core/sweep/choice/questions.ts';
import { type Selection, selectionOf } from '../../../../src/core/sweep/choice/selection.ts';
import { digestOf, shopSettings } from '../../../support/planned-target.ts';

const [A, B] = [digestOf('a'), digestOf('b')];

function tracked(
  settings: Readonly<Record<string, string>>,
  listed = 'shop=ghcr.io/acme/shop',
  verify: readonly VerifyEntry[] = [],
): Selection {
  return selectionOf(shopSettings({ 'image-list': listed, ...settings }), verify);
}

/** Asks until nothing is open: what was chosen, and what was asked on the way, in order. */
function chosen(settings: Selection, answer: (question: SweepQuestion) => SweepAnswer) {
  const answers = new Map<string, SweepAnswer>();
  const asked: string[] = [];
  for (;;) {
    const choice = choose(settings, answers);
    if (choice.kind !== 'ask') return { choice, asked };
    assert.ok(choice.questions.length > 0);
    for (const question of choice.questions) {
      const { kind, reference } = question;
      assert.ok(!answers.has(questionKey(question)), 'nothing is asked twice');
      asked.push(kind === 'tags' ? 'tags' : `${kind} ${reference.tag ?? reference.digest?.slice(7, 8)}`);
      answers.set(questionKey(question), answer(question));
    }
  }
}

const CHOSEN = (value: object) => ({ kind: 'chosen', value, passedOver: [], warnings: [] });
const TAGS: SweepAnswer = { kind: 'tags', tags: ['1.0.0', '1.1.0', '2.0.0', 'main'] };
const down: SweepAnswer = { kind: 'failed', code: 'Unreachable', message: 'it is away' };

test('the strategy digest asks for one digest, and for no tags', () => {
  const { choice, asked } = chosen(tracked({ 'update-strategy': 'digest' }, 'shop=ghcr.io/acme/shop:main'), () => ({
    kind: 'digest',
    digest: A,
  }));
  assert.deepEqual(asked, ['digest main']);
  assert.deepEqual(choice, CHOSEN({ tag: 'main', digest: A }));
});

test('a version is chosen by the list alone, and its digest asked for where it is written', () => {
  const answer = ({ kind }: SweepQuestion): SweepAnswer => (kind === 'tags' ? TAGS : { kind: 'digest', digest: B });
  const plain = chosen(tracked({}, 'shop=ghcr.io/acme/shop:^1'), answer);
  assert.deepEqual(plain, { choice: CHOSEN({ tag: '1.1.0', digest: null }), asked: ['tags'] });
  const pinned = chosen(tracked({ 'shop.format': 'tag+digest' }, 'shop=ghcr.io/acme/shop:^1'), answer);
  assert.deepEqual(pinned, {
    choice: CHOSEN({ tag: '1.1.0', digest: B }),
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
  assert.deepEqual(choice, CHOSEN({ tag: '1.1.0', digest: A }));
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
  assert.deepEqual(choice, CHOSEN({ tag: '1.0.0', digest: null }));
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

test('thousands who follow one image by one rule have its tags sorted once', () => {
  const tags = Array.from({ length: 2000 }, (_, index) => `1.${index}.0`);
  const settings = tracked({});
  const answers = new Map<string, SweepAnswer>();
  const first = choose(settings, answers);
  assert.ok(first.kind === 'ask' && first.questions[0] !== undefined);
  assert.equal(choose(tracked({}), answers), first);
  answers.set(questionKey(first.questions[0]), { kind: 'tags', tags });
  const newest = choose(settings, answers);
  assert.deepEqual(newest, CHOSEN({ tag: '1.1999.0', digest: null }));
  for (let count = 0; count < 5000; count += 1) assert.equal(choose(settings, answers), newest);
  assert.notEqual(choose(tracked({ 'ignore-tags': '1.1999.*' }), answers), newest);
});

const SIGNED: VerifyEntry = { name: 'ours', images: ['ghcr.io/acme/**'], action: 'deny' } as unknown as VerifyEntry;
const WATCHED: VerifyEntry = { ...SIGNED, name: 'watched', action: 'warn' };
const HOLDS: Verdict = { kind: 'verified', signer: 'a key' };
const UNSIGNED: Verdict = { kind: 'unverified', reason: 'it has no signature' };

/** Each tag has a digest of its own; what the entries say of it goes by its tag. */
function signedRegistry(verdicts: Readonly<Record<string, Verdict>>) {
  const digests = new Map(
    ['1.0.0', '1.1.0', '2.0.0', 'main'].map((tag, index) => [tag, digestOf('abcd'.charAt(index))]),
  );
  return (question: SweepQuestion): SweepAnswer => {
    const { kind, reference } = question;
    if (kind === 'tags') return TAGS;
    if (kind !== 'verify') return { kind: 'digest', digest: digests.get(reference.tag ?? '') ?? assert.fail() };
    const tag = [...digests].find(([, digest]) => digest === reference.digest)?.[0] ?? '';
    const verdict = verdicts[tag] ?? UNSIGNED;
    return {
      kind: 'verification',
      verification: { verdicts: question.entries.map((entry) => ({ entry, verdict })), signatures: [] },
    };
  };
}

test('the best that verifies is chosen, and what was better is passed over with its reason', () => {
  const settings = tracked({ 'shop.format': 'tag+digest' }, 'shop=ghcr.io/acme/shop', [SIGNED]);
  const { choice, asked } = chosen(settings, signedRegistry({ '1.1.0': HOLDS }));
  assert.deepEqual(asked, ['tags', 'digest 2.0.0', 'verify c', 'digest 1.1.0', 'verify b']);
  const passedOver = [{ tag: '2.0.0', digest: digestOf('c'), reason: 'it has no signature' }];
  assert.deepEqual(choice, { ...CHOSEN({ tag: '1.1.0', digest: digestOf('b') }), passedOver });
  assert.ok(choice.kind === 'chosen');
  assert.equal(notesOf(choice), '; passed over 2.0.0@sha256:cccccccccccc (it has no signature)');
});

test('of what is written without its digest it is said that this does not bind what was verified', () => {
  const { choice } = chosen(tracked({}, 'shop=ghcr.io/acme/shop', [SIGNED]), signedRegistry({ '2.0.0': HOLDS }));
  assert.ok(choice.kind === 'chosen');
  assert.deepEqual(choice.value, { tag: '2.0.0', digest: null });
  assert.equal(
    notesOf(choice),
    '; written as a tag alone (a format with digests binds it), which is verified as sha256:cccccccccccc',
  );
});

test('an image of which no entry speaks is not asked about', () => {
  const settings = tracked({}, 'shop=ghcr.io/other/shop', [SIGNED]);
  assert.deepEqual(chosen(settings, signedRegistry({})).asked, ['tags']);
});

test('a moved tag that does not verify is refused, and so is a list in which nothing does', () => {
  const moved = tracked({ 'update-strategy': 'digest' }, 'shop=ghcr.io/acme/shop:main', [SIGNED]);
  const followed = chosen(moved, signedRegistry({})).choice;
  assert.ok(followed.kind === 'unverified');
  assert.equal(holdOfChoice(followed).reason, 'NotVerified');
  const none = chosen(tracked({}, 'shop=ghcr.io/acme/shop', [SIGNED]), signedRegistry({})).choice;
  assert.ok(none.kind === 'unverified');
  assert.deepEqual(
    none.passedOver.map(({ tag }) => tag),
    ['2.0.0', '1.1.0', '1.0.0'],
  );
});

test('of many that do not verify only the first twenty are looked at', () => {
  const tags = Array.from({ length: 50 }, (_, index) => `1.${index}.0`);
  const answer = (question: SweepQuestion): SweepAnswer => {
    if (question.kind === 'tags') return { kind: 'tags', tags };
    return question.kind === 'verify' ? signedRegistry({})(question) : { kind: 'digest', digest: A };
  };
  const { choice, asked } = chosen(tracked({}, 'shop=ghcr.io/acme/shop', [SIGNED]), answer);
  assert.ok(choice.kind === 'unverified');
  assert.equal(choice.passedOver.length, 20);
  assert.equal(asked.filter((each) => each.startsWith('digest')).length, 20);
});

test('where it can not be found out who signed, nothing older is taken for that', () => {
  const away: Verdict = { kind: 'failed', code: 'Timeout', message: 'no answer in time' };
  const { choice } = chosen(tracked({}, 'shop=ghcr.io/acme/shop', [SIGNED]), signedRegistry({ '2.0.0': away }));
  assert.deepEqual(choice, away);
});

test('an entry that only warns stops nothing, and is told', () => {
  const settings = tracked({ 'shop.format': 'tag+digest' }, 'shop=ghcr.io/acme/shop', [WATCHED]);
  const { choice } = chosen(settings, signedRegistry({}));
  assert.ok(choice.kind === 'chosen');
  assert.equal(choice.value.tag, '2.0.0');
  assert.equal(notesOf(choice), '; verify entry watched: it has no signature');
});

test('a long list is put in order once, however many of it are looked at', () => {
  const tags = Array.from({ length: 20_000 }, (_, index) => `1.${index}.0`);
  let extracted = 0;
  const extract = (tag: string): string => {
    extracted += 1;
    return tag;
  };
  const selection = tracked({}, 'shop=ghcr.io/acme/shop:^1', [SIGNED]);
  const { choice, asked } = chosen({ ...selection, rule: { ...selection.rule, extract } }, (question) => {
    if (question.kind === 'tags') return { kind: 'tags', tags };
    return question.kind === 'verify' ? signedRegistry({})(question) : { kind: 'digest', digest: A };
  });
  assert.equal(asked.filter((each) => each.startsWith('digest')).length, 20);
  assert.equal(extracted, tags.length);
  assert.ok(choice.kind === 'unverified');
  assert.match(holdOfChoice(choice).message, /^of the best 20 nothing that verifies is left: 1\.19999\.0@/);
});

test('what is beyond the first hundred is found, where nothing before it runs there', () => {
  const tags = Array.from({ length: 150 }, (_, index) => `1.${index}.0`);
  const { choice } = chosen(tracked({ 'shop.platforms': 'linux/arm64' }, 'shop=ghcr.io/acme/shop:^1'), (question) => {
    if (question.kind === 'tags') return { kind: 'tags', tags };
    return { kind: 'inspected', digest: A, built: null, fits: question.reference.tag === '1.3.0' };
  });
  assert.deepEqual(choice, CHOSEN({ tag: '1.3.0', digest: null }));
});
