/** What people do to what runs: nothing rolls out but what they asked for, and what ran comes back. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ApiObject } from '../environment/control-plane.ts';
import { imageOf, manifest, pinsOf } from './manifests.ts';
import { openStage, type Stage, skip } from './stage.ts';

describe('rollouts', { skip }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage?.close());

  const replicaSets = (namespace: string, count: number): Promise<ApiObject[]> =>
    stage.list(namespace, 'replicasets', ({ length }) => length === count);

  /** A Deployment of one tag, and what it means. */
  async function running(namespace: string, kind: 'Deployment' | 'StatefulSet' | 'DaemonSet' = 'Deployment') {
    await stage.namespace(namespace);
    const repository = stage.image(namespace);
    const reference = `${repository}:1`;
    const digest = await stage.push(reference);
    const written = manifest(kind, namespace, reference);
    await stage.apply(written);
    const name = `${kind.toLowerCase()}/web`;
    const run = (...args: readonly string[]) => stage.kubectl([...args, '-n', namespace]);
    const stored = () => stage.stored(namespace, name);
    return { namespace, repository, reference, digest, written, name, pinned: `${repository}@${digest}`, run, stored };
  }

  test('a Deployment keeps one ReplicaSet through apply, scale and edits of labels, also after its tag moved', async () => {
    const { namespace, reference, pinned, written, name, run, stored } = await running('edits');
    const [set] = await replicaSets(namespace, 1);
    assert.equal(imageOf(set), pinned);
    await stage.push(reference);
    for (const args of [
      ['scale', name, '--replicas=3'],
      ['label', name, 'team=shop'],
      ['annotate', name, 'example.org/note=hello'],
      ['autoscale', name, '--max=5'],
      ['set', 'resources', name, '--limits=cpu=1', '--dry-run=server'],
      ['patch', name, '--type=json', '-p', '[{"op":"replace","path":"/spec/minReadySeconds","value":5}]'],
    ]) {
      assert.equal((await run(...args)).stderr, '', args.join(' '));
      assert.equal(imageOf(await stored()), pinned, args.join(' '));
    }
    await run('scale', name, '--replicas=1');
    await stage.applyAgain(namespace, name, written);
    await stage.kubectl(['replace', '-f', '-'], written);
    assert.equal(imageOf(await stored()), pinned);
    await replicaSets(namespace, 1);
    await stage.list(namespace, 'pods', (pods) => pods.every((pod) => imageOf(pod) === pinned));
  });

  test('rollout restart makes new Pods of the same digest, and says that it fetches nothing', async () => {
    const { namespace, reference, pinned, name, run, stored } = await running('restarted');
    await stage.push(reference);
    const { stderr } = await run('rollout', 'restart', name);
    assert.match(stderr, /^Warning: .*restart.*tagpin\.dev\/refresh/);
    const sets = await replicaSets(namespace, 2);
    assert.deepEqual(sets.map(imageOf), [pinned, pinned]);
    assert.equal(imageOf(await stored()), pinned);
  });

  test('set image pins the new tag once; the tag before it means what it ran then', async () => {
    const { namespace, repository, reference, digest, pinned, name, run, stored } = await running('bumped');
    const next = await stage.push(`${repository}:2`);
    const { stderr } = await run('set', 'image', name, `app=${repository}:2`);
    assert.equal(stderr, `Warning: app: ${repository}:2 pinned to ${next.slice(0, 19)}\n`);
    assert.deepEqual(pinsOf(await stored())['containers/app'], {
      before: [{ digest, ref: reference }],
      digest: next,
      ref: `${repository}:2`,
    });
    await stage.push(reference);
    const back = await run('set', 'image', name, `app=${reference}`);
    assert.match(back.stderr, /means sha256:.{12} again, as it ran before; tagpin.dev\/refresh asks anew/);
    assert.equal(imageOf(await stored()), pinned);
    await replicaSets(namespace, 2);
  });

  for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'] as const) {
    test(`rollout undo of a ${kind} brings back what ran, and so do its manifests, old and new, afterwards`, async () => {
      const old = await running(`undone-${kind.toLowerCase()}`, kind);
      const { namespace, repository, name, run, stored, written } = old;
      const digest = await stage.push(`${repository}:2`);
      const newer = manifest(kind, namespace, `${repository}:2`);
      await stage.apply(newer);
      await stage.push(`${repository}:1`);
      await stage.push(`${repository}:2`);
      const revisions = kind === 'Deployment' ? 'replicasets' : 'controllerrevisions';
      await stage.list(namespace, revisions, ({ length }) => length === 2);

      await run('rollout', 'undo', name);
      assert.equal(imageOf(await stored()), old.pinned);
      assert.deepEqual(pinsOf(await stored())['containers/app'], {
        before: [{ digest, ref: `${repository}:2` }],
        digest: old.digest,
        ref: `${repository}:1`,
      });
      await stage.apply(newer);
      assert.equal(imageOf(await stored()), `${repository}@${digest}`, 'rolled forward by the manifest of today');
      await run('rollout', 'undo', name);
      await stage.apply(written);
      await stage.applyAgain(namespace, name, written);
      assert.equal(imageOf(await stored()), old.pinned, 'and what git says after its revert is what runs already');
      await stage.list(namespace, revisions, ({ length }) => length === 2);
    });
  }

  test('a refresh rolls out once what the tag means now, and the same value in git rolls out no more', async () => {
    const { namespace, repository, reference, digest, written, name, run, stored } = await running('refreshed');
    const moved = await stage.push(reference);
    const { stderr } = await run('annotate', name, 'tagpin.dev/refresh=*;1');
    assert.equal(stderr, `Warning: app: ${reference} pinned to ${moved.slice(0, 19)}\n`);
    const now = await stored();
    assert.equal(imageOf(now), `${repository}@${moved}`);
    assert.equal(now.metadata.annotations['tagpin.dev/refresh'], undefined);
    assert.deepEqual(pinsOf(now)['containers/app'].before, [{ digest, ref: reference }]);
    await replicaSets(namespace, 2);

    const inGit = manifest('Deployment', namespace, reference, { 'tagpin.dev/refresh': '*;2' });
    const third = await stage.push(reference);
    await stage.apply(inGit);
    assert.equal(imageOf(await stored()), `${repository}@${third}`);
    await stage.push(reference);
    await stage.applyAgain(namespace, name, inGit);
    await stage.apply(written);
    await stage.applyAgain(namespace, name, written);
    await replicaSets(namespace, 3);

    await run('annotate', name, `tagpin.dev/refresh=app=${digest}`);
    assert.equal(imageOf(await stored()), `${repository}@${third}`, 'only what the registry says now can be expected');
    await run('rollout', 'undo', name, '--to-revision=1');
    assert.equal(imageOf(await stored()), `${repository}@${digest}`);
    await stage.apply(inGit);
    await stage.applyAgain(namespace, name, inGit);
    assert.equal(imageOf(await stored()), `${repository}@${digest}`);
    await replicaSets(namespace, 3);
  });

  test('an update of several containers moves only the one whose tag was changed', async () => {
    const namespace = await stage.namespace('several');
    const repository = stage.image('several');
    const digests = [];
    for (const tag of ['a', 'b', 'a2']) digests.push(await stage.push(`${repository}:${tag}`));
    const [a, b, a2] = digests;
    const images = { 'initContainers/setup': `${repository}:a`, app: `${repository}:a`, other: `${repository}:b` };
    await stage.apply(manifest('Deployment', namespace, images));
    for (const tag of ['a', 'b']) await stage.push(`${repository}:${tag}`);
    const written = manifest('Deployment', namespace, { ...images, app: `${repository}:a2` });
    await stage.apply(written);
    const { spec } = (await stage.stored(namespace, 'deployment/web')).spec.template;
    assert.deepEqual(
      [...spec.initContainers, ...spec.containers].map(({ image }) => image),
      [`${repository}@${a}`, `${repository}@${a2}`, `${repository}@${b}`],
    );
    await stage.applyAgain(namespace, 'deployment/web', written);
  });
});
