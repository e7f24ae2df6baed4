import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { issueAuthority, validFor } from '../../src/certificates/issue.ts';
import { openKubernetesClient } from '../../src/kubernetes/client.ts';
import { type ConfigurationKind, openWebhookConfigurations } from '../../src/kubernetes/webhook-configurations.ts';
import type { ApiObject } from '../environment/control-plane.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { sharedControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { type TestWebhook, webhookConfiguration } from '../support/webhook-configurations.ts';

const { certificate: BUNDLE } = await issueAuthority({ name: 'authority', ...validFor(new Date(), 60_000) });
const ENCODED = Buffer.from(BUNDLE).toString('base64');
const MUTATING = 'MutatingWebhookConfiguration';
const VALIDATING = 'ValidatingWebhookConfiguration';

let names = 0;

describe('the webhook configurations', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();

  function setUp() {
    const { client, plane } = shared;
    names += 1;
    const name = `example-${names}`;
    const pathOf = (kind: ConfigurationKind): string =>
      `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}s/${name}`;
    return {
      client,
      name,
      pathOf,
      configurations: openWebhookConfigurations(client, name),
      make: (kind: ConfigurationKind, webhooks: readonly TestWebhook[]) =>
        plane.apply(webhookConfiguration(kind, name, webhooks)),
      bundles: async (kind: ConfigurationKind): Promise<Record<string, string | undefined>> => {
        const { webhooks } = await plane.get(pathOf(kind));
        return Object.fromEntries(webhooks.map((one: ApiObject) => [one.name, one.clientConfig.caBundle]));
      },
    };
  }

  test('are read as they are, also where they are not there', async () => {
    const { configurations, make, name } = setUp();
    const absent = [MUTATING, VALIDATING].map((kind) => ({ kind, name, state: null }));
    assert.deepEqual(await configurations.read(), absent);
    await make(MUTATING, [{ name: 'a.tagpin.dev' }, { name: 'b.tagpin.dev', url: 'https://[::1]:8443/mutate' }]);
    const [mutating, validating] = await configurations.read();
    assert.deepEqual(validating, absent[1]);
    assert.deepEqual(mutating?.state?.webhooks, [
      { name: 'a.tagpin.dev', caBundle: '', host: 'tagpin-webhook.tagpin-system.svc' },
      { name: 'b.tagpin.dev', caBundle: '', host: '::1' },
    ]);
    assert.equal(mutating.state.injector, null);
  });

  test('get a caBundle for the webhooks that are named, and nothing else changes', async () => {
    const { configurations, make, bundles, pathOf } = setUp();
    await make(VALIDATING, [{ name: 'a.example.org' }, { name: 'b.example.org' }, { name: 'c.example.org' }]);
    const before = await shared.plane.get(pathOf(VALIDATING));
    const [, read] = await configurations.read();
    assert.ok(read);
    assert.equal(await configurations.write(read, ['a.example.org', 'c.example.org'], BUNDLE), 'written');
    const expected = { 'a.example.org': ENCODED, 'b.example.org': undefined, 'c.example.org': ENCODED };
    assert.deepEqual(await bundles(VALIDATING), expected);
    const after = await shared.plane.get(pathOf(VALIDATING));
    assert.equal(after.metadata.managedFields.at(-1).manager, 'tagpin');
    for (const webhook of after.webhooks) delete webhook.clientConfig.caBundle;
    assert.deepEqual(after.webhooks, before.webhooks);
  });

  test('are not written over another version than was read: webhooks may have moved', async () => {
    const { configurations, make, bundles } = setUp();
    await make(MUTATING, [{ name: 'a.example.org' }, { name: 'b.example.org' }]);
    const [read] = await configurations.read();
    assert.ok(read);
    await make(MUTATING, [{ name: 'b.example.org' }, { name: 'a.example.org' }]);
    assert.equal(await configurations.write(read, ['a.example.org'], BUNDLE), 'conflict');
    assert.deepEqual(await bundles(MUTATING), { 'a.example.org': undefined, 'b.example.org': undefined });
    const [again] = await configurations.read();
    assert.ok(again);
    assert.equal(await configurations.write(again, ['a.example.org'], BUNDLE), 'written');
    assert.deepEqual(await bundles(MUTATING), { 'a.example.org': ENCODED, 'b.example.org': undefined });
  });

  test('that are gone when they are written are a conflict', async () => {
    const { configurations, make, client, pathOf } = setUp();
    await make(MUTATING, [{ name: 'a.example.org' }]);
    const [read, absent] = await configurations.read();
    assert.ok(read && absent);
    await client.request({ method: 'DELETE', path: pathOf(MUTATING) });
    assert.equal(await configurations.write(read, ['a.example.org'], BUNDLE), 'conflict');
    assert.equal(await configurations.write(absent, ['a.example.org'], BUNDLE), 'conflict');
  });

  test('that we may not write are an error', async (t: TestContext) => {
    const { configurations, make, name } = setUp();
    await make(MUTATING, [{ name: 'a.example.org' }]);
    const [read] = await configurations.read();
    assert.ok(read);
    const kubeconfig = await shared.plane.kubeconfigFor('nobody');
    const client = openKubernetesClient({ environment: {}, kubeconfig });
    t.after(() => client.close());
    const forbidden = openWebhookConfigurations(client, name);
    await assert.rejects(forbidden.read(), { code: 'Forbidden' });
    await assert.rejects(forbidden.write(read, ['a.example.org'], BUNDLE), { code: 'Forbidden' });
    await assert.rejects(
      forbidden.watch(() => {}, t.signal),
      { code: 'Forbidden' },
    );
  });

  test('have another revision when their webhooks change, and the same when their labels do', async () => {
    const { configurations, make, client, pathOf } = setUp();
    await make(MUTATING, [{ name: 'a.example.org' }]);
    const revision = async () => (await configurations.read())[0]?.state?.revision;
    const first = await revision();
    const body = { metadata: { labels: { a: 'b' }, annotations: { 'cert-manager.io/inject-ca-from': 'a/b' } } };
    await client.request({ method: 'PATCH', path: pathOf(MUTATING), patch: 'merge', body });
    assert.equal(await revision(), first);
    const [read] = await configurations.read();
    assert.equal(read?.state?.injector, 'cert-manager.io/inject-ca-from');
    await configurations.write(read, ['a.example.org'], BUNDLE);
    assert.notEqual(await revision(), first);
  });

  test('tell of what is there and of each change, of both kinds and of their name only', async (t: TestContext) => {
    const { configurations, make, client, pathOf } = setUp();
    const other = setUp();
    await make(MUTATING, [{ name: 'a.example.org' }]);
    let changes = 0;
    const ending = new AbortController();
    t.after(() => ending.abort());
    const watched = configurations.watch(() => (changes += 1), ending.signal);
    watched.catch(() => {});
    const reached = (count: number) => eventually(`${count} changes`, () => changes === count);
    await reached(1);
    await make(VALIDATING, [{ name: 'a.example.org' }]);
    await reached(2);
    await other.make(VALIDATING, [{ name: 'a.example.org' }]);
    await client.request({ method: 'DELETE', path: pathOf(MUTATING) });
    await reached(3);
    ending.abort(new Error('enough'));
    await assert.rejects(watched, /enough/);
  });
});
