/** The other kinds and the other actions of workloads that follow tags, and clusters in which no webhook answers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { followedCluster } from '../support/followed-cluster.ts';
import {
  createFollowed,
  type FollowedKind,
  followedManifest,
  type WantedWorkload,
} from '../support/followed-workload.ts';
import { pinsOf } from './manifests.ts';

const RESTARTED = 'kubectl.kubernetes.io/restartedAt';

describe('kinds and actions of workloads that follow a tag', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = followedCluster();

  /** A workload with one container that follows a tag. */
  async function following(kind: FollowedKind, entry: object, labels?: Readonly<Record<string, string>>) {
    const namespace = await cluster.namespace(labels);
    const repository = `${namespace}/web`;
    const name = `${cluster.registry.host}/${repository}`;
    const push = (): string => cluster.registry.pushImage(repository, 'prod');
    const first = push();
    const wanted: WantedWorkload = {
      namespace,
      kind,
      containers: { api: `${name}:prod` },
      follow: [{ container: 'api', ...entry }],
    };
    return { namespace, push, first, image: `${name}:prod`, pinned: (d: string) => `${name}@${d}`, wanted, name };
  }

  for (const kind of ['StatefulSet', 'DaemonSet', 'CronJob'] as const) {
    test(`a ${kind} is refreshed through the webhook`, async () => {
      const { wanted, push, pinned, first } = await following(kind, {});
      const web = await createFollowed(cluster, wanted);
      assert.equal(await web.image(), pinned(first));
      assert.deepEqual(await web.look(), ['api unchanged UpToDate']);
      const second = push();
      assert.deepEqual(await web.look(), ['api written Moved']);
      assert.equal(await web.image(), pinned(second));
      if (kind !== 'CronJob') {
        assert.deepEqual(await web.look(), ['api waiting RollingOut']);
        await web.rolls('rolling');
        assert.deepEqual(await web.look(), ['api waiting RollingOut']);
        await web.finish();
      }
      // Nobody awaits a CronJob: the next Job runs it.
      assert.deepEqual(await web.look(), ['api unchanged UpToDate']);
      assert.equal(await web.generation(), 2);
      assert.match((await web.annotation('tagpin.dev/last-refresh')) ?? '', new RegExp(second));
    });
  }

  test('a suspended CronJob is moved on: it may be started by hand', async () => {
    const { wanted, push, pinned } = await following('CronJob', {});
    const web = await createFollowed(cluster, { ...wanted, spec: { suspend: true } });
    await web.look();
    const second = push();
    assert.deepEqual(await web.look(), ['api written Moved']);
    assert.equal(await web.image(), pinned(second));
  });

  test('a StatefulSet and a DaemonSet that replace no Pods themselves are not waited for', async () => {
    for (const kind of ['StatefulSet', 'DaemonSet'] as const) {
      const { wanted, push, pinned } = await following(kind, {});
      const web = await createFollowed(cluster, { ...wanted, spec: { updateStrategy: { type: 'OnDelete' } } });
      await web.look();
      const second = push();
      assert.deepEqual(await web.look(), ['api written Moved']);
      await web.rolls('rolling');
      assert.deepEqual(await web.look(), ['api unchanged UpToDate'], kind);
      assert.equal(await web.image(), pinned(second));
    }
  });

  test('where no webhook answers, the annotation is taken off again and the report says what to do', async () => {
    const { wanted, push, image, namespace } = await following('Deployment', {}, {});
    const web = await createFollowed(cluster, wanted);
    assert.deepEqual(await web.look(), ['api unchanged Recorded']);
    push();
    const { code, changes } = await web.sweep();
    assert.deepEqual([code, changes.map(({ outcome, reason }) => `${outcome} ${reason}`)], [1, ['failed NoWebhook']]);
    assert.match(changes[0]?.message ?? '', new RegExp(`tagpin namespace enable ${namespace}`));
    assert.equal(await web.annotation('tagpin.dev/refresh'), null);
    assert.equal(await web.image(), image);
    await web.rolls('settled');
    const body = { metadata: { labels: { 'tagpin.dev/inject': 'enabled' } } };
    await cluster.client.request({ method: 'PATCH', patch: 'merge', path: `/api/v1/namespaces/${namespace}`, body });
    assert.match((await web.look()).join(), /^api written /);
    assert.match(await web.image(), /@sha256:/);
  });

  for (const labels of [{}, { 'tagpin.dev/inject': 'enabled' }]) {
    const where = Object.keys(labels).length === 0 ? 'without any webhook' : 'beside the webhook, which keeps it';
    test(`set-image writes the digest and the record of the pin, ${where}`, async () => {
      const { image, wanted, push, pinned, first } = await following('Deployment', { action: 'set-image' }, labels);
      const follow = [{ container: 'api', action: 'set-image', image }];
      const web = await createFollowed(cluster, { ...wanted, follow });
      const before = await web.image();
      assert.equal(before, Object.keys(labels).length === 0 ? image : pinned(first));
      await web.look();
      assert.equal(await web.image(), before);
      const second = push();
      assert.deepEqual(await web.look(), ['api written Moved']);
      assert.equal(await web.image(), pinned(second));
      assert.deepEqual(pinsOf(await web.stored())['containers/api'].digest, second);
      assert.deepEqual(pinsOf(await web.stored())['containers/api'].ref, image);
      await web.finish();
      assert.deepEqual(await web.look(), ['api unchanged UpToDate']);
      // An apply of the manifest keeps it where a webhook is.
      if (Object.keys(labels).length > 0) {
        const template = await web.template();
        await cluster.plane.apply(followedManifest({ ...wanted, follow }));
        assert.equal(await web.image(), pinned(second));
        assert.equal(await web.template(), template);
      }
    });
  }

  test('set-image of an image that an apply manager owns is refused, with the way out', async () => {
    const { image, wanted, push } = await following('Deployment', {}, {});
    const follow = [{ container: 'api', action: 'set-image', image }];
    const web = await createFollowed(cluster, { ...wanted, follow });
    const query = { fieldManager: 'kustomize-controller' };
    const body = followedManifest({ ...wanted, follow });
    await cluster.client.request({ method: 'PATCH', patch: 'apply', path: web.path, query, body });
    await web.rolls('settled');
    await web.look();
    push();
    const { changes } = await web.sweep();
    assert.deepEqual(
      changes.map(({ outcome, reason }) => `${outcome} ${reason}`),
      ['refused OwnedByApply'],
    );
    assert.match(changes[0]?.message ?? '', /"kustomize-controller"/);
    assert.match(changes[0]?.message ?? '', /refresh/);
    assert.equal(await web.image(), image);
  });

  test('restart makes new Pods of the same tag, once for each digest', async () => {
    const { wanted, push, image } = await following('Deployment', { action: 'restart' }, {});
    const containers = { api: { image, imagePullPolicy: 'Always' } };
    const web = await createFollowed(cluster, { ...wanted, containers });
    const restartedAt = async (): Promise<string | undefined> =>
      (await web.stored()).spec.template.metadata.annotations?.[RESTARTED];
    assert.deepEqual(await web.look(), ['api unchanged Recorded']);
    assert.equal(await restartedAt(), undefined);
    push();
    assert.deepEqual(await web.look(), ['api written Moved']);
    const first = await restartedAt();
    assert.ok(!Number.isNaN(Date.parse(first ?? '')), first);
    assert.deepEqual(await web.look(), ['api waiting RollingOut']);
    await web.finish();
    for (let looks = 0; looks < 2; looks += 1) assert.deepEqual(await web.look(), ['api unchanged UpToDate']);
    assert.equal(await restartedAt(), first);
    assert.equal(await web.image(), image);
    push();
    assert.deepEqual(await web.look(), ['api written Moved']);
    assert.notEqual(await restartedAt(), first);
  });

  test('restart for an image that no container runs, and refused where a restart would fetch nothing', async () => {
    const { wanted, push, namespace, name } = await following('Deployment', {}, {});
    const other = (): string => cluster.registry.pushImage(`${namespace}/web`, 'other');
    other();
    const web = await createFollowed(cluster, { ...wanted, follow: [{ action: 'restart', image: `${name}:other` }] });
    assert.match((await web.look()).join(), /unchanged Recorded$/);
    push();
    assert.match((await web.look()).join(), /unchanged UpToDate$/);
    other();
    assert.match((await web.look()).join(), /written Moved$/);
    const lazy = { ...wanted, name: 'lazy', follow: [{ container: 'api', action: 'restart' }] };
    const { changes } = await (await createFollowed(cluster, lazy)).sweep();
    assert.equal(changes[0]?.reason, 'InvalidSettings');
    assert.match(changes[0]?.message ?? '', /pull policy of api is IfNotPresent/);
  });

  test('a dry run plans and leaves no trace; a named target alone is looked at', async () => {
    const { wanted, push, pinned, first } = await following('Deployment', {});
    const web = await createFollowed(cluster, wanted);
    await web.look();
    push();
    const { resourceVersion } = (await web.stored()).metadata;
    const state = await cluster.state(web.uid);
    assert.deepEqual(await web.look('--dry-run'), ['api planned Moved']);
    assert.equal((await web.stored()).metadata.resourceVersion, resourceVersion);
    assert.deepEqual(await cluster.state(web.uid), state);
    assert.equal(await web.image(), pinned(first));
    const named = await cluster.run('--once', '-o', 'json', `--target=Deployment/${web.namespace}/web`);
    assert.equal(named.code, 0, named.stderr);
    assert.equal(named.stdout.trim().split('\n').length, 1);
    assert.match(named.stdout, /"written"/);
  });
});
