/** Jobs never change, so what they were given is what they keep; those of a CronJob are pinned once, by themselves. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ApiObject } from '../environment/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { imageOf, manifest, pinsOf } from './manifests.ts';
import { openStage, type Stage, skip } from './stage.ts';

const CRONJOB_CONTROLLER = 'system:serviceaccount:kube-system:cronjob-controller';

describe('jobs', { skip }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage?.close());

  /** The Pods of a Job: the job controller's, with what their template says. */
  const podImages = async (namespace: string): Promise<readonly string[]> => {
    const pods = await stage.list(namespace, 'pods', ({ length }) => length > 0);
    return pods.map(imageOf);
  };

  test('a Job applied again after its tag moved is no error, and runs what it ran', async () => {
    const namespace = await stage.namespace('job');
    const reference = stage.image('job/app:1');
    const digest = await stage.push(reference);
    const pinned = `${stage.image('job/app')}@${digest}`;
    const written = manifest('Job', namespace, reference);
    await stage.apply(written);
    assert.deepEqual(await podImages(namespace), [pinned]);
    await stage.push(reference);
    await stage.applyAgain(namespace, 'job/web', written);
    assert.equal(imageOf(await stage.stored(namespace, 'job/web')), pinned);

    const other = manifest('Job', namespace, stage.image('job/app:2'));
    const { code, stderr } = await stage.plane.kubectl(['apply', '-f', '-'], { input: JSON.stringify(other) });
    assert.equal(code, 1);
    assert.match(stderr, /field is immutable/, 'the API server says what it says of every Job');
  });

  test('a refresh of a Job is told that a new one is needed', async () => {
    const namespace = await stage.namespace('job-refresh');
    const reference = stage.image('job-refresh/app:1');
    const digest = await stage.push(reference);
    await stage.apply(manifest('Job', namespace, reference));
    await stage.push(reference);
    const args = ['annotate', '-n', namespace, 'job/web', 'tagpin.dev/refresh=*'];
    const { stderr } = await stage.kubectl(args);
    assert.match(stderr, /Warning: a Job's images never change, so nothing was refreshed; make a new Job/);
    const stored = await stage.stored(namespace, 'job/web');
    assert.equal(imageOf(stored), `${stage.image('job-refresh/app')}@${digest}`);
    assert.equal(stored.metadata.annotations['tagpin.dev/refresh'], undefined);
  });

  test('kubectl create job --from a CronJob, and its Pods, run what the CronJob is pinned to', async () => {
    const namespace = await stage.namespace('cronjob');
    const reference = stage.image('cronjob/app:1');
    const digest = await stage.push(reference);
    const pinned = `${stage.image('cronjob/app')}@${digest}`;
    await stage.apply(manifest('CronJob', namespace, reference));
    await stage.push(reference);
    await stage.kubectl(['create', 'job', '-n', namespace, 'by-hand', '--from=cronjob/web']);
    const job = await stage.stored(namespace, 'job/by-hand');
    assert.equal(imageOf(job), pinned);
    assert.equal(job.metadata.ownerReferences[0].kind, 'CronJob');
    assert.deepEqual(await podImages(namespace), [pinned]);
  });

  test('a CronJob from before the opt-in floats on, and each of its Jobs is pinned once, for all its Pods', async () => {
    const namespace = await stage.namespace('floating-cronjob', 'not opted in');
    const reference = stage.image('floating-cronjob/app:1');
    const [first, repository] = [await stage.push(reference), stage.image('floating-cronjob/app')];
    const written = manifest('CronJob', namespace, reference);
    await stage.apply(written);
    await stage.kubectl(['label', 'namespace', namespace, 'tagpin.dev/inject=enabled']);
    const create = (name: string) => stage.kubectl(['create', 'job', '-n', namespace, name, '--from=cronjob/web']);
    const { stderr } = await create('first');
    assert.equal(stderr, `Warning: app: ${reference} pinned to ${first.slice(0, 19)}\n`);
    assert.equal(imageOf(await stage.stored(namespace, 'job/first')), `${repository}@${first}`);
    assert.deepEqual(await podImages(namespace), [`${repository}@${first}`]);
    const second = await stage.push(reference);
    await create('second');
    assert.equal(imageOf(await stage.stored(namespace, 'job/second')), `${repository}@${second}`);
    assert.equal(imageOf(await stage.stored(namespace, 'cronjob/web')), reference);
    await stage.kubectl(['delete', 'pods', '--all', '-n', namespace, '--force', '--grace-period=0']);
    await eventually('the first Job has a Pod again, of the same digest', async () => {
      const images = await podImages(namespace);
      return images.includes(`${repository}@${first}`) && images.every((image) => image.includes('@sha256:'));
    });
  });

  test('the Job that the controller makes, and its Pods, are pinned too', async () => {
    const namespace = await stage.namespace('scheduled', 'not opted in');
    const reference = stage.image('scheduled/app:1');
    const digest = await stage.push(reference);
    const written = manifest('CronJob', namespace, reference);
    // Every minute would be up to a minute of waiting: a CronJob that has missed its time runs at once.
    await stage.apply({ ...written, spec: { ...(written['spec'] as object), schedule: '* * * * *', suspend: true } });
    await stage.kubectl(['label', 'namespace', namespace, 'tagpin.dev/inject=enabled']);
    await missSchedule(namespace);
    const [job] = await stage.list(namespace, 'jobs', ({ length }) => length === 1);
    assert.equal(imageOf(job), `${stage.image('scheduled/app')}@${digest}`);
    assert.equal(pinsOf(job)['containers/app'].ref, reference);
    assert.deepEqual(await podImages(namespace), [`${stage.image('scheduled/app')}@${digest}`]);
    const made = await eventually('its creation is in the audit log', async () =>
      (await stage.plane.auditEvents()).find(
        ({ verb, user, objectRef }) =>
          verb === 'create' && user.username === CRONJOB_CONTROLLER && objectRef?.namespace === namespace,
      ),
    );
    assert.equal(made.annotations?.['pods.tagpin.dev/decision'], 'patched');
  });

  /** As if the last time had been long ago: `lastScheduleTime` is what the controller counts from. */
  async function missSchedule(namespace: string): Promise<void> {
    const past = new Date(Date.now() - 90_000).toISOString().replace(/\.\d+Z$/, 'Z');
    const patch = (body: object, ...more: readonly string[]) =>
      stage.kubectl(['patch', '-n', namespace, 'cronjob/web', '--type=merge', ...more, '-p', JSON.stringify(body)]);
    await patch({ status: { lastScheduleTime: past } }, '--subresource=status');
    await patch({ spec: { suspend: false } });
  }

  test('tagpin.dev/skip in jobTemplate.metadata reaches the Jobs of a CronJob', async () => {
    const namespace = await stage.namespace('skipped-jobs');
    const reference = stage.image('skipped-jobs/app:1');
    await stage.push(reference);
    const written: ApiObject = manifest('CronJob', namespace, reference);
    written.spec.jobTemplate.metadata = { annotations: { 'tagpin.dev/skip': '*' } };
    await stage.apply(written);
    assert.equal(imageOf(await stage.stored(namespace, 'cronjob/web')), reference);
    await stage.kubectl(['create', 'job', '-n', namespace, 'by-hand', '--from=cronjob/web']);
    assert.equal(imageOf(await stage.stored(namespace, 'job/by-hand')), reference);
  });
});
