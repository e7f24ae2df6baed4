import assert from 'node:assert/strict';
import test from 'node:test';
import type { Resolution } from '../../src/core/image/resolution.ts';
import { verifySchema } from '../../src/core/policy/sections/signatures.ts';
import type { Verdict, Verification } from '../../src/core/signature/verification.ts';
import { Gate, limitQuestions, limitVerifications, TooManyQuestions } from '../../src/webhook/limits.ts';
import type { ResolveDigest } from '../../src/webhook/mutate.ts';
import { pemOf } from '../support/policy.ts';
import { reference } from '../support/resolver.ts';

test('a gate lets in as many as may run, and who leaves makes room', () => {
  const gate = new Gate({ running: 2, waiting: 0, patienceMilliseconds: 1000 });
  assert.deepEqual([gate.enter(), gate.enter(), gate.enter()], [true, true, false]);
  gate.leave();
  assert.deepEqual([gate.enter(), gate.enter()], [true, false]);
});

test('who waits at a gate gets in by turns, and who finds too many waiting does not wait', async () => {
  const gate = new Gate({ running: 1, waiting: 2, patienceMilliseconds: 1000 });
  assert.equal(gate.enter(), true);
  const order: string[] = [];
  const first = Promise.resolve(gate.enter()).then((isIn) => order.push(`first ${isIn}`));
  const second = Promise.resolve(gate.enter()).then((isIn) => order.push(`second ${isIn}`));
  assert.equal(gate.enter(), false);
  gate.leave();
  await first;
  assert.deepEqual(order, ['first true']);
  gate.leave();
  await second;
  assert.deepEqual(order, ['first true', 'second true']);
  assert.equal(gate.enter() === true, false, 'the place went to the second, who has not left');
  gate.leave();
});

test('who has waited too long is sent away and takes no place', async () => {
  const gate = new Gate({ running: 1, waiting: 1, patienceMilliseconds: 10 });
  assert.equal(gate.enter(), true);
  assert.equal(await gate.enter(), false);
  gate.leave();
  assert.equal(gate.enter(), true);
});

const found: Resolution = {
  kind: 'resolved',
  digest: 'sha256:0' as never,
  mediaType: null,
  source: 'registry',
};

function limited(answer: (limit: string) => Resolution, perSecond = 2, burst = 3) {
  let time = 0;
  let asked = 0;
  const resolve: ResolveDigest = async ({ limit }) => {
    asked += 1;
    return answer(limit);
  };
  const ask = limitQuestions(resolve, { perSecond, burst, now: () => time });
  const keychain = async () => [];
  const { signal } = new AbortController();
  return {
    ask: (limit: string, pastLimit: 'send away' | 'fail' = 'send away') =>
      ask({ reference: reference('nginx'), keychain, limit, pastLimit, signal }),
    wait: (milliseconds: number): void => {
      time += milliseconds;
    },
    asked: () => asked,
  };
}

test('a question that may not send its review away fails past the share, and costs nothing of it', async () => {
  const { ask, wait, asked } = limited(() => found);
  for (let index = 0; index < 3; index += 1) await ask('shop', 'fail');
  const refused = await ask('shop', 'fail');
  assert.deepEqual(refused.kind === 'failed' && refused.code, 'RateLimited');
  assert.equal(asked(), 3);
  wait(500);
  assert.equal((await ask('shop', 'fail')).kind, 'resolved');
});

test('a namespace may ask a burst of questions, and then as many a second', async () => {
  const { ask, wait, asked } = limited(() => found);
  for (let index = 0; index < 3; index += 1) await ask('shop');
  await assert.rejects(ask('shop'), TooManyQuestions);
  assert.equal(asked(), 3);
  wait(500);
  await ask('shop');
  await assert.rejects(ask('shop'), TooManyQuestions);
  wait(60_000);
  for (let index = 0; index < 3; index += 1) await ask('shop');
  await assert.rejects(ask('shop'), TooManyQuestions);
});

test('one namespace does not use up the share of another', async () => {
  const { ask } = limited(() => found);
  for (let index = 0; index < 3; index += 1) await ask('shop');
  await assert.rejects(ask('shop'), TooManyQuestions);
  await ask('other');
});

test('answers from memory cost nothing, failures do', async () => {
  const { ask } = limited((limit) =>
    limit === 'cached'
      ? { ...found, source: 'cache' }
      : { kind: 'failed', code: 'NotFound', message: 'not there', lastKnown: null },
  );
  for (let index = 0; index < 50; index += 1) await ask('cached');
  for (let index = 0; index < 3; index += 1) await ask('failing');
  await assert.rejects(ask('failing'), TooManyQuestions);
});

test('who asked too much is told when to come again, in whole seconds', async () => {
  const { ask } = limited(() => found, 0.25, 1);
  await ask('shop');
  await assert.rejects(ask('shop'), { retryAfterSeconds: 4 });
  const quick = limited(() => found, 100, 1);
  await quick.ask('shop');
  await assert.rejects(quick.ask('shop'), { retryAfterSeconds: 1 });
});

test('namespaces without number do not grow the memory without end, and the busy ones are kept', async () => {
  const { ask } = limited(() => found);
  for (let index = 0; index < 25_000; index += 1) {
    if (index % 5000 === 0 && index < 15_000) await ask('busy');
    await ask(`namespace-${index}`);
  }
  await ask('busy');
});

const ENTRY = verifySchema.parse({ name: 'ours', images: ['**'], keys: [pemOf('PUBLIC KEY')] });

function limitedVerifications(found: Omit<Verification, 'verdicts'>, verdict: Verdict) {
  let asked = 0;
  const verify = limitVerifications(
    async () => {
      asked += 1;
      return { ...found, verdicts: [{ entry: ENTRY, verdict }] };
    },
    { perSecond: 1, burst: 2, now: () => 0 },
  );
  const keychain = async () => [];
  const { signal } = new AbortController();
  const entries = [ENTRY];
  return {
    ask: async (limit: string) =>
      (await verify({ reference: reference('nginx'), entries, keychain, limit, signal })).verdicts,
    asked: () => asked,
  };
}

test('a namespace past its share of verifications is told so, and no other namespace', async () => {
  const verdict: Verdict = { kind: 'unverified', reason: 'no' };
  const { ask, asked } = limitedVerifications({ signatures: [] }, verdict);
  await ask('shop');
  await ask('shop');
  const [limited] = await ask('shop');
  assert.equal(limited?.entry, ENTRY);
  assert.deepEqual(limited?.verdict.kind === 'failed' && limited.verdict.code, 'RateLimited');
  assert.deepEqual(
    (await ask('bank')).map((each) => each.verdict),
    [verdict],
  );
  assert.equal(asked(), 3);
});

test('what was verified before takes nothing of the share', async () => {
  const { ask, asked } = limitedVerifications({ signatures: [] }, { kind: 'verified', signer: 'a key' });
  for (let index = 0; index < 10; index += 1) await ask('shop');
  assert.equal(asked(), 10);
  const signatures = [{ format: 'bundle', place: 'sha256:1', entry: 'ours', signer: 'a key', checks: [] }] as const;
  const first = limitedVerifications({ signatures }, { kind: 'verified', signer: 'a key' });
  for (let index = 0; index < 10; index += 1) await first.ask('shop');
  assert.equal(first.asked(), 2);
});
