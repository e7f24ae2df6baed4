import assert from 'node:assert/strict';
import test from 'node:test';
import { createValidatePolicy } from '../../../src/webhook/policy/validate-policy.ts';
import { pemOf } from '../../support/policy.ts';

const GOOD = 'apiVersion: tagpin.dev/v1\nkind: TagPolicy\n';
const BAD = `${GOOD}defaults:\n  action: pinn\n`;

const validatePolicy = createValidatePolicy('tagpin-system');
const { signal } = new AbortController();

async function judge(object: unknown, request: Readonly<Record<string, unknown>> = {}) {
  const body = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u',
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      namespace: 'tagpin-system',
      name: 'tagpin-policy',
      operation: 'UPDATE',
      object,
      ...request,
    },
  };
  const { status, review, record } = await validatePolicy(Buffer.from(JSON.stringify(body)), signal);
  assert.equal(status, 200);
  assert.equal(record, null);
  assert.equal(review.response.uid, 'u');
  assert.ok(!('patch' in review.response) && !('patchType' in review.response), 'a validating answer has no patch');
  return review.response;
}

const policy = (text: unknown) => ({ data: { 'policy.yaml': text } });

test('a valid policy is allowed', async () => {
  assert.deepEqual(await judge(policy(GOOD)), { uid: 'u', allowed: true });
});

test('a policy that is not valid is refused with line, column and path', async () => {
  const { allowed, status } = await judge(policy(BAD));
  assert.equal(allowed, false);
  assert.equal(status?.code, 422);
  assert.match(status?.message ?? '', /policy\.yaml:4:11: defaults\.action: /);
});

test('of very many errors the first are told, and how many more there are', async () => {
  const rules = Array.from({ length: 30 }, (_, index) => `  - {name: r${index}, action: nothing}\n`).join('');
  const { status } = await judge(policy(`${GOOD}rules:\n${rules}`));
  assert.match(status?.message ?? '', /policy\.yaml:4:.*; and 25 more$/);
});

test('what is valid and can never act is warned of, in few and short lines', async () => {
  const dead = '  - {name: "NAME", match: {tags: [latest]}, action: pin, message: "nobody reads this"}\n';
  const rules = `rules:\n  - {name: all, action: pin}\n${dead.replace('NAME', 'two')}`;
  const { allowed, warnings = [] } = await judge(policy(GOOD + rules));
  assert.equal(allowed, true);
  assert.deepEqual(warnings, [
    'policy.yaml:5:5: rules[1]: no image reaches it: rule "all" before it matches all that it matches: move it up, or remove…',
    'policy.yaml:5:57: rules[1].message: has no effect: nobody is told of what is pinned: remove it',
  ]);
  const many = Array.from({ length: 20 }, (_, index) => dead.replace('NAME', `r${index}`)).join('');
  const told = (await judge(policy(GOOD + rules + many))).warnings ?? [];
  assert.equal(told.length, 5);
  assert.equal(told.at(-1), 'and 38 more: tagpin policy check FILE');
});

test('entries of signatures are taken where they can be verified, and refused at their line where they can not', async () => {
  const entry = (keys: string): object => policy(`${GOOD}verify:\n  - {name: a, images: ["**"], keys: [${keys}]}\n`);
  assert.equal((await judge(entry(JSON.stringify(pemOf('PUBLIC KEY'))))).allowed, true);
  const { allowed, status } = await judge(entry('"x"'));
  assert.equal(allowed, false);
  assert.match(
    status?.message ?? '',
    /policy\.yaml:4:\d+: verify\[0\]\.keys\[0\]: has no block -----BEGIN PUBLIC KEY-----/,
  );
});

const REFUSED: readonly (readonly [string, unknown])[] = [
  ['no data', {}],
  ['another key only', { data: { 'other.yaml': GOOD } }],
  ['a key that is no text', policy(7)],
  ['an empty text', policy('')],
  ['nothing at all', null],
  ['YAML that is none', policy('a: [')],
];

for (const [what, object] of REFUSED) {
  test(`the ConfigMap with ${what} is refused`, async () => {
    const { allowed, status } = await judge(object);
    assert.equal(allowed, false);
    assert.match(status?.message ?? '', /policy\.yaml/);
  });
}

const ALLOWED: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['its deletion', { operation: 'DELETE', object: null }],
  ['another name', { name: 'tagpin-policy-accepted' }],
  ['another namespace', { namespace: 'shop' }],
  ['another kind', { kind: { group: '', version: 'v1', kind: 'Secret' } }],
];

for (const [what, request] of ALLOWED) {
  test(`${what} is allowed, whatever is in it`, async () => {
    assert.equal((await judge(policy(BAD), request)).allowed, true);
  });
}

test('a body that is no review is refused with one', async () => {
  for (const body of ['', '{', '[]', '{"request":{"uid":"u"}}']) {
    const { status, review } = await validatePolicy(Buffer.from(body), signal);
    assert.equal(status, 400);
    assert.equal(review.response.allowed, false);
  }
});
