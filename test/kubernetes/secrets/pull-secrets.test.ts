import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type KubernetesClient, openKubernetesClient } from '../../../src/kubernetes/client.ts';
import type { CredentialProblem } from '../../../src/kubernetes/secrets/credential-reader.ts';
import { createPullSecrets } from '../../../src/kubernetes/secrets/pull-secrets.ts';
import { type ControlPlane, startControlPlane } from '../../environment/control-plane.ts';
import { CONTROL_PLANE, skipWithout } from '../../environment/programs.ts';
import type { Manifest } from '../../support/admission.ts';
import { registriesOf } from '../../support/loopback.ts';
import {
  base64,
  dockerSecret,
  optedIn,
  PULL_SECRETS_ROLE,
  podRequest,
  pullSecretsBinding,
  secret,
  serviceAccount,
  usersOf,
  WEBHOOK_USER,
} from '../../support/pull-secrets.ts';
import { reference } from '../../support/resolver.ts';

const names = (...all: string[]) => all.map((name) => ({ name }));

describe('the credentials of a request', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  let plane: ControlPlane;
  let client: KubernetesClient;
  let namespaces = 0;
  const ends: (() => Promise<void>)[] = [];

  before(async () => {
    plane = await startControlPlane({ after: (end) => ends.push(end) });
    const kubeconfig = await plane.kubeconfigFor(WEBHOOK_USER);
    client = openKubernetesClient({ environment: {}, kubeconfig, requestsPerSecond: 1000 });
    ends.push(() => client.close());
    await plane.apply(PULL_SECRETS_ROLE);
    await plane.apply(optedIn('tagpin-system'));
    await plane.apply(pullSecretsBinding('tagpin-system'));
  });
  after(async () => {
    for (const end of ends.toReversed()) await end();
  });

  /** A namespace that the webhook may read in, with these objects, and a source of credentials with a memory of its own. */
  async function setUp(objects: (namespace: string) => readonly Manifest[], permission: 'bound' | 'none' = 'bound') {
    namespaces += 1;
    const namespace = `pull-${namespaces}`;
    const binding = permission === 'bound' ? [pullSecretsBinding(namespace)] : [];
    for (const object of [optedIn(namespace), ...binding, ...objects(namespace)]) await plane.apply(object);
    const problems: CredentialProblem[] = [];
    let passed = 0;
    const requests: string[] = [];
    const source = createPullSecrets({
      client: {
        request(wanted) {
          requests.push(wanted.path);
          return client.request(wanted);
        },
      },
      registries: () =>
        registriesOf({ hosts: [{ host: 'r.io', credentials: { secret: 'host' } }, { host: 'other.io' }] }),
      ownNamespace: 'tagpin-system',
      observe: (problem) => problems.push(problem),
      now: () => performance.now() + passed,
    });
    const pass = (seconds: number) => {
      passed += seconds * 1000;
    };
    const ask = async (spec: Manifest, image = 'other.io/acme/app:1', inNamespace = namespace) => {
      const { credentials, unread } = source(podRequest(inNamespace, spec));
      const found = await credentials(reference(image));
      return { users: usersOf(found), unread: unread().map(({ kind, name, why }) => `${kind} ${name} ${why}`) };
    };
    return { namespace, problems, requests, pass, ask, source };
  }

  test('come from the pull secrets of the Pod spec, the more special key first, as the kubelet tries them', async () => {
    const { ask } = await setUp((namespace) => [
      dockerSecret(namespace, 'a', { 'other.io': 'a-host:x', 'x.io': 'a-x:x' }),
      dockerSecret(namespace, 'b', { 'other.io/acme': 'b-path:x', 'other.io': 'b-host:x' }),
    ]);
    const { users, unread } = await ask({ imagePullSecrets: names('a', 'b') });
    assert.deepEqual(users, ['b-path', 'a-host', 'b-host']);
    assert.deepEqual((await ask({ imagePullSecrets: names('b', 'a') })).users, ['b-path', 'b-host', 'a-host']);
    assert.deepEqual(unread, []);
  });

  test('come from the ServiceAccount too, and from default where the Pod names none', async () => {
    const { ask } = await setUp((namespace) => [
      dockerSecret(namespace, 'own', { 'other.io': 'own:x' }),
      dockerSecret(namespace, 'builders', { 'other.io': 'builders:x' }),
      dockerSecret(namespace, 'everybodys', { 'other.io': 'everybodys:x' }),
      serviceAccount(namespace, 'builder', ['builders']),
      serviceAccount(namespace, 'default', ['everybodys', 'own']),
    ]);
    assert.deepEqual((await ask({})).users, ['everybodys', 'own']);
    const spec = { imagePullSecrets: names('own'), serviceAccountName: 'builder' };
    assert.deepEqual((await ask(spec)).users, ['own', 'builders']);
  });

  test('come last from the Secret that the policy names for the host, for that host alone', async () => {
    const { ask } = await setUp((namespace) => [
      dockerSecret('tagpin-system', 'host', { 'r.io': 'host:x', 'other.io': 'host-elsewhere:x' }),
      dockerSecret(namespace, 'own', { 'r.io': 'own:x' }),
    ]);
    const spec = { imagePullSecrets: names('own') };
    assert.deepEqual((await ask(spec, 'r.io/app:1')).users, ['own', 'host']);
    assert.deepEqual((await ask(spec, 'other.io/app:1')).users, []);
  });

  test('never go to a host that their keys do not name', async () => {
    const { ask } = await setUp((namespace) => [
      dockerSecret(namespace, 'a', { 'ghcr.io': 'a:x', '*.acme.io': 'b:x', '*.io': 'c:x', '*': 'd:x' }),
    ]);
    const spec = { imagePullSecrets: names('a') };
    for (const host of [
      'ghcr.io.evil.com',
      'evil.com',
      'xghcr.io',
      'ghcr.io:444',
      'a.b.acme.io',
      'acme.io',
      'evil.io',
    ]) {
      assert.deepEqual((await ask(spec, `${host}/acme/app:1`)).users, [], host);
    }
    assert.deepEqual((await ask(spec, 'ghcr.io/acme/app:1')).users, ['a']);
  });

  test('are none where a Secret is not there, of another type, or broken, and the others count', async () => {
    const { ask, problems } = await setUp((namespace) => [
      secret(namespace, 'opaque', 'Opaque', { '.dockerconfigjson': base64('{"auths":{"other.io":{"auth":"YTpi"}}}') }),
      secret(namespace, 'old', 'kubernetes.io/dockercfg', {
        '.dockercfg': base64(JSON.stringify({ 'other.io': { username: 'old', password: 'x' } })),
      }),
      secret(namespace, 'broken', 'kubernetes.io/dockerconfigjson', {
        '.dockerconfigjson': base64('{"auths":{"other.io":{"auth":"no colon"}}}'),
      }),
    ]);
    const spec = { imagePullSecrets: names('absent', 'opaque', 'broken', '../pull-1/secrets/a', 'old') };
    assert.deepEqual(await ask(spec), { users: ['old'], unread: [] });
    assert.deepEqual(problems.map(({ name }) => name).toSorted(), ['broken', 'opaque']);
    assert.ok(!JSON.stringify(problems).includes('other.io'));
  });

  test('are unread without permission, each named once, and told for the log once', async () => {
    const { ask, problems, pass } = await setUp(
      (namespace) => [dockerSecret(namespace, 'a', { 'other.io': 'a:x' })],
      'none',
    );
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual(await ask({ imagePullSecrets: names('a', 'a') }), {
        users: [],
        unread: ['Secret a forbidden', 'ServiceAccount default forbidden'],
      });
      pass(5);
    }
    assert.deepEqual(problems.map(({ kind, name }) => `${kind} ${name}`).toSorted(), [
      'Secret a',
      'ServiceAccount default',
    ]);
  });

  test('are read by name, once for many questions, and again a little later', async () => {
    const { ask, source, requests, pass, namespace } = await setUp((namespace) => [
      dockerSecret(namespace, 'a', { 'other.io': 'a:x' }),
    ]);
    const { credentials } = source(podRequest(namespace, { imagePullSecrets: names('a') }));
    assert.deepEqual(requests, []);
    await Promise.all([1, 2, 3].map((tag) => credentials(reference(`other.io/app:${tag}`))));
    await Promise.all([1, 2, 3].map(() => ask({ imagePullSecrets: names('a') })));
    const root = `/api/v1/namespaces/${namespace}`;
    assert.deepEqual(new Set(requests), new Set([`${root}/secrets/a`, `${root}/serviceaccounts/default`]));
    assert.equal(requests.length, 2);
    await plane.apply(dockerSecret(namespace, 'a', { 'other.io': 'changed:x' }));
    pass(11);
    assert.deepEqual((await ask({ imagePullSecrets: names('a') })).users, ['changed']);
  });

  test('that were missing or forbidden are found a moment after they are there', async () => {
    const { ask, pass, namespace } = await setUp(() => [], 'none');
    const spec = { imagePullSecrets: names('late') };
    assert.deepEqual((await ask(spec)).unread, ['Secret late forbidden', 'ServiceAccount default forbidden']);
    await plane.apply(pullSecretsBinding(namespace));
    await plane.apply(dockerSecret(namespace, 'late', { 'other.io': 'late:x' }));
    pass(2);
    assert.deepEqual(await ask(spec), { users: ['late'], unread: [] });
  });

  test('of one object come from 20 Secrets at most', async () => {
    const { ask, requests } = await setUp(() => []);
    await ask({ imagePullSecrets: names(...Array.from({ length: 200 }, (_, index) => `s${index}`)) });
    assert.equal(requests.length, 21);
  });

  test('are never looked for in the namespace of tagpin, nor in what is no namespace', async () => {
    const { ask, requests } = await setUp(() => [dockerSecret('tagpin-system', 'inner', { 'other.io': 'inner:x' })]);
    for (const namespace of ['tagpin-system', '', '..', 'a/b', 'x'.repeat(64)]) {
      assert.deepEqual(await ask({ imagePullSecrets: names('inner') }, 'other.io/app:1', namespace), {
        users: [],
        unread: [],
      });
    }
    assert.deepEqual(requests, []);
  });

  test('are read with get alone: the audit log has no list and no watch of the webhook', async () => {
    const events = (await plane.auditEvents()).filter(({ user }) => user.username === WEBHOOK_USER);
    assert.ok(events.length > 20);
    assert.deepEqual([...new Set(events.map(({ verb }) => verb))], ['get']);
    const answered = events.filter(({ objectRef }) => objectRef?.name === undefined);
    assert.deepEqual(answered, []);
  });
});
