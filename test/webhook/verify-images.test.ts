import assert from 'node:assert/strict';
import test from 'node:test';
import type { Policy } from '../../src/core/policy/schema.ts';
import { DEFAULT_POLICY } from '../../src/core/policy/schema.ts';
import { verifySchema } from '../../src/core/policy/sections/signatures.ts';
import type { Verdict } from '../../src/core/signature/verification.ts';
import { createMutate } from '../../src/webhook/mutate.ts';
import type { VerifyImage } from '../../src/webhook/verify-images.ts';
import { deployment, digest, type Manifest, pod } from '../support/admission.ts';
import { pemOf } from '../support/policy.ts';

const [A, B] = [digest('a'), digest('b')];
const ENTRY = verifySchema.parse({ name: 'ours', images: ['**'], keys: [pemOf('PUBLIC KEY')] });
const SIGNED: Verdict = { kind: 'verified', signer: 'a key' };

/** A webhook that verifies by a function: what registries and signatures make of it is the verifier's own affair. */
function mutateWith(verify: VerifyImage, entry: Policy['verify'][number] = ENTRY) {
  return createMutate({
    policy: () => ({ ...DEFAULT_POLICY, verify: [entry] }),
    resolve: async () => ({ kind: 'resolved', digest: A, mediaType: null, source: 'registry' }),
    verify,
    namespaceLabels: () => ({}),
    keychain: () => ({
      credentials: async () => [],
      unread: () => [{ kind: 'Secret', namespace: 'shop', name: 'pull', why: 'forbidden' }],
    }),
  });
}

const saying =
  (verdict: Verdict): VerifyImage =>
  async ({ entries }) => ({ verdicts: entries.map((entry) => ({ entry, verdict })), signatures: [] });

const silent: VerifyImage = () => new Promise(() => {});

function review(object: Manifest, more: Manifest = {}): Buffer {
  const kind = { group: object['kind'] === 'Pod' ? '' : 'apps', version: 'v1', kind: object['kind'] };
  const request = { uid: 'u', kind, namespace: 'shop', operation: 'CREATE', userInfo: { username: 'alice' }, object };
  const body = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { ...request, ...more } };
  return Buffer.from(JSON.stringify(body));
}

const never = new AbortController().signal;

test('what a tag means is verified in the same review, for its namespace', async () => {
  const asked: string[] = [];
  const mutate = mutateWith(async (question) => {
    asked.push(`${question.limit} ${question.reference.text} ${question.entries.map(({ name }) => name).join()}`);
    return await saying(SIGNED)(question);
  });
  const { review: answer } = await mutate(review(deployment({ app: 'nginx:1' })), never);
  assert.deepEqual([answer.response.allowed, asked], [true, [`shop nginx@${A} ours`]]);
});

test('all images of a review are verified at once, and each digest once', async () => {
  let waiting = 0;
  const both = Promise.withResolvers<void>();
  const mutate = mutateWith(async (question) => {
    waiting += 1;
    if (waiting === 2) both.resolve();
    await both.promise;
    return await saying(SIGNED)(question);
  });
  const images = { one: 'nginx:1', same: 'nginx:1', two: `redis@${B}` };
  const { review: answer } = await mutate(review(deployment(images)), AbortSignal.timeout(2000));
  assert.deepEqual([answer.response.allowed, waiting], [true, 2]);
});

test('a verifier that never answers is not waited for past the budget: the image is refused, 503', async () => {
  const { review: answer, record } = await mutateWith(silent)(
    review(deployment({ app: 'nginx:1' })),
    AbortSignal.timeout(50),
  );
  assert.equal(answer.response.status?.code, 503);
  assert.match(answer.response.status?.message ?? '', /\(Timeout\)/);
  assert.deepEqual(record?.images[0]?.verified, [
    { entry: 'ours', result: 'failed', detail: 'Timeout: there was no answer in time' },
  ]);
});

test('a Pod of a controller of Kubernetes does not wait for the whole budget', async () => {
  const started = performance.now();
  const userInfo = { username: 'system:serviceaccount:kube-system:replicaset-controller' };
  const body = review(pod({ app: `nginx@${A}` }), { userInfo });
  const { review: answer } = await mutateWith(silent)(body, AbortSignal.timeout(60_000));
  assert.equal(answer.response.allowed, true);
  assert.ok(performance.now() - started < 30_000);
});

test('a dry run gets the same answer', async () => {
  for (const verdict of [SIGNED, { kind: 'unverified', reason: 'no' } as const]) {
    const mutate = mutateWith(saying(verdict));
    const real = await mutate(review(deployment({ app: 'nginx:1' })), never);
    const dry = await mutate(review(deployment({ app: 'nginx:1' }), { dryRun: true }), never);
    assert.deepEqual([dry.review, dry.record], [real.review, null]);
  }
});

test('where a registry refused to show signatures, what could not be read of credentials is told', async () => {
  const verdict = { kind: 'failed', code: 'Unauthorized', message: 'the registry wants other credentials' } as const;
  const object = deployment({ app: `nginx@${A}` });
  const { review: denied } = await mutateWith(saying(verdict))(review(object), never);
  assert.match(denied.response.status?.message ?? '', /; tagpin may not read Secret pull in shop/);
  const mild = mutateWith(saying(verdict), { ...ENTRY, action: 'warn' });
  const { review: warned } = await mild(review(object), never);
  assert.equal(warned.response.warnings?.[0], 'may not read Secret pull in shop: tagpin namespace enable shop');
});

test('an image of which no entry speaks is verified by nobody', async () => {
  const mutate = mutateWith(() => assert.fail('no entry speaks of it'), { ...ENTRY, images: ['ghcr.io/**'] });
  const { review: answer } = await mutate(review(deployment({ app: 'nginx:1' })), never);
  assert.equal(answer.response.allowed, true);
});
