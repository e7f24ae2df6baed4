/** What is stored of what users write, for every kind, and that writing it again changes nothing. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { WORKLOAD_KINDS } from '../../src/core/workload/kinds.ts';
import type { ApiObject } from '../environment/control-plane.ts';
import { imageOf, manifest, pinsOf, podSpecOf } from './manifests.ts';
import { readApiTypes } from './openapi.ts';
import { openStage, type Stage, skip } from './stage.ts';

const NO_LATEST = `rules:
- {name: no-latest, match: {namespaces: [owned], tags: [latest]}, action: deny, message: Use a release tag.}
`;

describe('every kind', { skip }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage({ policy: NO_LATEST });
  });
  after(() => stage?.close());

  for (const kind of WORKLOAD_KINDS) {
    const name = `${kind.toLowerCase()}/web`;
    test(`a ${kind} with a tag is stored with the digest, says so, and stays when the tag has moved`, async () => {
      const namespace = await stage.namespace(kind.toLowerCase());
      const reference = stage.image(`shop/${kind.toLowerCase()}:1`);
      const digest = await stage.push(reference);
      const written = manifest(kind, namespace, reference);

      const created = await stage.apply(written);
      assert.equal(created.stderr, `Warning: app: ${reference} pinned to ${digest.slice(0, 19)}\n`);
      const stored = await stage.stored(namespace, name);
      assert.equal(imageOf(stored), `${reference.replace(/:1$/, '')}@${digest}`);
      assert.deepEqual(pinsOf(stored), { 'containers/app': { digest, ref: reference }, v: 1 });

      assert.notEqual(await stage.push(reference), digest);
      const diff = await stage.kubectl(['diff', '-f', '-'], written);
      assert.deepEqual(diff, { stdout: '', stderr: '' });
      const again = await stage.applyAgain(namespace, name, written);
      assert.equal(again.stderr, '');
    });
  }

  test('no other kind of the API server holds a Pod, and no other field of a Pod names an image', async () => {
    const types = await readApiTypes(stage.plane);
    const pod = 'io.k8s.api.core.v1.PodSpec';
    const kinds = types.kindsWith(pod).map((each) => each.split('/')[1] ?? '');
    assert.deepEqual(kinds.toSorted(), WORKLOAD_KINDS);
    assert.deepEqual(types.fieldsOf(pod, ['image', 'reference']), [
      'containers[].image',
      'ephemeralContainers[].image',
      'initContainers[].image',
      'volumes[].image.reference',
      // An image of a disk, in Ceph.
      'volumes[].rbd.image',
    ]);
  });

  test('init containers, containers and image volumes of one object are pinned together', async () => {
    const namespace = await stage.namespace('all-slots');
    const references = {
      'initContainers/setup': stage.image('slots/setup:1'),
      app: stage.image('slots/app:1'),
      sidecar: stage.image('slots/sidecar:1'),
      'volumes/data': stage.image('slots/data:1'),
    };
    const digests = await Promise.all(Object.values(references).map((reference) => stage.push(reference)));
    const [setup, app, sidecar, data] = digests;
    const { stderr } = await stage.apply(manifest('Deployment', namespace, references));
    assert.equal(stderr.match(/^Warning: .+ pinned to sha256:/gm)?.length, 4);
    const spec = podSpecOf(await stage.stored(namespace, 'deployment/web'));
    assert.equal(spec.initContainers[0].image, `${stage.image('slots/setup')}@${setup}`);
    assert.equal(spec.containers[0].image, `${stage.image('slots/app')}@${app}`);
    assert.equal(spec.containers[1].image, `${stage.image('slots/sidecar')}@${sidecar}`);
    assert.equal(spec.volumes[0].image.reference, `${stage.image('slots/data')}@${data}`);
    assert.deepEqual(await stage.kubectl(['diff', '-f', '-'], manifest('Deployment', namespace, references)), {
      stdout: '',
      stderr: '',
    });
  });

  test('kubectl debug adds a container by digest to a Pod, and leaves the ones before it', async () => {
    const namespace = await stage.namespace('debugged');
    const [app, tool] = [stage.image('debug/app:1'), stage.image('debug/tool:1')];
    await stage.push(app);
    const digest = await stage.push(tool);
    await stage.apply(manifest('Pod', namespace, app));
    assert.equal((await stage.stored(namespace, 'pod/web')).metadata.labels['tagpin.dev/pinned'], 'true');

    const debug = ['debug', '-n', namespace, 'pod/web', '--image', tool, '-c'];
    const { stderr } = await stage.kubectl([...debug, 'first']);
    assert.equal(stderr, `Warning: first: ${tool} pinned to ${digest.slice(0, 19)}\n`);
    const moved = await stage.push(tool);
    await stage.kubectl([...debug, 'second']);
    const { spec } = await stage.stored(namespace, 'pod/web');
    assert.deepEqual(
      spec.ephemeralContainers.map(({ name, image }: ApiObject) => [name, image]),
      [
        ['first', `${stage.image('debug/tool')}@${digest}`],
        ['second', `${stage.image('debug/tool')}@${moved}`],
      ],
    );
  });

  test('what a controller owns is left alone, an ephemeral container in its Pods too, and still judged', async () => {
    const namespace = await stage.namespace('owned');
    const [app, tool] = [stage.image('owned/app:1'), stage.image('owned/tool:1')];
    await stage.push(app);
    await stage.push(tool);
    await stage.apply(manifest('Deployment', namespace, app));
    const [pod] = await stage.list(namespace, 'pods', (pods) => pods.length === 1);
    assert.equal(pod.metadata.labels['tagpin.dev/pinned'], 'true');
    assert.equal(pinsOf(pod), null);
    const debug = ['debug', '-n', namespace, `pod/${pod.metadata.name}`, '-c', 'look', '--image'];
    const refused = await stage.plane.kubectl([...debug, stage.image('owned/tool:latest')]);
    assert.match(refused.stderr, /"pods.tagpin.dev" denied the request: .+owned\/tool:latest.+no-latest/);
    await stage.kubectl([...debug, tool]);
    assert.equal((await stage.stored(namespace, `pod/${pod.metadata.name}`)).spec.ephemeralContainers[0].image, tool);
  });

  test('a rule that denies is told to whoever writes, with its message, and nothing is stored', async () => {
    const namespace = await stage.namespace('owned');
    for (const kind of WORKLOAD_KINDS) {
      const written = manifest(kind, namespace, stage.image('any/thing'), {}, 'denied');
      const { code, stderr } = await stage.plane.kubectl(['apply', '-f', '-'], { input: JSON.stringify(written) });
      assert.equal(code, 1);
      assert.match(
        stderr,
        /denied the request: .+ is denied by rule "no-latest" of the tagpin policy\. Use a release tag\./,
        kind,
      );
      const found = await stage.plane.kubectl(['get', '-n', namespace, `${kind.toLowerCase()}/denied`]);
      assert.match(found.stderr, /NotFound/);
    }
  });

  test('a namespace without the label is left alone', async () => {
    const namespace = await stage.namespace('unlabelled', 'not opted in');
    const reference = stage.image('never/pushed:1');
    for (const kind of WORKLOAD_KINDS) {
      assert.equal((await stage.apply(manifest(kind, namespace, reference))).stderr, '');
      const stored = await stage.stored(namespace, `${kind.toLowerCase()}/web`);
      assert.equal(imageOf(stored), reference);
      assert.equal(stored.metadata.annotations?.['tagpin.dev/pins'], undefined);
    }
  });
});
