import assert from 'node:assert/strict';
import test from 'node:test';
import { countsFor, observePod, PodSums, readImageId } from '../../../src/core/audit/running.ts';
import { digest, type Manifest, pod } from '../../support/admission.ts';

const A = digest('a');

// [what a runtime reports, what runs]
const imageIds: readonly (readonly [string | null, string | null])[] = [
  [`docker-pullable://nginx@${A}`, A],
  [`docker.io/library/nginx@${A}`, A],
  [`registry.internal:5000/team/app@${A}`, A],
  [A, 'unknown'],
  [`docker://${A}`, 'unknown'],
  ['0123456789ab', 'unknown'],
  ['nginx@sha256:short', 'unknown'],
  [`@${A}`, 'unknown'],
  ['', null],
  [null, null],
];

for (const [imageId, expected] of imageIds) {
  test(`the image ID ${JSON.stringify(imageId)} says ${expected}`, () => {
    assert.equal(readImageId(imageId), expected);
  });
}

const status = (list: string, name: string, imageID: string): Manifest => ({ status: { [list]: [{ name, imageID }] } });

test('each list of containers has its statuses, told by name', () => {
  const images = { app: 'nginx:1', 'initContainers/setup': 'busybox:1', 'ephemeralContainers/debug': 'alpine:3' };
  const object = {
    ...pod(images),
    status: {
      ...(status('containerStatuses', 'app', `nginx@${A}`)['status'] as object),
      ...(status('initContainerStatuses', 'setup', `busybox@${digest('b')}`)['status'] as object),
      ...(status('ephemeralContainerStatuses', 'debug', `alpine@${digest('c')}`)['status'] as object),
    },
  };
  assert.deepEqual(
    observePod(object).map(({ slot, running, pods }) => [slot.key, running, pods]),
    [
      ['containers/app', A, 1],
      ['initContainers/setup', digest('b'), 1],
      ['ephemeralContainers/debug', digest('c'), 1],
    ],
  );
});

test('an image volume is told by the container that mounts it, and by nobody where the kubelet is older', () => {
  const mount = { name: 'data', mountPath: '/data', volumeStatus: { image: { imageRef: `data@${A}` } } };
  const object = { ...pod({ app: 'nginx:1', 'volumes/data': 'data:1' }), status: {} };
  assert.deepEqual(
    observePod(object).map(({ running }) => running),
    [null, null],
  );
  const mounted = { ...object, status: { containerStatuses: [{ name: 'app', imageID: '', volumeMounts: [mount] }] } };
  assert.deepEqual(
    observePod(mounted).map(({ running }) => running),
    [null, A],
  );
});

test('what is no Pod runs nothing', () => {
  for (const value of [null, 'x', 1, [], {}, { spec: { containers: 'x' } }]) assert.deepEqual(observePod(value), []);
});

// [what the Pod is like, kind of its owner, does it count]
const counted: readonly (readonly [Manifest, string, boolean])[] = [
  [{ status: { phase: 'Running' } }, 'Deployment', true],
  [{ status: {} }, 'Deployment', true],
  [{ status: { phase: 'Failed' } }, 'Deployment', false],
  [{ status: { phase: 'Succeeded' } }, 'CronJob', false],
  [{ status: { phase: 'Succeeded' } }, 'Job', true],
  [{ status: { phase: 'Failed' } }, 'Pod', true],
  [{ metadata: { deletionTimestamp: 'now' }, status: { phase: 'Running' } }, 'Pod', false],
];

for (const [object, owner, expected] of counted) {
  test(`a Pod with ${JSON.stringify(object)} ${expected ? 'counts' : 'does not count'} for a ${owner}`, () => {
    assert.equal(countsFor(owner, object), expected);
  });
}

test('ten thousand Pods that run the same are one sum', () => {
  const sums = new PodSums();
  const [observation] = observePod({ ...pod({ app: 'nginx:1' }), ...status('containerStatuses', 'app', `nginx@${A}`) });
  assert.ok(observation !== undefined);
  for (let count = 0; count < 10_000; count += 1) sums.add(observation);
  sums.add({ ...observation, running: null });
  assert.deepEqual(
    sums.observations().map(({ running, pods }) => [running, pods]),
    [
      [A, 10_000],
      [null, 1],
    ],
  );
});
