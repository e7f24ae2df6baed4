/** Pull secrets on a real API server and a real private registry, with the roles that ship. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Distribution, startDistribution } from '../environment/distribution.ts';
import { CONTROL_PLANE, PROGRAMS, skipWithout } from '../environment/programs.ts';
import { openWorkbench } from '../environment/workbench.ts';
import type { Manifest } from '../support/admission.ts';
import {
  type ClusterWebhook,
  type InstalledPlane,
  startClusterWebhook,
  startInstalledPlane,
} from '../support/cluster-webhook.ts';
import { eventually } from '../support/eventually.ts';
import { type Loopback, startLoopback } from '../support/loopback.ts';
import { type FinishedProcess, runProcess } from '../support/process.ts';
import { base64, dockerSecret, optedIn, serviceAccount, WEBHOOK_USER } from '../support/pull-secrets.ts';

const PASSWORD = 'canary-of-alice-4711';
const LOGIN = `alice:${PASSWORD}`;
/** bcrypt of PASSWORD, cost 5. */
const HTPASSWD = 'alice:$2a$05$m/2SfDTrrn7yE.Xrjb37cuavWUSF8mvq5hrb3H6MrFQWSD0aivwUS\n';
const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

describe('pull secrets in a cluster', {
  skip: skipWithout(...CONTROL_PLANE, PROGRAMS.registry, PROGRAMS.crane),
}, () => {
  let plane: InstalledPlane;
  let registry: Distribution;
  /** A registry of somebody who would like to be shown credentials. */
  let evil: Loopback;
  let webhook: ClusterWebhook;
  let digest = '';
  /** All that anybody was told. */
  let told = '';
  const ends: (() => unknown)[] = [];
  const lifetime = { after: (end: () => unknown) => void ends.push(end) };

  before(async () => {
    registry = await startDistribution({ authentication: { kind: 'basic', htpasswd: HTPASSWD } });
    ends.push(() => registry.stop());
    const { host } = registry;
    evil = await startLoopback((_request, response) => {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="evil"' }).end();
    });
    ends.push(() => evil.close());
    const login = { username: 'alice', password: PASSWORD };
    const bench = openWorkbench(lifetime, { host, login, hostPolicy: { plainHttp: true } });
    digest = await bench.pushImage(`${host}/private/app:1`, 'one');

    plane = await startInstalledPlane(lifetime);
    const hosts = [
      { host, plainHttp: true },
      { host: evil.host, plainHttp: true },
      // The same registry under a name for which the policy has a credential.
      { host: byName(host), plainHttp: true, credentials: { secret: 'registry-internal' } },
    ];
    const rules = [{ name: 'strict', match: { namespaces: ['strict'] }, action: 'pin', onUnresolved: 'deny' }];
    const policy = { apiVersion: 'tagpin.dev/v1', kind: 'TagPolicy', rules, registries: { hosts } };
    await plane.apply(configMap('tagpin-policy', { 'policy.yaml': JSON.stringify(policy) }));
    await plane.apply(dockerSecret('tagpin-system', 'registry-internal', { [byName(host)]: LOGIN }));
    webhook = await startClusterWebhook(lifetime, plane);
    await eventually('the policy is in force', () =>
      webhook.lines().some((line) => line['msg'] === 'policy in force' && line['source'] === 'configmap'),
    );
  });
  after(async () => {
    for (const end of ends.toReversed()) await end();
  });

  /** Runs `tagpin namespace` as the administrator. */
  async function namespaceCommand(verb: 'enable' | 'disable', namespace: string): Promise<FinishedProcess> {
    const environment = { PATH: process.env['PATH'], HOME: plane.folder, KUBECONFIG: plane.kubeconfig };
    const done = await runProcess(process.execPath, [MAIN, 'namespace', verb, namespace], { environment });
    assert.equal(done.code, 0, done.stderr);
    told += done.stdout + done.stderr;
    return done;
  }

  /** A namespace with the pull secret `registry`; `labelled` only, or `enabled` with the command. */
  async function makeNamespace(name: string, permission: 'enabled' | 'labelled'): Promise<void> {
    await plane.apply(optedIn(name));
    await plane.apply(dockerSecret(name, 'registry', { [registry.host]: LOGIN }));
    if (permission === 'enabled') await namespaceCommand('enable', name);
  }

  /** Applies a Deployment as a user does. @returns what kubectl said, and the image that is stored. */
  async function deploy(namespace: string, name: string, spec: Manifest, image = `${registry.host}/private/app:1`) {
    const labels = { app: name };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image }], ...spec } };
    const input = JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace },
      spec: { selector: { matchLabels: labels }, template },
    });
    const { code, stdout, stderr } = await plane.kubectl(['apply', '-f', '-'], { input });
    told += stdout + stderr;
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
    const stored = code === 0 ? (await plane.get(path)).spec.template.spec.containers[0].image : null;
    return { stderr, stored };
  }

  /** A grant reaches the API server's authorizer a moment later, and what was refused is asked again a second later. */
  async function untilPinned(namespace: string, spec: Manifest, image?: string): Promise<void> {
    let tries = 0;
    await eventually('the permission counts', async () => {
      tries += 1;
      const { stored } = await deploy(namespace, `try-${tries}`, spec, image);
      return stored !== null && stored.endsWith(`@${digest}`);
    });
  }

  const named = { imagePullSecrets: [{ name: 'registry' }] };

  test('a private image is pinned with the pull secret that its Pod spec names, in an enabled namespace', async () => {
    await makeNamespace('enabled', 'enabled');
    const { stored, stderr } = await deploy('enabled', 'web', named);
    assert.equal(stored, `${registry.host}/private/app@${digest}`);
    assert.doesNotMatch(stderr, /may not read/);
  });

  test('without permission the registry is asked without credentials, and kubectl shows what to do', async () => {
    await makeNamespace('labelled', 'labelled');
    const refused = await deploy('labelled', 'web', named);
    assert.equal(refused.stored, `${registry.host}/private/app:1`);
    assert.match(
      refused.stderr,
      /^Warning: may not read Secret registry in labelled: tagpin namespace enable labelled$/m,
    );
    // The command in the warning is the cure.
    await namespaceCommand('enable', 'labelled');
    await untilPinned('labelled', named);
    // And disable takes it away, before long.
    assert.match((await namespaceCommand('disable', 'labelled')).stdout, /Deployment\/try-/);
    const { stdout } = await plane.kubectl([
      'auth',
      'can-i',
      'get',
      'secrets',
      '-n',
      'labelled',
      `--as=${WEBHOOK_USER}`,
    ]);
    assert.equal(stdout.trim(), 'no');
  });

  test('a namespace without the pull secret learns nothing from what another was told', async () => {
    await makeNamespace('neighbour', 'enabled');
    await deploy('enabled', 'again', named);
    for (const name of ['one', 'two']) {
      const { stored, stderr } = await deploy('neighbour', name, {});
      assert.equal(stored, `${registry.host}/private/app:1`);
      assert.ok(!stderr.includes(digest.slice('sha256:'.length, 15)));
    }
  });

  test("the pull secrets of the ServiceAccount count, the default one's and a named one's", async () => {
    await makeNamespace('accounts', 'enabled');
    await plane.apply(serviceAccount('accounts', 'default', ['registry']));
    await plane.apply(serviceAccount('accounts', 'builder', ['registry']));
    await plane.apply(serviceAccount('accounts', 'nobody'));
    assert.equal((await deploy('accounts', 'plain', {})).stored, `${registry.host}/private/app@${digest}`);
    const builder = await deploy('accounts', 'built', { serviceAccountName: 'builder' });
    assert.equal(builder.stored, `${registry.host}/private/app@${digest}`);
    const nobody = await deploy('accounts', 'none', { serviceAccountName: 'nobody' });
    assert.equal(nobody.stored, `${registry.host}/private/app:1`);
  });

  test("the policy's credential for a host counts everywhere, once tagpin may read that Secret", async () => {
    await makeNamespace('plain', 'labelled');
    const image = `${byName(registry.host)}/private/app:1`;
    assert.equal((await deploy('plain', 'before', {}, image)).stored, image);
    // As the chart's value registryCredentials does.
    const metadata = { namespace: 'tagpin-system', name: 'registry-credentials' };
    const rules = [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['registry-internal'], verbs: ['get'] }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name };
    const subjects = [{ kind: 'ServiceAccount', namespace: 'tagpin-system', name: 'tagpin-webhook' }];
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    await plane.apply({ apiVersion, kind: 'Role', metadata, rules });
    await plane.apply({ apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects });
    await untilPinned('plain', {}, image);
  });

  test('a tenant gets a Secret sent to no host but the one that its key names', async () => {
    const { host } = evil;
    await makeNamespace('tenant', 'enabled');
    await plane.apply(dockerSecret('tenant', 'wide', { '*': LOGIN, '*.0.0.1': LOGIN, [`${registry.host}0`]: LOGIN }));
    const spec = { imagePullSecrets: [{ name: 'registry' }, { name: 'wide' }] };
    const { stored } = await deploy('tenant', 'web', spec, `${host}/private/app:1`);
    assert.equal(stored, `${host}/private/app:1`);
    assert.ok(evil.requests.length > 0);
    assert.deepEqual([...new Set(evil.requests.map(({ authorization }) => authorization))], [null]);
  });

  test('where the policy denies what can not be resolved, the denial says which permission is missing', async () => {
    await makeNamespace('strict', 'labelled');
    const { stored, stderr } = await deploy('strict', 'web', named);
    assert.equal(stored, null);
    assert.match(
      stderr,
      /can't be pinned: .*; tagpin may not read Secret registry in strict: tagpin namespace enable strict/,
    );
  });

  test('an update that keeps its pin reads no Secret', async () => {
    const reads = async () =>
      (await plane.auditEvents()).filter(
        ({ user, objectRef }) => user.username === WEBHOOK_USER && objectRef?.namespace === 'enabled',
      ).length;
    const before = await reads();
    assert.ok(before > 0);
    const { stored } = await deploy('enabled', 'web', { ...named, terminationGracePeriodSeconds: 5 });
    assert.equal(stored, `${registry.host}/private/app@${digest}`);
    assert.equal(await reads(), before);
  });

  test('Secrets are read by name alone: the audit log has no list and no watch of them by the webhook', async () => {
    const events = (await plane.auditEvents()).filter(
      ({ user, objectRef }) =>
        user.username === WEBHOOK_USER && ['secrets', 'serviceaccounts'].includes(objectRef?.resource ?? ''),
    );
    assert.ok(events.some(({ objectRef }) => objectRef?.namespace === 'tenant'));
    const isFine = ({ verb, objectRef }: (typeof events)[number]) =>
      (verb === 'get' && objectRef?.name !== undefined) ||
      (objectRef?.namespace === 'tagpin-system' && ['create', 'update'].includes(verb));
    assert.deepEqual(
      events.filter((event) => !isFine(event)),
      [],
    );
    for (const verb of ['list', 'watch', 'create', 'update', 'patch', 'delete']) {
      const args = ['auth', 'can-i', verb, 'secrets', '-n', 'enabled', `--as=${WEBHOOK_USER}`];
      assert.equal((await plane.kubectl(args)).stdout.trim(), 'no', verb);
    }
  });

  test('the password is in nothing that anybody is told', async () => {
    const { body: metrics } = await webhook.page('/metrics');
    const paths = [
      '/api/v1/events',
      '/apis/events.k8s.io/v1/events',
      '/api/v1/configmaps',
      '/apis/apps/v1/deployments',
    ];
    const stored = await Promise.all(paths.map((path) => plane.get(path)));
    const audited = await plane.auditEvents();
    const everything = [told, webhook.process.output(), metrics, JSON.stringify(stored), JSON.stringify(audited)].join(
      '\n',
    );
    assert.ok(everything.length > 10_000);
    for (const secret of [PASSWORD, base64(LOGIN), base64(PASSWORD), 'canary-of-alice']) {
      assert.ok(!everything.includes(secret), secret);
    }
  });
});

/** `127.0.0.1:PORT` by its other name. */
function byName(host: string): string {
  return host.replace('127.0.0.1', 'localhost');
}

function configMap(name: string, data: Readonly<Record<string, string>>): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'tagpin-system', name }, data };
}
