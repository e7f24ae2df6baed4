/** Digests that are carried in an environment variable: the second table of what a refresh CronJob does, row by row. No webhook runs. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import type { Manifest } from '../support/admission.ts';
import { followedCluster } from '../support/followed-cluster.ts';
import {
  createFollowed,
  type FollowedWorkload,
  followedManifest,
  type WantedWorkload,
} from '../support/followed-workload.ts';

const VARIABLE = 'INGESTOR_IMAGE_DIGEST';
const UNKNOWN = `sha256:${'0'.repeat(64)}`;

describe('workloads that carry a digest in a variable', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = followedCluster({ webhook: 'none' });

  /** A Deployment whose variable says this; null: there is no such variable. */
  async function carrying(value: string | null | ((latest: string) => string), more: Partial<WantedWorkload> = {}) {
    const namespace = await cluster.namespace();
    const repository = `${namespace}/ingestor`;
    const push = (): string => cluster.registry.pushImage(repository, '0.3');
    const latest = push();
    const text = typeof value === 'function' ? value(latest) : value;
    const env = [{ name: 'LOG_LEVEL', value: 'info' }, ...(text === null ? [] : [{ name: VARIABLE, value: text }])];
    const containers = { sidecar: 'example.org/sidecar:1', api: { image: 'example.org/api:1', env } };
    const image = `${cluster.registry.host}/${repository}:0.3`;
    const follow = [{ image, action: 'set-env', container: 'api', env: VARIABLE }];
    const wanted = { namespace, containers, follow, ...more };
    return { namespace, image, follow, push, latest, wanted, web: await createFollowed(cluster, wanted) };
  }
  /** What came of the only thing that is followed. */
  async function look(web: FollowedWorkload): Promise<string> {
    const [only = '', ...rest] = await web.look();
    assert.deepEqual(rest, []);
    return only.replace(/^\S+ /, '');
  }
  const value = (web: FollowedWorkload) => web.variable(VARIABLE, 'api');
  /** As `kubectl set env` does. */
  const setTo = async (web: FollowedWorkload, text: string, manager = 'kubectl-set'): Promise<void> => {
    const { containers } = (await web.stored()).spec.template.spec;
    const at = containers[1].env.findIndex(({ name }: { name: string }) => name === VARIABLE);
    await web.edit([{ op: 'add', path: `/spec/template/spec/containers/1/env/${at}/value`, value: text }], manager);
    await web.rolls('settled');
  };

  for (const [what, empty] of [
    ['empty', ''],
    ['missing', null],
  ] as const) {
    test(`a variable that is ${what} is filled at once, since without it the application answers nothing`, async () => {
      const { web, latest } = await carrying(empty);
      assert.match(await look(web), /^written (Filled|Moved)$/);
      assert.equal(await value(web), latest);
      assert.equal(await web.generation(), 2);
      assert.equal(await web.variable('LOG_LEVEL', 'api'), 'info');
      assert.equal(await look(web), 'waiting RollingOut');
      await web.finish();
      assert.equal(await look(web), 'unchanged UpToDate');
      assert.match((await web.annotation('tagpin.dev/last-refresh')) ?? '', new RegExp(latest));
    });
  }

  test('a variable that says something is adopted as it is: the first look moves nothing, the next move does', async () => {
    const { web, push } = await carrying(UNKNOWN);
    assert.equal(await look(web), 'unchanged Recorded');
    assert.equal(await value(web), UNKNOWN);
    assert.equal(await web.generation(), 1);
    // As in the table: what was adopted is not what the tag means.
    const moved = await look(web);
    assert.equal(moved, 'written Moved');
    await web.finish();
    assert.equal(await look(web), 'unchanged UpToDate');
    const next = push();
    assert.equal(await look(web), 'written Moved');
    assert.equal(await value(web), next);
  });

  test('what says so already is recorded, and nothing is done while the tag means the same', async () => {
    const { web, latest } = await carrying((digest) => digest);
    assert.match(await look(web), /^unchanged (Recorded|UpToDate)$/);
    const { resourceVersion } = (await web.stored()).metadata;
    for (let looks = 0; looks < 2; looks += 1) assert.equal(await look(web), 'unchanged UpToDate');
    assert.equal((await web.stored()).metadata.resourceVersion, resourceVersion);
    assert.equal(await value(web), latest);
  });

  test('drift is repaired once, and then it is theirs until the tag means a third digest', async () => {
    const { web, latest, push } = await carrying((digest) => digest);
    await look(web);
    await setTo(web, UNKNOWN);
    assert.equal(await look(web), 'written Repaired');
    assert.equal(await value(web), latest);
    await web.finish();
    assert.equal(await look(web), 'unchanged UpToDate');
    await setTo(web, UNKNOWN);
    for (let looks = 0; looks < 2; looks += 1) assert.equal(await look(web), 'waiting Contested');
    assert.equal(await value(web), UNKNOWN);
    assert.match((await web.events()).join('\n'), /kubectl-set/);
    const third = push();
    assert.equal(await look(web), 'written Moved');
    assert.equal(await value(web), third);
  });

  test('a variable that somebody empties is filled again', async () => {
    const { web, latest } = await carrying('');
    await look(web);
    await web.finish();
    await look(web);
    await setTo(web, '');
    assert.match(await look(web), /^written (Filled|Repaired)$/);
    assert.equal(await value(web), latest);
  });

  test('rollout undo is respected', async () => {
    const { web, latest, push } = await carrying((digest) => digest);
    await look(web);
    const template = (await web.stored()).spec.template;
    push();
    assert.equal(await look(web), 'written Moved');
    await web.finish();
    await look(web);
    await web.edit([{ op: 'replace', path: '/spec/template', value: template }], 'kubectl-rollout');
    await web.rolls('settled');
    for (let looks = 0; looks < 2; looks += 1) assert.equal(await look(web), 'waiting Contested');
    assert.equal(await value(web), latest);
    const third = push();
    assert.equal(await look(web), 'written Moved');
    assert.equal(await value(web), third);
  });

  test('the annotation of a CronJob before is the record: drift from it is drift', async () => {
    const { web, latest } = await carrying(UNKNOWN, {
      annotations: { 'tagpin.dev/adopt-from': 'tracebloc.io/last-refreshed-ingestor-digest' },
    });
    const path = '/metadata/annotations/tracebloc.io~1last-refreshed-ingestor-digest';
    await web.edit([{ op: 'add', path, value: latest }]);
    await web.rolls('settled');
    assert.match(await look(web), /^written (Repaired|Moved)$/);
    assert.equal(await value(web), latest);
  });

  test('a registry that fails changes nothing, also nothing that is empty, and is reported', async () => {
    const { web, namespace, latest } = await carrying('');
    const heal = cluster.registry.fault({ kind: 'status', status: 500 }, { path: new RegExp(`${namespace}/`) });
    assert.equal(await look(web), 'failed LookupFailed');
    assert.equal((await web.sweep()).code, 1);
    assert.equal(await value(web), '');
    heal();
    assert.match(await look(web), /^written (Filled|Moved)$/);
    assert.equal(await value(web), latest);
  });

  test('a variable whose value comes from elsewhere is refused', async () => {
    const env = [{ name: VARIABLE, valueFrom: { configMapKeyRef: { name: 'images', key: 'ingestor' } } }];
    const { web } = await carrying('', { containers: { api: { image: 'example.org/api:1', env } } });
    assert.match(await look(web), /^refused /);
    assert.equal(await web.generation(), 1);
  });

  test('what an apply manager owns is refused, with the way out; what it has no opinion of is written', async () => {
    const apply = async (wanted: WantedWorkload, path: string): Promise<void> => {
      const query = { fieldManager: 'helm' };
      const body: Manifest = followedManifest(wanted);
      await cluster.client.request({ method: 'PATCH', patch: 'apply', path, query, body });
    };
    const { web, wanted, push } = await carrying(UNKNOWN, { name: 'owned' });
    await apply(wanted, web.path);
    await web.rolls('settled');
    await web.look();
    push();
    const { changes } = await web.sweep();
    assert.deepEqual(
      changes.map(({ outcome, reason }) => `${outcome} ${reason}`),
      ['refused OwnedByApply'],
    );
    assert.match(changes[0]?.message ?? '', /"helm"/);
    assert.equal(await value(web), UNKNOWN);

    const free = await carrying(null, { name: 'free' });
    await apply(free.wanted, free.web.path);
    await free.web.rolls('settled');
    assert.match(await look(free.web), /^written (Filled|Moved)$/);
    await apply(free.wanted, free.web.path);
    assert.equal(await value(free.web), free.latest);
  });

  test('two variables of one workload are one patch', async () => {
    const { web, image, latest } = await carrying('', { name: 'many' });
    const follow = [
      { image, action: 'set-env', container: 'api', env: VARIABLE },
      { image, action: 'set-env', container: 'api', env: 'SECOND' },
      { image, action: 'set-image', container: 'sidecar' },
    ];
    await web.edit([
      { op: 'add', path: '/metadata/annotations/tagpin.dev~1follow', value: JSON.stringify(follow) },
      { op: 'replace', path: '/spec/template/spec/containers/0/image', value: image },
    ]);
    await web.rolls('settled');
    const first = await web.look();
    assert.deepEqual(
      first.map((each) => each.replace(/(Filled|Moved)$/, 'written')),
      [`api/${VARIABLE} written written`, 'api/SECOND written written', 'sidecar unchanged Recorded'],
    );
    assert.equal(await web.generation(), 3);
    assert.equal(await web.variable('SECOND', 'api'), latest);
  });
});
