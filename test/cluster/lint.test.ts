/** `tagpin audit` against a real API server with the resources of Argo CD and Flux: what is configured there and can't act. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { digest, type Manifest } from '../support/admission.ts';
import { auditedCluster, rowsOf } from '../support/audited-cluster.ts';
import { sharedControlPlane } from '../support/control-plane.ts';
import { installArgoCdResources, installFluxResources } from '../support/custom-resources.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { policyFor } from '../support/webhook-process.ts';

const A = digest('a');
const FOLLOW_API = '- container: app\n';

describe('what is configured and can not act', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();
  const { tagpin, rows, optIn, create, deploy, grant } = auditedCluster(shared);
  let registry: TestRegistry;

  async function policy(more: string): Promise<void> {
    await shared.plane.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'tagpin-policy', namespace: 'tagpin-system' },
      data: { 'policy.yaml': policyFor(registry.host, more) },
    });
  }

  before(async () => {
    registry = await startRegistry();
    assert.equal(await installArgoCdResources(shared.plane), null);
    assert.equal(await installFluxResources(shared.plane), null);
    await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tagpin-system' } });
    await policy('sweep: {applicationNamespaces: ["test-*"]}\n');
  });
  after(() => registry.close());

  /** What is said of a namespace's objects, `KIND NAME REASON`. */
  async function inert(namespace: string, ...args: readonly string[]): Promise<readonly string[]> {
    const found = await rows('-n', namespace, ...args);
    return found
      .filter(({ state }) => state === 'inert')
      .map(({ kind, name, reason }) => [kind, name, reason].join(' '));
  }

  async function application(
    namespace: string,
    annotations: Manifest,
    source: Manifest = { helm: {} },
    status: Manifest = {},
  ) {
    await create(`/apis/argoproj.io/v1alpha1/namespaces/${namespace}/applications`, {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name: 'shop', annotations },
      spec: {
        project: 'default',
        destination: { server: 'https://kubernetes.default.svc', namespace },
        source: { repoURL: 'https://git.example/deploy.git', path: 'shop', targetRevision: 'main', ...source },
      },
      status: { sourceType: 'Helm', ...status },
    });
  }

  async function ociRepository(namespace: string, name: string, spec: Manifest, annotations: Manifest = {}) {
    await create(`/apis/source.toolkit.fluxcd.io/v1/namespaces/${namespace}/ocirepositories`, {
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'OCIRepository',
      metadata: { name, annotations },
      spec: { interval: '1m', url: `oci://${registry.host}/charts`, ...spec },
    });
  }

  test('annotations with a typo, of another kind and on a template are told with what was meant', async () => {
    const namespace = await optIn();
    const image = `nginx@${A}`;
    await deploy({ namespace, name: 'typo', image, ref: 'nginx:1', annotations: { 'tagpin.dev/folow': FOLLOW_API } });
    await deploy({ namespace, name: 'fine', image, ref: 'nginx:1', annotations: { 'tagpin.dev/follow': FOLLOW_API } });
    await deploy({ namespace, name: 'argo', image, ref: 'nginx:1', annotations: { 'tagpin.dev/image-list': 'nginx' } });
    await deploy({
      namespace,
      name: 'wrong',
      image,
      ref: 'nginx:1',
      annotations: { 'tagpin.dev/follow': '- container: ap' },
    });
    assert.deepEqual(await inert(namespace), [
      'Deployment argo tagpin.dev/image-list: does nothing on a Deployment: it is for Application',
      'Deployment typo tagpin.dev/folow: is not a key that is known here: did you mean follow?',
      'Deployment wrong tagpin.dev/follow: there is no container "ap": did you mean app?',
    ]);
  });

  test('a Namespace that only nearly opts in, and what is followed there, are told', async () => {
    const namespace = await shared.namespace();
    const metadata = {
      name: namespace,
      labels: { 'tagpin.dev/inject': 'true' },
      annotations: { 'tagpin.dev/paused': 'true' },
    };
    await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata });
    await deploy({ namespace, name: 'web', image: 'nginx:1', annotations: { 'tagpin.dev/follow': FOLLOW_API } });
    const finished = await tagpin(['audit', '-n', namespace, '-o', 'json']);
    assert.equal(finished.code, 0);
    assert.deepEqual(
      rowsOf(finished.stdout).map(({ kind, state, reason }) => [kind, state, reason]),
      [
        [
          'Deployment',
          'inert',
          "tagpin.dev/follow: app: action refresh can't act, its namespace has not opted in, so that no webhook sees it: tagpin namespace enable NAME",
        ],
        ['Namespace', 'inert', 'tagpin.dev/paused: is not a key that is known here: did you mean pause?'],
        ['Namespace', 'inert', 'tagpin.dev/inject: "true" opts nothing in: write enabled'],
      ],
    );
  });

  test('hints and errors of an Application’s settings are told, and a tag that is not there is with --registry', async () => {
    const namespace = await optIn();
    const at = `${registry.host}/shop`;
    registry.pushImage('shop', '1.2.0');
    await application(namespace, {
      'tagpin.dev/image-list': `web=${at}:main, ui=${at}:2.x`,
      'tagpin.dev/web.update-strategy': 'digest',
      'tagpin.dev/web.helm.image-tag': 'web.tag',
      'tagpin.dev/web.helm.image-tagg': 'web.tag',
      'tagpin.dev/ui.helm.image-tag': 'ui.tag',
      'tagpin.dev/uii.force-update': 'true',
    });
    const told = [
      'Application shop tagpin.dev/uii.force-update: no image of the list has the alias "uii": did you mean ui?',
      'Application shop tagpin.dev/web.helm.image-tagg: is not a key that is known here: did you mean helm.image-tag?',
    ];
    assert.deepEqual((await inert(namespace)).toSorted(), told);
    const asked = (await inert(namespace, '--registry')).filter((line) => !told.includes(line));
    assert.equal(asked.length, 2, asked.join('\n'));
    assert.match(
      asked[0] ?? '',
      /^Application shop tagpin\.dev\/image-list: .*shop:main.*: nothing is ever found by it/,
    );
    assert.match(asked[1] ?? '', /has tags \(1\), and none fits: see tagpin select/);
  });

  test('what a chart made of a value is told by Argo CD’s status', async () => {
    const namespace = await optIn();
    const parameters = [{ name: 'image.tag', value: A }];
    const annotations = {
      'tagpin.dev/image-list': 'web=ghcr.io/acme/web:main',
      'tagpin.dev/web.update-strategy': 'digest',
      'tagpin.dev/web.format': 'digest',
    };
    await application(
      namespace,
      annotations,
      { helm: { parameters } },
      { summary: { images: [`ghcr.io/acme/web:${A}`] } },
    );
    assert.deepEqual(await inert(namespace), [
      'Application shop tagpin.dev/web.format: the chart puts ":" before the digest, which is no image: write tag+digest',
    ]);
  });

  test('an OCIRepository that moves unverified, one that nobody can follow, and identities that anybody may have', async () => {
    const namespace = await optIn();
    const semver = { 'tagpin.dev/follow': 'semver' };
    const verify = (subject: string) => ({
      provider: 'cosign',
      matchOIDCIdentity: [{ issuer: '^https://token\\.actions\\.githubusercontent\\.com$', subject }],
    });
    await ociRepository(namespace, 'bare', { ref: { semver: '>=1.0.0' } });
    await ociRepository(
      namespace,
      'ranged',
      { ref: { tag: '1.0.0' }, verify: verify('^https://a\\.example/b@refs/tags/v.+$') },
      semver,
    );
    await ociRepository(namespace, 'loose', { ref: { semver: '1.x' }, verify: verify('github\\.com/acme') }, semver);
    await ociRepository(
      namespace,
      'fine',
      { ref: { semver: '1.x' }, verify: verify('^https://a\\.example/b@refs/tags/v.+$') },
      semver,
    );
    const found = await inert(namespace);
    assert.equal(found.length, 3, found.join('\n'));
    assert.match(
      found[0] ?? '',
      /^OCIRepository bare spec\.verify: there is none, so that Flux takes the newest version/,
    );
    assert.match(
      found[1] ?? '',
      /^OCIRepository loose spec\.verify\.matchOIDCIdentity\[0\]\.subject: .*evil-github\.com/,
    );
    assert.match(found[2] ?? '', /^OCIRepository ranged spec\.ref\.semver: there is no range to follow/);
    const missing = (await inert(namespace, '--registry')).filter((line) => !found.includes(line));
    assert.equal(missing.length, 2, missing.join('\n'));
  });

  test('what the policy names and the cluster has not is told where everything is looked at, and --fail-on inert sees it', async () => {
    const namespace = await optIn();
    await deploy({ namespace, name: 'web', image: `nginx@${A}`, ref: 'nginx:1' });
    await policy(`rules:
- {name: ours, match: {images: ["ghcr.io/nobody/**"]}, action: pin}
- {name: no-latest, match: {tags: [latest]}, action: deny}
- {name: elsewhere, match: {namespaces: [nowhere], tags: [latest]}, action: deny}
sweep:
  applicationNamespaces: ["test-*"]
  protect: [{project: "prod-*"}, {project: default}, {kind: CronJob, project: x}]
`);
    const { code, stdout, stderr } = await tagpin(['audit', '-o', 'json', '--fail-on', 'inert']);
    assert.deepEqual([code, stderr], [1, '']);
    const own = rowsOf(stdout).filter(({ name }) => name === 'tagpin-policy');
    assert.deepEqual(
      own.map(({ namespace: of, kind, reason }) => `${String(of)} ${String(kind)} ${String(reason)}`),
      [
        'tagpin-system ConfigMap rules[2]: no image reaches it: rule "no-latest" before it matches all that it matches: move it up, or remove it',
        'tagpin-system ConfigMap sweep.protect[2].project: protects nothing: only an Application has a project, and the kind is CronJob: remove one of the two',
        'tagpin-system ConfigMap rules[0]: it matches no image here: mend what it matches, or remove it',
        'tagpin-system ConfigMap sweep.protect[0]: it protects nothing here: mend what it names, or remove it',
      ],
    );
    assert.equal((await tagpin(['audit', '-n', namespace, '--fail-on', 'inert'])).code, 0);
    const table = (await tagpin(['audit'])).stdout.split('\n').find((line) => line.includes('rules[0]')) ?? '';
    assert.match(table, /^tagpin-system +ConfigMap +tagpin-policy +- +- +inert +- +- +rules\[0\]: /);
  });

  test('who may not list everything is told so once, and nothing is claimed of what was not seen', async () => {
    const namespace = await optIn();
    await deploy({
      namespace,
      name: 'web',
      image: `nginx@${A}`,
      ref: 'nginx:1',
      annotations: { 'tagpin.dev/folow': 'x' },
    });
    await grant('bob', [{ apiGroups: ['', 'apps', 'batch'], resources: ['*'], verbs: ['get', 'list'] }]);
    const kubeconfig = await shared.plane.kubeconfigFor('bob');
    const { code, stdout, stderr } = await tagpin(['audit', '-o', 'json'], kubeconfig);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /ocirepositories of all namespaces can not be listed, so nothing is said of what can't act there\n/,
    );
    const found = rowsOf(stdout).filter(({ state }) => state === 'inert');
    assert.ok(found.some(({ name, namespace: of }) => name === 'web' && of === namespace));
    assert.ok(!found.some(({ reason }) => /here: mend/.test(String(reason))));
  });
});
