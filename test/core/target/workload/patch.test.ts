import assert from 'node:assert/strict';
import test from 'node:test';
import { applyPatch } from 'rfc6902';
import { type PlannedImage, withoutRefresh, workloadPatch } from '../../../../src/core/target/workload/patch.ts';
import type { ApiObject } from '../../../environment/control-plane.ts';
import { digestOf } from '../../../support/planned-target.ts';
import { pinned, readTarget, type WantedPlan, workloadObject } from '../../../support/planned-workload.ts';

const [A, B] = [digestOf('a'), digestOf('b')];
const API = 'ghcr.io/acme/api:main';
const AT = Date.parse('2026-11-21T12:00:00Z');

function planned(wanted: WantedPlan, isAgain = false) {
  const object = workloadObject(wanted);
  const workload = readTarget(object);
  assert.deepEqual(workload.problems, []);
  const writes = workload.images.map(
    (image): PlannedImage => ({ image, value: { tag: 'main', digest: B }, isAgain, at: AT, count: 2 }),
  );
  return { object, ...workloadPatch(workload, writes, { history: 5, told: null }) };
}
/** The object after the patch, and which of its tests did not hold. */
function applied(
  object: unknown,
  operations: readonly object[],
): { readonly after: ApiObject; readonly failed: number } {
  const after: ApiObject = structuredClone(object);
  const results = applyPatch(after, structuredClone([...operations]) as never);
  return { after, failed: results.filter((each) => each !== null).length };
}

test('a refresh names all containers and their digests in one value, which no other request has', () => {
  const wanted = { containers: { api: API, web: API }, initContainers: { init: API }, follow: [{ image: API }] };
  const { object, operations, refresh } = planned(wanted);
  assert.equal(refresh, `api=${B},web=${B},initContainers/init=${B};sweep-${AT.toString(36)}-2`);
  const { after, failed } = applied(object, operations);
  assert.deepEqual([after.metadata.annotations['tagpin.dev/refresh'], failed], [refresh, 0]);
  assert.deepEqual(after.spec, object['spec']);
});

test('what is tried again is restarted besides', () => {
  const { object, operations } = planned({}, true);
  const { after } = applied(object, operations);
  assert.equal(
    after.spec.template.metadata.annotations['kubectl.kubernetes.io/restartedAt'],
    '2026-11-21T12:00:00.000Z',
  );
  const cronJob = planned({ kind: 'CronJob' }, true);
  assert.doesNotMatch(JSON.stringify(cronJob.operations), /restartedAt/);
});

test('an image is written by digest in its own spelling, with the record of what it was pinned from', () => {
  const { object, operations, refresh } = planned({
    containers: { api: `nginx@${A}` },
    annotations: pinned({ api: ['nginx:1', A] }) as Record<string, string>,
    follow: [{ container: 'api', image: 'docker.io/library/nginx:1', action: 'set-image' }],
  });
  assert.equal(refresh, null);
  const { after } = applied(object, operations);
  assert.equal(after.spec.template.spec.containers[0].image, `nginx@${B}`);
  assert.deepEqual(JSON.parse(after.metadata.annotations['tagpin.dev/pins'])['containers/api'], {
    before: [{ digest: A, ref: 'nginx:1' }],
    digest: B,
    ref: 'docker.io/library/nginx:1',
  });
});

test('variables are replaced, filled and added, several at once, and nothing else of the container is touched', () => {
  const follow = ['FULL', 'EMPTY', 'NEW', 'NEWER'].map((env) => ({
    container: 'api',
    image: API,
    action: 'set-env',
    env,
  }));
  const env = [{ name: 'OTHER', value: 'x' }, { name: 'FULL', value: A }, { name: 'EMPTY' }];
  const some = planned({ containers: { api: { image: API, env } }, follow });
  const { after } = applied(some.object, some.operations);
  const filled = ['FULL', 'EMPTY', 'NEW', 'NEWER'].map((name) => ({ name, value: B }));
  assert.deepEqual(after.spec.template.spec.containers[0].env, [{ name: 'OTHER', value: 'x' }, ...filled]);
  const none = planned({ follow: follow.slice(2) });
  assert.deepEqual(applied(none.object, none.operations).after.spec.template.spec.containers[0].env, filled.slice(2));
});

test('nothing is written where what was read is not so any more', () => {
  const follow = [
    { container: 'api' },
    { container: 'api', image: API, action: 'set-env', env: 'D' },
    { container: 'web', image: API, action: 'set-image' },
  ];
  const web = { image: API, env: [{ name: 'X' }] };
  const wanted = { containers: { api: { image: API, env: [{ name: 'D', value: A }] }, web }, follow };
  const { object, operations } = planned(wanted);
  const changes: readonly ((object: ApiObject) => unknown)[] = [
    ({ metadata }) => Object.assign(metadata, { uid: 'other' }),
    ({ metadata }) => Object.assign(metadata.annotations, { 'tagpin.dev/follow': '- container: api' }),
    ({ spec }) => Object.assign(spec.template.spec.containers[0], { image: 'other' }),
    ({ spec }) => Object.assign(spec.template.spec.containers[1], { image: 'other' }),
    ({ spec }) => Object.assign(spec.template.spec.containers[0].env[0], { value: B }),
    ({ spec: { template } }) => Object.assign(template.spec, { containers: template.spec.containers.toReversed() }),
  ];
  assert.equal(applied(object, operations).failed, 0);
  for (const change of changes) {
    const other = structuredClone(object);
    change(other);
    assert.notEqual(applied(other, operations).failed, 0, String(change));
  }
});

test('a restart keeps the template’s other annotations, and what people are told is no part of it', () => {
  const follow = [{ container: 'api', action: 'restart' }];
  const containers = { api: { image: API, imagePullPolicy: 'Always' } };
  const template = {
    metadata: { annotations: { other: 'x' } },
    spec: { containers: [{ name: 'api', ...containers.api }] },
  };
  const { object, operations } = planned({ containers, follow, template });
  const mark = { 'kubectl.kubernetes.io/restartedAt': '2026-11-21T12:00:00.000Z' };
  assert.deepEqual(applied(object, operations).after.spec.template.metadata.annotations, { other: 'x', ...mark });
  const told = workloadPatch(readTarget(object), [], { history: 5, told: 'now' });
  assert.deepEqual(
    told.operations.map(({ op, path }) => `${op} ${path}`),
    ['test /metadata/uid', 'add /metadata/annotations/tagpin.dev~1last-refresh'],
  );
});

test('a refresh is taken off only while it is ours', () => {
  const path = '/metadata/annotations/tagpin.dev~1refresh';
  assert.deepEqual(withoutRefresh('x'), [
    { op: 'test', path, value: 'x' },
    { op: 'remove', path },
  ]);
});
