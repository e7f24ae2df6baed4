/** `tagpin audit` against a real API server, with Pods whose status is written as a kubelet writes it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { digest, type Manifest, podSpec } from '../support/admission.ts';
import { auditedCluster } from '../support/audited-cluster.ts';
import { sharedControlPlane } from '../support/control-plane.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { ownedBy, runPods } from '../support/running-pods.ts';
import { policyFor } from '../support/webhook-process.ts';

const [A, B, C] = [digest('a'), digest('b'), digest('c')];

describe('tagpin audit', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();
  let registry: TestRegistry;
  before(async () => {
    registry = await startRegistry();
    await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tagpin-system' } });
    const rules = 'rules:\n- {name: theirs, match: {images: ["quay.io/**"]}, action: ignore, message: "Not ours."}\n';
    await shared.plane.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'tagpin-policy', namespace: 'tagpin-system' },
      data: { 'policy.yaml': policyFor(registry.host, rules) },
    });
  });
  after(() => registry.close());

  const { tagpin, rows, optIn, create, deploy } = auditedCluster(shared);
  const summary = ({ kind, name, container, state }: Manifest): string => [kind, name, container, state].join(' ');

  test('a row says what was asked for, what it is pinned to, and what the Pods of all its ReplicaSets run', async () => {
    const namespace = await optIn();
    const owner = await deploy({ namespace, name: 'web', image: `nginx@${A}`, ref: 'nginx:1.27' });
    await runPods(shared.client, {
      namespace,
      name: 'web',
      count: 3,
      owner,
      image: `nginx@${A}`,
      imageID: `docker.io/library/nginx@${A}`,
    });
    assert.deepEqual(await rows('-n', namespace), [
      {
        namespace,
        kind: 'Deployment',
        name: 'web',
        container: 'app',
        image: `nginx@${A}`,
        requested: 'nginx:1.27',
        digest: A,
        running: [A],
        state: 'pinned',
        reason: null,
      },
    ]);
    const { stdout } = await tagpin(['audit', '-n', namespace]);
    const [head = '', row = ''] = stdout.split('\n');
    assert.match(head, /^NAMESPACE +KIND +NAME +CONTAINER +IMAGE +STATE +DIGEST +RUNNING +REASON$/);
    assert.match(row, /^\S+ +Deployment +web +app +nginx:1\.27 +pinned +sha256:[0-9a-f]{12} +sha256:[0-9a-f]{12}$/);
  });

  test('each state is told with its reason', async () => {
    const namespace = await optIn();
    const old = await deploy({ namespace, name: 'drifts', image: `redis@${A}`, ref: 'redis:7' });
    await runPods(shared.client, { namespace, name: 'd', owner: old, image: `redis@${B}`, imageID: `redis@${B}` });
    await deploy({ namespace, name: 'one', image: `split@${A}`, ref: 'split:1' });
    await deploy({ namespace, name: 'two', image: `split@${B}`, ref: 'split:1' });
    await deploy({ namespace, name: 'floats', image: 'nginx:1' });
    await deploy({ namespace, name: 'ignored', image: 'quay.io/a:1' });
    await deploy({ namespace, name: 'told', image: 'nginx:1', annotations: { 'tagpin.dev/skip': 'app' } });
    await deploy({ namespace, name: 'wrong', image: 'NGINX:1' });
    const found = await rows('-n', namespace);
    assert.deepEqual(found.map(summary), [
      'Deployment drifts app drifted',
      'Deployment floats app floating',
      'Deployment ignored app skipped',
      'Deployment one app split',
      'Deployment told app skipped',
      'Deployment two app split',
      'Deployment wrong app unresolved',
    ]);
    const reasons = Object.fromEntries(found.map(({ name, reason }) => [name, reason]));
    assert.match(String(reasons['drifts']), /^1 Pod is made from another template: redis@sha256:62/);
    assert.match(String(reasons['floats']), new RegExp(`tagpin refresh deployment/floats -n ${namespace} --floating$`));
    assert.equal(reasons['ignored'], 'rule theirs says ignore: Not ours.');
    assert.equal(reasons['told'], 'tagpin.dev/skip names it');
  });

  test('everything that makes Pods has rows: what owns them, or else the Pod itself', async () => {
    const namespace = await optIn();
    const template = {
      metadata: { labels: { app: 'x' } },
      spec: { ...podSpec({ app: `nginx@${A}` }), restartPolicy: 'Never' },
    };
    const jobSpec = { template };
    const batch = `/apis/batch/v1/namespaces/${namespace}`;
    const cron = await create(`${batch}/cronjobs`, {
      metadata: { name: 'nightly' },
      spec: { schedule: '0 0 * * *', jobTemplate: { spec: jobSpec } },
    });
    const run = await create(`${batch}/jobs`, {
      metadata: { name: 'nightly-1', ownerReferences: ownedBy(cron) },
      spec: jobSpec,
    });
    const once = await create(`${batch}/jobs`, { metadata: { name: 'once' }, spec: jobSpec });
    const always = {
      template: { ...template, spec: podSpec({ app: `nginx@${A}` }) },
      selector: { matchLabels: { app: 'x' } },
    };
    const apps = `/apis/apps/v1/namespaces/${namespace}`;
    const set = await create(`${apps}/statefulsets`, {
      metadata: { name: 'db' },
      spec: { ...always, serviceName: 'db' },
    });
    const image = `nginx@${A}`;
    const imageID = `docker-pullable://nginx@${A}`;
    await runPods(shared.client, { namespace, name: 'run', owner: run, image, imageID });
    await runPods(shared.client, {
      namespace,
      name: 'done',
      owner: run,
      image: `nginx@${B}`,
      imageID,
      phase: 'Succeeded',
    });
    await runPods(shared.client, { namespace, name: 'once', owner: once, image, imageID, phase: 'Succeeded' });
    await runPods(shared.client, { namespace, name: 'db', owner: set, image, imageID: 'docker://sha256:0123' });
    const custom = { apiVersion: 'acme.io/v1', kind: 'App', metadata: { name: 'boss', uid: 'u-1' } };
    await runPods(shared.client, { namespace, name: 'custom', owner: custom, image: 'nginx:1', imageID });
    await runPods(shared.client, { namespace, name: 'bare', image: 'nginx:1', imageID: null });
    const found = await rows('-n', namespace);
    assert.deepEqual(
      found.map((row) => `${summary(row)} ${String((row['running'] as string[]).length)}`),
      [
        'StatefulSet db app pinned 0',
        'CronJob nightly app pinned 1',
        'Job once app pinned 1',
        'Pod bare-0 app floating 0',
        'Pod custom-0 app skipped 1',
      ],
    );
    assert.match(String(found[0]?.['reason']), /image ID that is no digest/);
    assert.equal(found[4]?.['reason'], 'its owner App/boss decides about its images');
  });

  test('with --registry a tag that moved is behind, a registry that is silent leaves it open, and without it nobody is asked', async () => {
    const namespace = await optIn();
    const first = registry.pushImage('moved', '1');
    await deploy({
      namespace,
      name: 'moved',
      image: `${registry.host}/moved@${first}`,
      ref: `${registry.host}/moved:1`,
    });
    const kept = registry.pushImage('kept', '1');
    await deploy({ namespace, name: 'kept', image: `${registry.host}/kept@${kept}`, ref: `${registry.host}/kept:1` });
    await deploy({ namespace, name: 'gone', image: `${registry.host}/gone@${A}`, ref: `${registry.host}/gone:1` });
    const next = registry.pushImage('moved', '1');
    registry.clearRequests();
    const states = (found: readonly Manifest[]) => found.map(({ name, state }) => `${String(name)} ${String(state)}`);
    assert.deepEqual(states(await rows('-n', namespace)), ['gone pinned', 'kept pinned', 'moved pinned']);
    assert.equal(registry.requests.length, 0);
    const found = await rows('-n', namespace, '--registry');
    assert.deepEqual(states(found), ['gone unresolved', 'kept pinned', 'moved behind']);
    assert.match(String(found[0]?.['reason']), /^NotFound: /);
    assert.equal(found[2]?.['reason'], `its tag means ${next.slice(0, 19)} now`);
  });

  test('a platform of the pinned index is no drift; what the index does not list is', async () => {
    const namespace = await optIn();
    const index = registry.pushIndex('many', '1', ['linux/amd64', 'linux/arm64']);
    const platform = await platformOf(registry, 'many', index);
    const [image, ref] = [`${registry.host}/many@${index}`, `${registry.host}/many:1`];
    for (const [name, running] of [
      ['listed', platform],
      ['other', C],
    ] as const) {
      const owner = await deploy({ namespace, name, image, ref });
      await runPods(shared.client, { namespace, name, owner, image, imageID: `${registry.host}/many@${running}` });
    }
    const unsure = await rows('-n', namespace);
    assert.deepEqual(
      unsure.map(({ state }) => state),
      ['pinned', 'pinned'],
    );
    for (const { reason } of unsure)
      assert.match(String(reason), /may be one platform of the pinned index: --registry tells$/);
    const asked = await rows('-n', namespace, '--registry');
    assert.deepEqual(
      asked.map(({ state }) => state),
      ['pinned', 'drifted'],
    );
    assert.deepEqual(
      asked.map(({ running }) => running),
      [[platform], [C]],
    );
    assert.equal(asked[0]?.['reason'], null);
  });

  test('four hundred Pods in pages of fifty are one row', async () => {
    const namespace = await optIn();
    const owner = await deploy({ namespace, name: 'web', image: `nginx@${A}`, ref: 'nginx:1' });
    const pods = { namespace, owner, image: `nginx@${A}`, imageID: `nginx@${A}` };
    await runPods(shared.client, { ...pods, name: 'web', count: 399 });
    await runPods(shared.client, { ...pods, name: 'late', image: `nginx@${B}`, imageID: `nginx@${B}` });
    const [row, ...more] = await rows('-n', namespace, '--chunk-size', '50');
    assert.deepEqual(more, []);
    assert.deepEqual(row?.['running'], [A, B]);
    assert.match(String(row?.['reason']), /^1 Pod is made from another template/);
    const lists = (await shared.plane.auditEvents()).filter(({ requestURI }) =>
      requestURI.includes(`/${namespace}/pods?`),
    );
    assert.equal(lists.filter(({ requestURI }) => requestURI.includes('continue=')).length, 7);
  });
});

async function platformOf(registry: TestRegistry, repository: string, index: string): Promise<typeof A> {
  const headers = { accept: 'application/vnd.oci.image.index.v1+json' };
  const answer = await fetch(`${registry.url}/v2/${repository}/manifests/${index}`, { headers });
  const { manifests } = (await answer.json()) as { manifests: readonly { digest: typeof A }[] };
  return manifests[0]?.digest ?? assert.fail('an index without manifests');
}
