import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_POLICY, type Policy, parsePolicy } from '../../src/core/policy/schema.ts';
import { createResolver } from '../../src/registry/resolver.ts';
import { createMutate } from '../../src/webhook/mutate.ts';
import { deployment, digest, type Manifest, pod } from '../support/admission.ts';
import { type Loopback, registriesOf, startLoopback } from '../support/loopback.ts';
import { verifyEntry } from '../support/signed-image.ts';

const A = digest('a');

/** A registry where every tag means A, but for `slow`, which never answers, and `gone`, which is not there. */
async function startRegistry(context: TestContext): Promise<Loopback> {
  const registry = await startLoopback((request, response) => {
    const path = request.url ?? '';
    if (path.endsWith('/slow')) return;
    const headers = {
      'Docker-Content-Digest': A,
      'Content-Type': 'application/vnd.oci.image.index.v1+json',
      'Content-Length': '100',
    };
    if (path.endsWith('/gone')) response.writeHead(404).end();
    else response.writeHead(200, headers).end();
  });
  context.after(() => registry.close());
  return registry;
}

function mutateWith(context: TestContext, registry: Loopback | null, policies?: () => Policy) {
  const registries = registriesOf({ hosts: registry === null ? [] : [{ host: registry.host, plainHttp: true }] });
  const resolver = createResolver({ settings: () => registries });
  context.after(() => resolver.close());
  const policy: Policy = { ...DEFAULT_POLICY, registries };
  return createMutate({
    policy: policies ?? (() => policy),
    resolve: (question) => resolver.resolve(question),
    verify: () => assert.fail('no entry speaks of anything'),
    namespaceLabels: (namespace) => ({ 'kubernetes.io/metadata.name': namespace }),
    keychain: () => ({ credentials: async () => [], unread: () => [] }),
  });
}

function review(object: Manifest, more: Manifest = {}): Buffer {
  const request = {
    uid: 'u',
    kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    namespace: 'shop',
    operation: 'CREATE',
    userInfo: { username: 'alice' },
    object,
    ...more,
  };
  return Buffer.from(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request }));
}

const never = new AbortController().signal;

test('a review is read, its tags are asked of a real registry, and the answer carries the patch', async (context) => {
  const registry = await startRegistry(context);
  const mutate = mutateWith(context, registry);
  const {
    status,
    review: answer,
    record,
    namespace,
  } = await mutate(review(deployment({ app: `${registry.host}/app:1` })), never);
  assert.equal(status, 200);
  assert.equal(namespace, 'shop');
  assert.match(atob(answer.response.patch ?? ''), new RegExp(`${registry.host}/app@${A}`));
  assert.deepEqual(record?.images[0]?.source, 'registry');
});

test('what came in time is kept when the budget ends, the rest is left with the reason', async (context) => {
  const registry = await startRegistry(context);
  const mutate = mutateWith(context, registry);
  const images = {
    quick: `${registry.host}/app:1`,
    late: `${registry.host}/app:slow`,
    none: `${registry.host}/app:gone`,
  };
  const { record } = await mutate(review(deployment(images)), AbortSignal.timeout(400));
  assert.deepEqual(
    record?.images.map((image) => image.source),
    ['registry', 'registry:Timeout', 'registry:NotFound'],
  );
});

test('a dry run gets the same answer and leaves no audit line', async (context) => {
  const registry = await startRegistry(context);
  const mutate = mutateWith(context, registry);
  const object = deployment({ app: `${registry.host}/app:1` });
  const real = await mutate(review(object), never);
  const dry = await mutate(review(object, { dryRun: true }), never);
  assert.deepEqual(dry.review, real.review);
  assert.equal(dry.record, null);
  assert.notEqual(real.record, null);
});

test('one policy holds for all rounds of one review', async (context) => {
  const registry = await startRegistry(context);
  let reads = 0;
  const policy: Policy = {
    ...DEFAULT_POLICY,
    registries: registriesOf({ hosts: [{ host: registry.host, plainHttp: true }] }),
  };
  const mutate = mutateWith(context, registry, () => {
    reads += 1;
    return policy;
  });
  await mutate(review(deployment({ app: `${registry.host}/app:1` })), never);
  assert.equal(reads, 1);
});

test('labels that have to be waited for count as those that are known', async () => {
  const parsed = parsePolicy(
    'apiVersion: tagpin.dev/v1\nkind: TagPolicy\nrules: [{name: a, match: {namespaceLabels: {env: production}}, action: deny}]\n',
  );
  assert.ok(parsed.ok);
  const { policy } = parsed;
  const labels = { env: 'production' };
  for (const namespaceLabels of [() => labels, async () => labels]) {
    const mutate = createMutate({
      policy: () => policy,
      resolve: () => assert.fail('nothing has to be asked'),
      verify: () => assert.fail('no entry speaks of anything'),
      namespaceLabels,
      keychain: () => ({ credentials: async () => [], unread: () => [] }),
    });
    const { review: answer } = await mutate(review(deployment({ app: 'nginx:1' })), never);
    assert.equal(answer.response.allowed, false);
  }
});

test('past its share a review is denied, and not sent away, where an image has to be signed', async () => {
  const verify = [{ ...verifyEntry({ images: ['docker.io/library/nginx'] }), trustRoot: 'public' as const }];
  const limited: string[] = [];
  const mutate = createMutate({
    policy: () => ({ ...DEFAULT_POLICY, verify }),
    resolve: async ({ reference, pastLimit }) => {
      limited.push(`${reference.text} ${pastLimit}`);
      return { kind: 'failed', code: 'RateLimited', message: 'more than its share', lastKnown: null };
    },
    verify: () => assert.fail('there is no digest to verify'),
    namespaceLabels: () => ({}),
    keychain: () => ({ credentials: async () => [], unread: () => [] }),
  });
  const { review: answer } = await mutate(review(deployment({ app: 'nginx:1', other: 'redis:1' })), never);
  assert.deepEqual(limited, ['nginx:1 fail', 'redis:1 send away']);
  assert.equal(answer.response.allowed, false);
  assert.equal(answer.response.status?.code, 503);
  limited.length = 0;
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const userInfo = { username: 'system:serviceaccount:kube-system:job-controller' };
  await mutate(review(pod({ app: 'nginx:1' }), { kind, userInfo }), never);
  assert.deepEqual(limited, ['nginx:1 send away']);
});

test('a private address that no policy lists is never asked', async (context) => {
  const registry = await startRegistry(context);
  const mutate = mutateWith(context, null);
  const { record } = await mutate(review(deployment({ app: `${registry.host}/app:1` })), never);
  assert.equal(record?.images[0]?.source, 'registry:NotAllowed');
  assert.equal(registry.connections(), 0);
});

test('arbitrary bytes get a review that refuses them', async (context) => {
  const mutate = mutateWith(context, null);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const { status, review: answer } = await mutate(Buffer.from(bytes), never);
      assert.equal(status, 400);
      assert.equal(answer.kind, 'AdmissionReview');
      assert.equal(answer.response.allowed, false);
    }),
    { seed: 9, numRuns: 300 },
  );
});
