/** Workloads that follow tags where Kubernetes' own controllers roll them out: what they say of it is believed, and what people undo stays undone. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApiObject } from '../environment/control-plane.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import type { Manifest } from '../support/admission.ts';
import { eventually } from '../support/eventually.ts';
import { followedCluster } from '../support/followed-cluster.ts';
import { createFollowed, type FollowedKind } from '../support/followed-workload.ts';

describe('workloads that real controllers roll out', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = followedCluster({ controllers: 'all' });

  /** A healthy workload that follows its tag. */
  async function healthy(kind: FollowedKind, spec: Manifest = {}) {
    const namespace = await cluster.namespace();
    const push = (): string => cluster.registry.pushImage(`${namespace}/web`, 'prod');
    const name = `${cluster.registry.host}/${namespace}/web`;
    const first = push();
    const web = await createFollowed(cluster, {
      namespace,
      kind,
      containers: { api: `${name}:prod` },
      follow: [{ container: 'api' }],
      spec: { replicas: 2, ...spec },
      rollout: 'unseen',
    });
    const pods = async (): Promise<readonly ApiObject[]> =>
      (await cluster.plane.get(`/api/v1/namespaces/${namespace}/pods`)).items;
    /** What a kubelet says of Pods that are well. */
    const makeReady = async (): Promise<void> => {
      for (const { metadata } of await pods()) {
        const path = `/api/v1/namespaces/${namespace}/pods/${metadata.name}/status`;
        const lastTransitionTime = new Date(Date.now() - 1000).toISOString().replace(/\.\d+/, '');
        const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime }];
        const body = { status: { phase: 'Running', conditions } };
        await cluster.client.request({ method: 'PATCH', patch: 'merge', path, body }).catch(() => null);
      }
    };
    /** Looks, making Pods ready, until it comes to this. */
    const settles = (...expected: readonly string[]) =>
      eventually(
        expected.join(),
        async () => {
          await makeReady();
          return isHealthy(await web.stored()) && (await web.look()).join() === expected.join();
        },
        { seconds: 60 },
      );
    await settles('api unchanged UpToDate');
    return { namespace, push, pinned: (digest: string) => `${name}@${digest}`, first, web, pods, settles, makeReady };
  }

  for (const kind of ['Deployment', 'StatefulSet'] as const) {
    test(`a ${kind} is moved once, waited for, and said to be healthy when it is`, async () => {
      const { web, push, pinned, pods, settles, namespace } = await healthy(kind);
      const second = push();
      assert.deepEqual(await web.look(), ['api written Moved']);
      assert.deepEqual(await web.look(), ['api waiting RollingOut']);
      assert.equal((await cluster.state(web.uid)).images.api.attempt.count, 1);
      assert.equal(await web.annotation('tagpin.dev/last-refresh'), null);
      await settles('api unchanged UpToDate');
      const { written, attempt } = (await cluster.state(web.uid)).images.api;
      assert.deepEqual([written, attempt], [`prod@${second}`, undefined]);
      const told = (await web.events()).filter((event) => /^\S+ (?:RolledOut|Updated) api /.test(event));
      assert.equal(told.length, 2, told.join('\n'));
      assert.deepEqual(
        (await pods()).map(({ spec }) => spec.containers[0].image),
        [pinned(second), pinned(second)],
      );
      const kinds = kind === 'Deployment' ? 'replicasets' : 'controllerrevisions';
      const { items } = await cluster.plane.get(`/apis/apps/v1/namespaces/${namespace}/${kinds}`);
      assert.equal(items.length, 2);
      assert.match((await web.annotation('tagpin.dev/last-refresh')) ?? '', new RegExp(`^20\\S+Z api=${second}$`));
    });
  }

  test('a Deployment that does not get on in its time is tried three times; rollout undo is what stays then', async () => {
    const { web, push, pinned, first, namespace, settles } = await healthy('Deployment', {
      progressDeadlineSeconds: 4,
    });
    push();
    assert.deepEqual(await web.look(), ['api written Moved']);
    const seen = new Set<string>();
    await eventually(
      'it is given up',
      async () => {
        const looked = (await web.look()).join();
        seen.add(looked);
        return looked === 'api failed GaveUp';
      },
      { seconds: 90 },
    );
    const [image] = Object.values<{ attempt: { count: number } }>((await cluster.state(web.uid)).images);
    assert.equal(image?.attempt.count, 3);
    assert.ok(seen.has('api waiting RollingOut'), [...seen].join('\n'));

    const undo = ['rollout', 'undo', 'deployment/web', '--to-revision=1', '--namespace', namespace];
    const { code, stderr } = await cluster.plane.kubectl(undo);
    assert.equal(code, 0, stderr);
    assert.equal(await web.image(), pinned(first));
    await settles('api waiting Contested');
    assert.equal(await web.image(), pinned(first));
    const third = push();
    assert.deepEqual(await web.look(), ['api written Moved']);
    assert.equal(await web.image(), pinned(third));
  });

  test('rollout undo of a healthy move stays, and rollout restart and scaling are nobody’s drift', async () => {
    const { web, push, pinned, first, namespace, settles } = await healthy('Deployment');
    push();
    await web.look();
    await settles('api unchanged UpToDate');
    const kubectl = async (...args: readonly string[]): Promise<void> => {
      const { code, stderr } = await cluster.plane.kubectl([...args, '--namespace', namespace]);
      assert.equal(code, 0, stderr);
    };
    await kubectl('rollout', 'restart', 'deployment/web');
    await kubectl('scale', 'deployment/web', '--replicas=3');
    await settles('api unchanged UpToDate');
    await kubectl('scale', 'deployment/web', '--replicas=0');
    await settles('api unchanged UpToDate');
    await kubectl('rollout', 'undo', 'deployment/web', '--to-revision=1');
    await settles('api waiting Contested');
    assert.equal(await web.image(), pinned(first));
  });

  test('what is scaled to nothing is moved, and is healthy at once', async () => {
    const { web, push, pinned, settles } = await healthy('Deployment', { replicas: 0 });
    const second = push();
    assert.deepEqual(await web.look(), ['api written Moved']);
    await settles('api unchanged UpToDate');
    assert.equal(await web.image(), pinned(second));
  });
});

/** Has its controller seen all, and are all Pods new and ready? */
function isHealthy({ metadata, spec, status }: ApiObject): boolean {
  const counts = [status.updatedReplicas ?? 0, status.readyReplicas ?? 0, status.replicas ?? 0];
  return status.observedGeneration === metadata.generation && counts.every((count) => count === spec.replicas);
}
