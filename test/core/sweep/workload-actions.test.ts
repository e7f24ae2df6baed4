/** The actions besides a refresh. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { A, API, B, pinnedWorkload } from '../../support/moving-workload.ts';
import { PlannedWorkload } from '../../support/planned-workload.ts';

describe('the other actions', () => {
  test('set-image writes the digest and its record, so that the webhook keeps it', () => {
    const workload = pinnedWorkload({ follow: [{ container: 'api', image: API, action: 'set-image' }] });
    workload.tags = { [API]: B };
    assert.deepEqual(workload.look(), ['api written Moved']);
    assert.equal(workload.image(), `ghcr.io/acme/api@${B}`);
    const before = [{ digest: A, ref: API }];
    assert.deepEqual(JSON.parse(workload.annotation('pins') ?? ''), {
      'containers/api': { before, digest: B, ref: API },
      v: 1,
    });
    workload.rolls('settled');
    assert.deepEqual(workload.look(), ['api unchanged RolledOut']);
    assert.deepEqual(workload.look(), ['api unchanged UpToDate']);
  });

  test('what a former updater wrote by set-image is taken over, also without a record', () => {
    const annotations = { 'tagpin.dev/adopt-from': 'example.org/last', 'example.org/last': A };
    const follow = [{ container: 'api', image: API, action: 'set-image' }];
    const workload = new PlannedWorkload({ containers: { api: `ghcr.io/acme/api@${A}` }, follow, annotations });
    workload.tags = { [API]: A };
    assert.deepEqual(workload.look(), ['api unchanged UpToDate']);
    workload.tags = { [API]: B };
    assert.deepEqual(workload.look(), ['api written Moved']);
    assert.equal(workload.image(), `ghcr.io/acme/api@${B}`);
  });

  test('a restart follows what nothing shows, and its success is recorded', () => {
    const containers = { api: { image: API, imagePullPolicy: 'Always' } };
    const workload = new PlannedWorkload({ containers, follow: [{ container: 'api', action: 'restart' }] });
    workload.tags = { [API]: A };
    assert.deepEqual(workload.look(), ['api unchanged Recorded']);
    workload.tags = { [API]: B };
    assert.deepEqual(workload.look(), ['api written Moved']);
    assert.equal(workload.image(), API);
    assert.match(workload.template, /restartedAt":"2026-11-21T12:00:00.000Z"/);
    assert.deepEqual(workload.look(), ['api waiting RollingOut']);
    workload.rolls('settled');
    assert.deepEqual(workload.look(), ['api unchanged RolledOut']);
    assert.deepEqual(workload.look(), ['api unchanged UpToDate']);
    assert.equal(workload.patches.length, 2);
  });

  test('a restart that fails is made again, at most three times', () => {
    const containers = { api: { image: API, imagePullPolicy: 'Always' } };
    const workload = new PlannedWorkload({ containers, follow: [{ container: 'api', action: 'restart' }] });
    workload.tags = { [API]: A };
    workload.look();
    workload.tags = { [API]: B };
    const looks = Array.from({ length: 8 }, () => {
      workload.wait(1000);
      const [look] = workload.look();
      workload.rolls('stuck');
      return look?.slice(4);
    });
    const [written, failed, givenUp] = ['written Moved', 'failed RolloutFailed', 'failed GaveUp'];
    assert.deepEqual(looks, [written, failed, written, failed, written, givenUp, givenUp, givenUp]);
  });

  test('all actions of one workload are one patch', () => {
    const workload = pinnedWorkload({
      containers: {
        api: { image: `ghcr.io/acme/api@${A}` },
        web: { image: 'ghcr.io/acme/web:1', imagePullPolicy: 'Always' },
      },
      follow: [
        { container: 'api' },
        { container: 'api', action: 'set-env', env: 'JOB', image: API },
        { container: 'web', action: 'restart' },
      ],
      annotations: { 'tagpin.dev/adopt-from': 'web=example.org/web', 'example.org/web': A },
    });
    workload.tags = { [API]: B, 'ghcr.io/acme/web:1': B };
    assert.deepEqual(workload.look(), ['api written Moved', 'api/JOB written Filled', 'web written Moved']);
    assert.equal(workload.patches.length, 1);
  });
});
