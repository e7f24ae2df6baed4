import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Unread } from '../../src/core/admission/unread.ts';
import type { Credential } from '../../src/core/image/credentials.ts';
import { DEFAULT_POLICY } from '../../src/core/policy/schema.ts';
import { createResolver } from '../../src/registry/resolver.ts';
import { createMutate } from '../../src/webhook/mutate.ts';
import { deployment, type Manifest, policyOf } from '../support/admission.ts';
import { registriesOf } from '../support/loopback.ts';
import { type RegistryOptions, startRegistry } from '../support/registry.ts';
import { ROBOT } from '../support/resolver.ts';

const unreadIn = (namespace: string): Unread => ({ kind: 'Secret', namespace, name: 'pull', why: 'forbidden' });

/** A registry with a private image, and a webhook that has its credential for the namespace `holder` alone. */
async function setUp(t: TestContext, options: RegistryOptions, onUnresolved = 'lastKnown') {
  const registry = await startRegistry(options);
  const registries = registriesOf({
    freshFor: '60s',
    hosts: [{ host: registry.host, plainHttp: true, authRealms: [registry.tokenHost] }],
  });
  let passed = 0;
  const resolver = createResolver({ settings: () => registries, now: () => performance.now() + passed });
  t.after(async () => {
    await resolver.close();
    await registry.close();
  });
  const digest = registry.pushImage('app', '1');
  const { defaults } = onUnresolved === 'deny' ? policyOf('defaults: {onUnresolved: deny}') : DEFAULT_POLICY;
  const loads: string[] = [];
  const mutate = createMutate({
    policy: () => ({ ...DEFAULT_POLICY, defaults, registries }),
    resolve: (question) => resolver.resolve(question),
    verify: () => assert.fail('no entry speaks of anything'),
    namespaceLabels: () => ({}),
    keychain: ({ namespace }) => ({
      async credentials(): Promise<readonly Credential[]> {
        loads.push(namespace);
        return namespace === 'holder' ? [ROBOT] : [];
      },
      unread: () => (namespace === 'unread' && loads.includes(namespace) ? [unreadIn(namespace)] : []),
    }),
  });
  const admit = async (namespace: string, more: Manifest = {}) => {
    const request = {
      uid: 'u',
      kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      namespace,
      operation: 'CREATE',
      userInfo: { username: 'alice' },
      object: deployment({ app: `${registry.host}/app:1` }),
      ...more,
    };
    const body = Buffer.from(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request }));
    const { review, record } = await mutate(body, new AbortController().signal);
    return { ...review.response, image: record?.images[0] };
  };
  const pass = (seconds: number) => {
    passed += seconds * 1000;
  };
  return { registry, digest, admit, loads, pass };
}

for (const auth of ['basic', 'token'] as const) {
  test(`a digest learnt with a credential is not told to a namespace without it (${auth})`, async (t) => {
    const { registry, digest, admit, pass } = await setUp(t, { auth });
    assert.equal((await admit('other')).image?.source, 'registry:Unauthorized');
    assert.equal((await admit('holder')).image?.digest, digest);
    // The holder's answer is in the cache now, and so is its token.
    assert.equal((await admit('holder')).image?.source, 'cache');
    for (const namespace of ['other', 'another']) {
      const { image, patch, warnings = [] } = await admit(namespace);
      assert.equal(image?.source, 'registry:Unauthorized');
      assert.equal(patch, undefined);
      assert.ok(!JSON.stringify(warnings).includes(digest.slice(7, 19)));
    }
    // Nor as what was last seen, when the registry answers nobody any more.
    registry.fault({ kind: 'status', status: 500 });
    pass(61);
    assert.deepEqual(
      [(await admit('holder')).image?.source, (await admit('holder')).image?.digest],
      ['last-known', digest],
    );
    assert.deepEqual(
      [(await admit('another')).image?.source, (await admit('another')).image?.digest],
      ['registry:Unreachable', null],
    );
  });
}

test('where a pull secret could not be read and the registry refuses, the warning says what to do', async (t) => {
  const { admit } = await setUp(t, { auth: 'basic' });
  const line = 'may not read Secret pull in unread: tagpin namespace enable unread';
  assert.equal((await admit('unread')).warnings?.[0], line);
  assert.ok(!((await admit('other')).warnings ?? []).includes(line));
  const system = await admit('unread', { userInfo: { username: 'system:kube-controller-manager' } });
  assert.equal(system.warnings, undefined);
});

test('a denial for want of a credential says it in its message', async (t) => {
  const { admit } = await setUp(t, { auth: 'basic' }, 'deny');
  const { allowed, status } = await admit('unread');
  assert.equal(allowed, false);
  assert.match(
    status?.message ?? '',
    /can't be pinned: .* wants credentials .*; tagpin may not read Secret pull in unread: tagpin namespace enable unread$/,
  );
});

test('credentials are not looked for until a registry has to be asked', async (t) => {
  const { admit, loads, digest, registry } = await setUp(t, { auth: 'basic' });
  await admit('unread', { object: deployment({ app: `${registry.host}/app@${digest}` }) });
  const pins = JSON.stringify({ 'containers/app': { digest, ref: `${registry.host}/app:1` }, v: 1 });
  const oldObject = deployment({ app: `${registry.host}/app@${digest}` }, { annotations: { 'tagpin.dev/pins': pins } });
  const { image, warnings } = await admit('unread', { operation: 'UPDATE', oldObject });
  assert.equal(image?.source, 'own-pin');
  assert.equal(warnings, undefined);
  assert.deepEqual(loads, []);
});
