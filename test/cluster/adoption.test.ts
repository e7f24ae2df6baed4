/** Namespaces that are opted in while things run there, and fields that several managers claim. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { imageOf, manifest, pinsOf } from './manifests.ts';
import { openStage, type Stage, skip } from './stage.ts';

const OPT_IN = 'tagpin.dev/inject=enabled';
const KINDS_THAT_ROLL = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;

describe('adoption', { skip }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage?.close());

  const imageNow = async (namespace: string, name = 'deployment/web') => imageOf(await stage.stored(namespace, name));

  test('opting a namespace in rolls nothing out, whatever is done to it but its tag', async () => {
    const namespace = await stage.namespace('later', 'not opted in');
    const reference = stage.image('later/app:1');
    await stage.push(reference);
    for (const kind of KINDS_THAT_ROLL) await stage.apply(manifest(kind, namespace, reference));
    await stage.list(namespace, 'controllerrevisions', ({ length }) => length === 2);
    await stage.list(namespace, 'replicasets', ({ length }) => length === 1);
    await stage.kubectl(['label', 'namespace', namespace, OPT_IN]);
    for (const kind of KINDS_THAT_ROLL) {
      const name = `${kind.toLowerCase()}/web`;
      const { stderr } = await stage.kubectl(['label', '-n', namespace, name, 'team=shop']);
      assert.match(stderr, /^Warning: app: .+ floats as before; annotate tagpin.dev\/refresh=floating to pin it\n$/);
      await stage.applyAgain(namespace, name, manifest(kind, namespace, reference));
      assert.equal(await imageNow(namespace, name), reference);
    }
    await stage.list(namespace, 'controllerrevisions', ({ length }) => length === 2);
    await stage.list(namespace, 'replicasets', ({ length }) => length === 1);
  });

  test('tagpin.dev/refresh=floating adopts what floats, once, and nothing else', async () => {
    const namespace = await stage.namespace('floating', 'not opted in');
    const reference = stage.image('floating/app:1');
    const digest = await stage.push(reference);
    await stage.apply(manifest('Deployment', namespace, reference));
    await stage.list(namespace, 'replicasets', ({ length }) => length === 1);
    await stage.kubectl(['label', 'namespace', namespace, OPT_IN]);
    const adopt = ['annotate', '-n', namespace, 'deploy', '--all', 'tagpin.dev/refresh=floating'];
    await stage.kubectl(adopt);
    const pinned = `${stage.image('floating/app')}@${digest}`;
    assert.equal(await imageNow(namespace), pinned);
    await stage.list(namespace, 'replicasets', ({ length }) => length === 2);
    await stage.push(reference);
    await stage.kubectl(adopt);
    await stage.applyAgain(namespace, 'deployment/web', manifest('Deployment', namespace, reference));
    assert.equal(await imageNow(namespace), pinned);
  });

  test('taking the label away again changes nothing until the next apply', async () => {
    const namespace = await stage.namespace('leaving');
    const reference = stage.image('leaving/app:1');
    const digest = await stage.push(reference);
    await stage.apply(manifest('Deployment', namespace, reference));
    await stage.kubectl(['label', 'namespace', namespace, 'tagpin.dev/inject-']);
    await stage.kubectl(['label', '-n', namespace, 'deployment/web', 'team=shop']);
    assert.equal(await imageNow(namespace), `${stage.image('leaving/app')}@${digest}`);
    await stage.apply(manifest('Deployment', namespace, reference));
    assert.equal(await imageNow(namespace), reference);
  });

  test('server-side apply of the tag stores the digest, and again changes nothing', async () => {
    const namespace = await stage.namespace('server-side');
    const reference = stage.image('server-side/app:1');
    const digest = await stage.push(reference);
    const written = manifest('Deployment', namespace, reference);
    const apply = (manager: string, object: object, ...more: readonly string[]) =>
      stage.kubectl(['apply', '--server-side', `--field-manager=${manager}`, ...more, '-f', '-'], object);
    await apply('gitops', written);
    const pinned = `${stage.image('server-side/app')}@${digest}`;
    assert.equal(await imageNow(namespace), pinned);
    await stage.push(reference);
    await stage.list(namespace, 'replicasets', ({ length }) => length === 1);
    await apply('gitops', written);
    await apply('gitops', written);
    assert.equal(await imageNow(namespace), pinned);
    const diff = await stage.kubectl(['diff', '--server-side', '--field-manager=gitops', '-f', '-'], written);
    assert.equal(diff.stdout, '');
    await stage.list(namespace, 'replicasets', ({ length }) => length === 1);
  });

  test('a second manager that applies the tag meets a conflict, and with --force-conflicts the digest stays', async () => {
    const namespace = await stage.namespace('two-managers');
    const reference = stage.image('two-managers/app:1');
    const digest = await stage.push(reference);
    const written = manifest('Deployment', namespace, reference);
    const args = ['apply', '--server-side', '-f', '-'];
    await stage.kubectl([...args, '--field-manager=first'], written);
    await stage.push(reference);
    const second = [...args, '--field-manager=second'];
    const { code, stderr } = await stage.plane.kubectl(second, { input: JSON.stringify(written) });
    assert.equal(code, 1);
    assert.match(stderr, /conflict with "first": \.spec\.template\.spec\.containers\[name="app"\]\.image/);
    await stage.kubectl([...second, '--force-conflicts'], written);
    const stored = await stage.stored(namespace, 'deployment/web');
    assert.equal(imageOf(stored), `${stage.image('two-managers/app')}@${digest}`);
    assert.equal(pinsOf(stored)['containers/app'].digest, digest);
    // A manager of other fields only is in nobody's way.
    const labels = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace, labels: { team: 'x' } },
    };
    await stage.kubectl([...args, '--field-manager=third'], labels);
    assert.equal(await imageNow(namespace), `${stage.image('two-managers/app')}@${digest}`);
    await stage.list(namespace, 'replicasets', ({ length }) => length === 1);
  });
});
