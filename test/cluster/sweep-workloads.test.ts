/** The way of a workload that follows a tag, with real controllers: pinned by the webhook, moved by the sweeper, healthy, on record. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApiObject } from '../environment/control-plane.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { eventually } from '../support/eventually.ts';
import { followedCluster } from '../support/followed-cluster.ts';
import { createFollowed, type FollowedWorkload } from '../support/followed-workload.ts';

describe('a workload that follows a tag', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = followedCluster({ controllers: 'all' });

  async function replicaSets(namespace: string): Promise<readonly ApiObject[]> {
    const { items } = await cluster.plane.get(`/apis/apps/v1/namespaces/${namespace}/replicasets`);
    return items as readonly ApiObject[];
  }

  /** As the kubelet would: all Pods run. */
  async function runPods(namespace: string): Promise<void> {
    const { items } = await cluster.plane.get(`/api/v1/namespaces/${namespace}/pods`);
    for (const { metadata, spec } of items as readonly ApiObject[]) {
      const containerStatuses = spec.containers.map(({ name, image }: { name: string; image: string }) => ({
        name,
        image,
        imageID: image,
        ready: true,
        restartCount: 0,
        state: { running: { startedAt: '2026-11-21T12:00:00Z' } },
      }));
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-11-21T12:00:00Z' }];
      const body = { status: { phase: 'Running', conditions, containerStatuses } };
      const path = `/api/v1/namespaces/${namespace}/pods/${metadata.name}/status`;
      await cluster.client.request({ method: 'PATCH', patch: 'merge', path, body }).catch(() => {});
    }
  }

  async function untilHealthy(web: FollowedWorkload): Promise<void> {
    await eventually('its one Pod is new and available', async () => {
      await runPods(web.namespace);
      const { metadata, status } = await web.stored();
      const { replicas, updatedReplicas, availableReplicas, observedGeneration } = status;
      const isNew = [replicas, updatedReplicas, availableReplicas].every((count) => count === 1);
      return isNew && observedGeneration === metadata.generation;
    });
  }

  test('is pinned, moved once, and its success is recorded when it is healthy', async () => {
    const namespace = await cluster.namespace();
    const { registry } = cluster;
    const push = (): string => registry.pushImage(`${namespace}/web`, 'main');
    const first = push();
    const containers = { api: `${registry.host}/${namespace}/web:main` };
    const web = await createFollowed(cluster, {
      namespace,
      containers,
      follow: [{ container: 'api' }],
      rollout: 'unseen',
    });
    const healthy = () => untilHealthy(web);
    await healthy();
    assert.equal(await web.image(), `${registry.host}/${namespace}/web@${first}`);
    assert.deepEqual(await web.look(), ['api unchanged UpToDate']);

    const second = push();
    assert.deepEqual(await web.look(), ['api written Moved']);
    assert.equal(await web.image(), `${registry.host}/${namespace}/web@${second}`);
    await eventually('a second ReplicaSet', async () => (await replicaSets(namespace)).length === 2);
    assert.deepEqual(await web.look(), ['api waiting RollingOut']);
    assert.equal((await cluster.state(web.uid)).images.api.attempt.count, 1);
    assert.equal(await web.annotation('tagpin.dev/last-refresh'), null);

    await healthy();
    assert.deepEqual(await web.look(), ['api unchanged RolledOut']);
    assert.match((await web.annotation('tagpin.dev/last-refresh')) ?? '', new RegExp(`^20\\S+Z api=${second}$`));
    const { written, attempt } = (await cluster.state(web.uid)).images.api;
    assert.deepEqual([written, attempt], [`main@${second}`, undefined]);
    await healthy();
    assert.deepEqual(await web.look(), ['api unchanged UpToDate']);
    const sets = await replicaSets(namespace);
    const ran = sets.map(({ spec }): string => spec.template.spec.containers[0].image.slice(-71));
    assert.deepEqual(new Set(ran), new Set([first, second]));
    const events = await web.events();
    assert.deepEqual(events.filter((event) => /Updated|RolledOut/.test(event)).length, 2, events.join('\n'));

    // As `kubectl rollout undo`: with real controllers it brings the annotations of its revision along.
    const undone = await cluster.plane.kubectl(['rollout', 'undo', 'deployment/web', '-n', namespace]);
    assert.equal(undone.code, 0, undone.stderr);
    await healthy();
    assert.equal(await web.image(), `${registry.host}/${namespace}/web@${first}`);
    assert.deepEqual([await web.look(), await web.look()], [['api waiting Contested'], ['api waiting Contested']]);
  });

  test('is left as it is where no webhook sees the refresh, and nothing is left behind', async () => {
    const namespace = await cluster.namespace({});
    const { registry } = cluster;
    const push = (): string => registry.pushImage(`${namespace}/web`, 'main');
    push();
    const image = `${registry.host}/${namespace}/web:main`;
    const web = await createFollowed(cluster, {
      namespace,
      containers: { api: image },
      follow: [{ container: 'api' }],
      rollout: 'unseen',
    });
    await untilHealthy(web);
    assert.deepEqual(await web.look(), ['api unchanged Recorded']);
    push();
    const { changes } = await web.sweep();
    assert.deepEqual(
      changes.map(({ reason }) => reason),
      ['NoWebhook'],
    );
    assert.match(changes[0]?.message ?? '', new RegExp(`tagpin namespace enable ${namespace}`));
    assert.deepEqual([await web.image(), await web.annotation('tagpin.dev/refresh')], [image, null]);
  });
});
