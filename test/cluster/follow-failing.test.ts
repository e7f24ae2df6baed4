/** Rollouts that fail, sweepers that are killed or not alone, state that can't be read: what production taught a refresh CronJob. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import type { Gate } from '../support/api-proxy.ts';
import { followedCluster } from '../support/followed-cluster.ts';
import { createFollowed, type FollowedKind, type FollowedWorkload } from '../support/followed-workload.ts';

describe('rollouts that fail', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = followedCluster();

  /** A pinned workload whose tag has moved since. */
  async function moved(kind: FollowedKind = 'Deployment', namespace: string | null = null, name = 'web') {
    const home = namespace ?? (await cluster.namespace());
    const repository = `${home}/${name}`;
    const push = (): string => cluster.registry.pushImage(repository, 'prod');
    const pinned = (digest: string): string => `${cluster.registry.host}/${repository}@${digest}`;
    const first = push();
    const containers = { api: `${cluster.registry.host}/${repository}:prod` };
    const follow = [{ container: 'api' }];
    const web = await createFollowed(cluster, { namespace: home, kind, name, containers, follow });
    await web.look(web.only);
    return { push, pinned, web, first, second: push() };
  }
  const attemptsOf = async ({ uid }: FollowedWorkload): Promise<number | null> => {
    const state = await cluster.state(uid);
    const [image] = Object.values<{ attempt?: { count: number } }>(state?.images ?? {});
    return image?.attempt?.count ?? null;
  };
  /** As if the attempt had been made that long ago. */
  const age = async ({ uid }: FollowedWorkload, minutes: number): Promise<void> => {
    const at = new Date(Date.now() - minutes * 60_000).toISOString();
    await cluster.changeState(uid, (state) => {
      for (const image of Object.values<{ attempt?: { at: string } }>(state.images)) {
        if (image.attempt !== undefined) image.attempt.at = at;
      }
      return JSON.stringify(state);
    });
  };
  /** Looks until something is written, or given up: rollouts that failed may be tried again at once, or at the next look. */
  async function lookOn(web: FollowedWorkload): Promise<string> {
    for (let looks = 0; ; looks += 1) {
      const [only = ''] = await web.look();
      if (!/RolloutFailed|Retrying/.test(only) || looks === 3) return only;
    }
  }

  test('a rollout that fails is tried three times, then given up and said so, until the tag means another digest', async () => {
    const { web, push, pinned, second } = await moved();
    assert.deepEqual(await web.look(), ['api written Moved']);
    for (const attempt of [1, 2]) {
      assert.equal(await attemptsOf(web), attempt);
      await web.rolls('stuck');
      const template = await web.template();
      assert.match(await lookOn(web), /^api written /);
      assert.equal(await web.image(), pinned(second));
      assert.notEqual(await web.template(), template, 'it is a rollout of its own');
    }
    assert.equal(await attemptsOf(web), 3);
    await web.rolls('stuck');
    assert.equal(await lookOn(web), 'api failed GaveUp');
    const template = await web.template();
    for (let looks = 0; looks < 3; looks += 1) {
      const { code, changes } = await web.sweep();
      assert.deepEqual([code, changes.map(({ reason }) => reason)], [1, ['GaveUp']]);
    }
    assert.equal(await web.template(), template);
    const events = await web.events();
    assert.equal(
      events.filter((event) => /^Warning .*GaveUp|^Warning GaveUp/.test(event)).length,
      1,
      events.join('\n'),
    );

    const third = push();
    assert.equal(await lookOn(web), 'api written Moved');
    assert.equal(await web.image(), pinned(third));
    assert.equal(await attemptsOf(web), 1);
    await web.finish();
    assert.deepEqual(await web.look(), ['api unchanged UpToDate']);
    assert.equal(await attemptsOf(web), null);
  });

  test('a rollout that was given up, and that gets healthy all the same, is a success', async () => {
    const { web } = await moved();
    await web.look();
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await web.rolls('stuck');
      await lookOn(web);
    }
    await web.finish();
    assert.deepEqual(await web.look(), ['api unchanged UpToDate']);
    assert.equal(await attemptsOf(web), null);
  });

  for (const kind of ['StatefulSet', 'DaemonSet'] as const) {
    test(`a ${kind} has no deadline of its own: what rolls longer than ten minutes has failed`, async () => {
      const { web, second, pinned } = await moved(kind);
      assert.deepEqual(await web.look(), ['api written Moved']);
      await web.rolls('rolling');
      await age(web, 9);
      assert.deepEqual(await web.look(), ['api waiting RollingOut']);
      await age(web, 11);
      assert.match(await lookOn(web), /^api written /);
      assert.equal(await attemptsOf(web), 2);
      await web.finish();
      assert.deepEqual(await web.look(), ['api unchanged UpToDate']);
      assert.equal(await web.image(), pinned(second));
    });
  }

  test('a workload that never settles is told at the eighth look, and the others go on meanwhile', async () => {
    const namespace = await cluster.namespace();
    const stuck = await moved('Deployment', namespace, 'stuck');
    const other = await moved('Deployment', namespace, 'other');
    await stuck.web.rolls('rolling');
    assert.deepEqual(await other.web.look(), ['api written Moved']);
    await other.web.finish();
    for (let looks = 3; looks < 8; looks += 1) assert.deepEqual(await stuck.web.look(), ['api waiting RollingOut']);
    const { code, changes } = await stuck.web.sweep();
    assert.deepEqual([code, changes.map(({ reason }) => reason)], [1, ['NotSettling']]);
    await stuck.web.look();
    const told = (await stuck.web.events()).filter((event) => event.includes('NotSettling'));
    assert.equal(told.length, 1);
    other.push();
    assert.deepEqual(await other.web.look(), ['api written Moved']);
    assert.equal(await stuck.web.image(), stuck.pinned(stuck.first));
    await stuck.web.rolls('settled');
    assert.deepEqual(await stuck.web.look(), ['api written Moved']);
  });

  test('a rollout that is stuck is no silence where there is nothing to write', async () => {
    const { web } = await moved();
    await web.look();
    await web.finish();
    assert.deepEqual(await web.look(), ['api unchanged UpToDate']);
    await web.rolls('stuck');
    const { code, changes } = await web.sweep();
    assert.deepEqual([code, changes.map(({ reason }) => reason)], [1, ['RolloutFailed']]);
    const template = await web.template();
    await web.look();
    assert.equal(await web.template(), template, 'it is not restarted for that');
  });

  for (const when of ['request', 'answer'] as const) {
    test(`a sweeper that is killed before the ${when} of its patch has counted the attempt; the next one finishes`, async (t) => {
      const { web, pinned, first, second } = await moved();
      const held = Promise.withResolvers<void>();
      const gate: Gate = async ({ method, path }, now) => {
        if (now !== when || method !== 'PATCH' || !path.includes(web.path)) return;
        held.resolve();
        await new Promise(() => {});
      };
      const kubeconfig = await cluster.gated(t, gate);
      const killed = cluster.start('--once', `--kubeconfig=${kubeconfig}`);
      await held.promise;
      killed.signal('SIGKILL');
      await killed.finished;
      assert.equal(await attemptsOf(web), 1);
      assert.equal(await web.image(), pinned(when === 'request' ? first : second));

      const [next = ''] = await web.look();
      if (when === 'request') assert.match(next, /^api written /);
      else assert.equal(next, 'api waiting RollingOut');
      assert.equal(await web.image(), pinned(second));
      assert.equal(await web.generation(), 2);
      await web.finish();
      assert.deepEqual(await web.look(), ['api unchanged UpToDate']);
      assert.equal(await attemptsOf(web), null);
    });
  }

  test('two sweepers at once roll out once', async () => {
    const { web, pinned, second } = await moved();
    const both = await Promise.all([web.sweep(web.only), web.sweep(web.only)]);
    assert.deepEqual(new Set(both.map(({ code }) => code)), new Set([0]), both.map(({ stderr }) => stderr).join('\n'));
    assert.equal(both.flatMap(({ changes }) => changes).filter(({ outcome }) => outcome === 'written').length, 1);
    assert.equal(await web.image(), pinned(second));
    assert.equal(await web.generation(), 2);
    assert.equal(await attemptsOf(web), 1);
  });

  test('state that nobody can read is as none: nothing is restarted for it that did not move', async () => {
    const { web } = await moved();
    await web.look();
    await web.finish();
    const template = await web.template();
    for (const text of ['{', '{"v":1,"images":{"api":7}}', 'null', '"\u0000"']) {
      await cluster.changeState(web.uid, () => text);
      const { code, changes } = await web.sweep(web.only);
      assert.deepEqual([code, changes.map(({ outcome }) => outcome)], [0, ['unchanged']], text);
    }
    assert.equal(await web.template(), template);
  });

  test('without its state a workload that follows its pin is moved once, and one that floats is recorded anew', async () => {
    const { web, push, pinned } = await moved();
    await web.look();
    await web.finish();
    const third = push();
    await cluster.changeState(web.uid, () => null);
    assert.deepEqual(await web.look(), ['api written Moved']);
    assert.equal(await web.image(), pinned(third));
  });
});
