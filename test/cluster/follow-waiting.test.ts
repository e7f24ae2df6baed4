/** Workloads whose tag moved, and which are not to be written now: paused, rolling out, protected, taken back by somebody. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { followedCluster } from '../support/followed-cluster.ts';
import { createFollowed, type WantedWorkload } from '../support/followed-workload.ts';

describe('workloads that are to be left as they are for now', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = followedCluster();

  /** A pinned Deployment whose tag has moved since. */
  async function moved(more: Partial<WantedWorkload> = {}) {
    const namespace = more.namespace ?? (await cluster.namespace());
    const repository = `${namespace}/${more.name ?? 'web'}`;
    const push = (): string => cluster.registry.pushImage(repository, 'prod');
    const pinned = (digest: string): string => `${cluster.registry.host}/${repository}@${digest}`;
    const first = push();
    const containers = { api: `${cluster.registry.host}/${repository}:prod` };
    const web = await createFollowed(cluster, { namespace, containers, follow: [{ container: 'api' }], ...more });
    await web.look(web.only);
    return { namespace, push, pinned, web, first, second: push() };
  }
  const annotation = (key: string) => `/metadata/annotations/tagpin.dev~1${key}`;

  test('a paused rollout is waited for, and what moved meanwhile is one rollout afterwards', async () => {
    const { web, pinned, push, first } = await moved();
    await web.edit([{ op: 'add', path: '/spec/paused', value: true }]);
    await web.rolls('settled');
    assert.deepEqual(await web.look(), ['api waiting RolloutPaused']);
    const third = push();
    assert.deepEqual(await web.look(), ['api waiting RolloutPaused']);
    assert.equal(await web.image(), pinned(first));
    await web.edit([{ op: 'remove', path: '/spec/paused' }]);
    await web.rolls('settled');
    assert.deepEqual(await web.look(), ['api written Moved']);
    assert.equal(await web.image(), pinned(third));
  });

  test('a rollout of somebody else is waited for', async () => {
    const { web, pinned, first, second } = await moved();
    for (const rollout of ['rolling', 'rolling'] as const) {
      await web.rolls(rollout);
      assert.deepEqual(await web.look(), ['api waiting RollingOut']);
    }
    assert.equal(await web.image(), pinned(first));
    await web.rolls('settled');
    assert.deepEqual(await web.look(), ['api written Moved']);
    assert.equal(await web.image(), pinned(second));
  });

  test('tagpin.dev/pause on it, or on its namespace, stops it, and nothing else', async () => {
    const { web, pinned, first, second } = await moved();
    const other = await moved();
    await web.edit([{ op: 'add', path: annotation('pause'), value: 'true' }]);
    assert.deepEqual(await web.look(), ['api waiting Paused']);
    assert.deepEqual(await web.look(), ['api waiting Paused']);
    assert.equal((await other.web.image()).endsWith(other.second), true);
    await web.edit([{ op: 'remove', path: annotation('pause') }]);
    await web.rolls('settled');
    const pause = async (value: string | null): Promise<void> => {
      const body = { metadata: { annotations: { 'tagpin.dev/pause': value } } };
      const path = `/api/v1/namespaces/${web.namespace}`;
      await cluster.client.request({ method: 'PATCH', patch: 'merge', path, body });
    };
    await pause('true');
    assert.deepEqual(await web.look(), ['api waiting Paused']);
    assert.equal(await web.image(), pinned(first));
    await pause(null);
    assert.deepEqual(await web.look(), ['api written Moved']);
    assert.equal(await web.image(), pinned(second));
  });

  test("what the policy's sweep.protect names is never written, by its kind or its namespace", async (t) => {
    t.after(() => cluster.policy());
    const labels = { 'tagpin.dev/inject': 'enabled', env: 'production' };
    const one = await moved({ namespace: await cluster.namespace(labels) });
    const two = await moved();
    await cluster.policy('sweep:\n  protect:\n  - {namespaceLabels: {env: production}}\n');
    assert.deepEqual(await one.web.look(), ['api refused Protected']);
    assert.deepEqual(
      await two.web.look(),
      ['api unchanged UpToDate'].map(() => 'api waiting RollingOut'),
    );
    await cluster.policy('sweep:\n  protect:\n  - {kind: Deployment}\n');
    await two.web.rolls('settled');
    two.push();
    assert.deepEqual(await two.web.look(), ['api refused Protected']);
    assert.equal(await one.web.image(), one.pinned(one.first));
  });

  test('what somebody puts back is left so, and told, until the tag means a third digest', async () => {
    const { web, pinned, push, first } = await moved();
    const before = await web.stored();
    assert.deepEqual(await web.look(), ['api written Moved']);
    await web.finish();
    assert.deepEqual(await web.look(), ['api unchanged UpToDate']);
    // As `kubectl rollout undo` does: the template of before, and the annotations of its revision.
    await web.edit(
      [
        { op: 'replace', path: '/spec/template', value: before.spec.template },
        { op: 'add', path: annotation('pins'), value: before.metadata.annotations['tagpin.dev/pins'] },
      ],
      'kubectl-rollout',
    );
    await web.rolls('settled');
    assert.equal(await web.image(), pinned(first));
    for (let looks = 0; looks < 3; looks += 1) assert.deepEqual(await web.look(), ['api waiting Contested']);
    assert.equal(await web.image(), pinned(first));
    const told = (await web.events()).filter((event) => event.includes('Contested'));
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', /kubectl-rollout/);
    const third = push();
    assert.deepEqual(await web.look(), ['api written Moved']);
    assert.equal(await web.image(), pinned(third));
  });

  test('a workload that is being deleted is not written', async () => {
    const { web, pinned, first } = await moved();
    await web.edit([{ op: 'add', path: '/metadata/finalizers', value: ['example.org/later'] }]);
    await cluster.client.request({ method: 'DELETE', path: web.path });
    await web.rolls('settled');
    assert.deepEqual(await web.look(), ['api waiting Deleting']);
    assert.equal(await web.image(), pinned(first));
  });

  test('what nobody can read as settings is refused, says what to write instead, and holds up nobody', async () => {
    const namespace = await cluster.namespace();
    const wrong = await moved({ namespace, name: 'wrong' });
    const right = await moved({ namespace, name: 'right' });
    for (const text of [
      '{',
      'true',
      '- {}',
      '- {container: nobody}',
      '- {container: api, action: reboot}',
      '- {container: api, contaner: api}',
      '- {container: api, action: set-env}',
      '- {container: api, action: set-image}',
      `- {container: api, image: "${cluster.registry.host}/a/b@sha256:${'0'.repeat(64)}"}`,
      '- {container: api, interval: soon}',
      '- {container: api}\n- {container: api}',
    ]) {
      await wrong.web.edit([{ op: 'add', path: annotation('follow'), value: text }]);
      const { code, changes } = await wrong.web.sweep('--dry-run', wrong.web.only);
      assert.deepEqual(
        new Set(changes.map(({ outcome, reason }) => `${outcome} ${reason}`)),
        new Set(['refused InvalidSettings']),
        text,
      );
      assert.ok(
        changes.every(({ message }) => message.length > 10),
        text,
      );
      assert.equal(code, 0, text);
    }
    assert.deepEqual(await right.web.look(), ['api written Moved']);
  });
});
