import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type KubernetesClient, openKubernetesClient } from '../../../src/kubernetes/client.ts';
import {
  bindPullSecrets,
  findPullSecretsRole,
  unbindPullSecrets,
} from '../../../src/kubernetes/namespaces/role-bindings.ts';
import { isKubernetesError } from '../../../src/kubernetes/request/error.ts';
import { type ControlPlane, startControlPlane } from '../../environment/control-plane.ts';
import { CONTROL_PLANE, skipWithout } from '../../environment/programs.ts';
import type { Manifest } from '../../support/admission.ts';
import { optedIn, PULL_SECRETS_ROLE, pullSecretsBinding, WEBHOOK_USER } from '../../support/pull-secrets.ts';

describe('the RoleBinding for pull secrets', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  let plane: ControlPlane;
  let client: KubernetesClient;
  let namespaces = 0;
  const ends: (() => Promise<void>)[] = [];

  const open = (kubeconfig: string): KubernetesClient => {
    const opened = openKubernetesClient({ environment: {}, kubeconfig, requestsPerSecond: 1000 });
    ends.push(() => opened.close());
    return opened;
  };
  before(async () => {
    plane = await startControlPlane({ after: (end) => ends.push(end) });
    client = open(plane.kubeconfig);
    assert.equal(await findPullSecretsRole(client), 'missing');
    await plane.apply(PULL_SECRETS_ROLE);
  });
  after(async () => {
    for (const end of ends.toReversed()) await end();
  });

  async function setUp(existing: (namespace: string) => Manifest | null = () => null) {
    namespaces += 1;
    const namespace = `bind-${namespaces}`;
    await plane.apply(optedIn(namespace));
    const object = existing(namespace);
    if (object !== null) await plane.apply(object);
    const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`;
    const stored = async () =>
      (await plane.get(path)).items.map(({ roleRef, subjects }: Manifest) => ({ roleRef, subjects }));
    const options = { client, namespace, ownNamespace: 'tagpin-system', mode: 'write' } as const;
    const { roleRef, subjects } = pullSecretsBinding(namespace);
    return { namespace, stored, options, right: [{ roleRef, subjects: subjects as readonly unknown[] }] };
  }

  const mayRead = async (namespace: string, user = WEBHOOK_USER): Promise<string> => {
    const args = ['auth', 'can-i', 'get', 'secret/x', '-n', namespace, `--as=${user}`];
    return (await plane.kubectl(args)).stdout.trim();
  };

  test('is made where there is none, lets webhook and sweeper read, and is left alone afterwards', async () => {
    const { namespace, stored, options } = await setUp();
    assert.equal(await mayRead(namespace), 'no');
    assert.equal(await bindPullSecrets(options), 'created');
    assert.equal((await stored()).length, 1);
    assert.equal(await mayRead(namespace), 'yes');
    assert.equal(await mayRead(namespace, WEBHOOK_USER.replace('webhook', 'sweeper')), 'yes');
    assert.equal(await bindPullSecrets(options), 'unchanged');
  });

  test('gets its two subjects back, and no other', async () => {
    const others = [{ kind: 'ServiceAccount', namespace: 'evil', name: 'tagpin-webhook' }];
    const webhookAlone = [(pullSecretsBinding('x')['subjects'] as unknown[])[0]];
    for (const subjects of [
      undefined,
      webhookAlone,
      others,
      [...(pullSecretsBinding('x')['subjects'] as unknown[]), ...others],
    ]) {
      const { stored, options, right } = await setUp((namespace) => ({ ...pullSecretsBinding(namespace), subjects }));
      assert.equal(await bindPullSecrets(options), 'repaired');
      assert.deepEqual(
        (await stored()).map(({ subjects: now }: Manifest) => now),
        [right[0]?.subjects],
      );
    }
  });

  test('is made anew where it binds another role, which can not be changed', async () => {
    for (const roleRef of [
      { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'tagpin-pull-secrets' },
    ]) {
      const { stored, options, right } = await setUp((namespace) => ({ ...pullSecretsBinding(namespace), roleRef }));
      assert.equal(await bindPullSecrets({ ...options, mode: 'dry-run' }), 'repaired');
      assert.deepEqual((await stored())[0].roleRef, roleRef);
      assert.equal(await bindPullSecrets(options), 'repaired');
      assert.deepEqual(await stored(), right);
    }
  });

  test('is one, however many make it at once', async () => {
    const { stored, options, right } = await setUp();
    const results = await Promise.all([1, 2, 3, 4].map(() => bindPullSecrets(options)));
    assert.equal(results.filter((result) => result === 'created').length, 1);
    assert.deepEqual(await stored(), right);
  });

  test('is taken away, and taking it away twice is no error', async () => {
    const { namespace, stored, options } = await setUp(pullSecretsBinding);
    assert.equal(await unbindPullSecrets({ ...options, mode: 'dry-run' }), 'deleted');
    assert.equal((await stored()).length, 1);
    assert.equal(await unbindPullSecrets(options), 'deleted');
    assert.deepEqual(await stored(), []);
    assert.equal(await mayRead(namespace), 'no');
    assert.equal(await unbindPullSecrets(options), 'absent');
  });

  test('is not made by a dry run', async () => {
    const { stored, options } = await setUp();
    assert.equal(await bindPullSecrets({ ...options, mode: 'dry-run' }), 'created');
    assert.deepEqual(await stored(), []);
  });

  test('can not be made by who may not read secrets himself, nor bind the role', async () => {
    const { namespace, options } = await setUp();
    const metadata = { name: 'editor', namespace };
    const rules = [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['rolebindings'], verbs: ['*'] }];
    await plane.apply({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules });
    await plane.apply({
      ...pullSecretsBinding(namespace),
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'editor' },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'alice' }],
    });
    const alice = open(await plane.kubeconfigFor('alice'));
    assert.equal(await findPullSecretsRole(alice), 'unknown');
    await assert.rejects(bindPullSecrets({ ...options, client: alice }), (error) =>
      isKubernetesError(error, 'Forbidden'),
    );
  });

  test('is refused in a namespace that is not there', async () => {
    const { options } = await setUp();
    const missing = { ...options, namespace: 'nowhere' };
    await assert.rejects(bindPullSecrets(missing), (error) => isKubernetesError(error, 'NotFound'));
    assert.equal(await unbindPullSecrets(missing), 'absent');
    assert.equal(await findPullSecretsRole(client), 'there');
  });
});
