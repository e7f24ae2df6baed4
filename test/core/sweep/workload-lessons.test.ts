/** Each lesson that production taught a refresh CronJob (reference/gitops-peers.md 3.1), and the guard rails. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { A, API, B, C, MINUTE, movingWorkload, pinnedWorkload, TWO } from '../../support/moving-workload.ts';
import { PlannedWorkload, pinned } from '../../support/planned-workload.ts';

describe('what production taught', () => {
  test('a former updater’s annotation is the record: it moves at the first look, or is nothing to do', () => {
    const annotations = { 'tagpin.dev/adopt-from': 'example.org/last', 'example.org/last': A };
    const same = new PlannedWorkload({ annotations });
    same.tags = { [API]: A };
    assert.deepEqual(same.look(), ['api unchanged UpToDate']);
    const moved = new PlannedWorkload({ annotations });
    moved.tags = { [API]: B };
    assert.deepEqual(moved.look(), ['api written Moved']);
  });

  test('a workload that somebody else rolls out is left alone; at the eighth look that is told, and ends by itself', () => {
    const workload = pinnedWorkload();
    workload.look();
    workload.tags = { [API]: B };
    workload.rolls('rolling');
    for (let looks = 1; looks < 8; looks += 1) assert.deepEqual(workload.look(), ['api waiting RollingOut']);
    assert.deepEqual(workload.look(), ['api failed NotSettling']);
    assert.match(workload.changes[0]?.message ?? '', /frozen.*2 other workloads go on/);
    workload.rolls('settled');
    assert.deepEqual(workload.look(), ['api written Moved']);
    assert.equal(workload.state?.images.get('api')?.waited, null);
  });

  test('a look after rollouts asks no registry, and counts for nothing where the rollout is somebody else’s', () => {
    const workload = pinnedWorkload();
    workload.look();
    workload.tags = { [API]: B };
    workload.rolls('rolling');
    workload.purpose = 'rollouts';
    for (let looks = 1; looks < 20; looks += 1) {
      assert.deepEqual(workload.asked(), []);
      assert.deepEqual(workload.look(), ['api waiting NotDue']);
    }
    workload.purpose = 'sweep';
    assert.deepEqual(workload.look(), ['api waiting RollingOut']);
    workload.rolls('settled');
    assert.deepEqual(workload.look(), ['api written Moved']);
    workload.purpose = 'rollouts';
    assert.deepEqual(workload.look(), ['api waiting RollingOut']);
    workload.rolls('settled');
    assert.deepEqual(workload.look(), ['api unchanged RolledOut']);
  });

  test('a counter that nobody can read is one that is over', () => {
    const workload = pinnedWorkload();
    workload.look();
    workload.tags = { [API]: B };
    workload.rolls('rolling');
    workload.look();
    const [name, image] = [...(workload.state?.images ?? [])][0] ?? assert.fail();
    workload.state = { target: '', gone: null, images: new Map([[name, { ...image, waited: 99 }]]) };
    assert.deepEqual(workload.look(), ['api failed NotSettling']);
  });

  test('an attempt is counted before it is made; after three it is given up until the tag means something else', () => {
    const workload = movingWorkload();
    for (const count of [1, 2, 3]) {
      assert.equal(workload.state?.images.get('api')?.attempt?.count, count);
      workload.rolls('stuck');
      assert.deepEqual(workload.look(), [count < 3 ? 'api failed RolloutFailed' : 'api failed GaveUp']);
      if (count < 3) assert.deepEqual(workload.look(), ['api written Moved']);
    }
    for (let looks = 0; looks < 3; looks += 1) assert.deepEqual(workload.look(), ['api failed GaveUp']);
    const { length } = workload.patches;
    workload.tags = { [API]: C };
    assert.deepEqual(workload.look(), ['api written Moved']);
    assert.equal(workload.patches.length, length + 1);
    assert.equal(workload.state?.images.get('api')?.attempt?.count, 1);
  });

  test('only rollouts are attempts of a rollout: what could not be written three times has all of its attempts', () => {
    const workload = movingWorkload();
    workload.rolls('settled');
    workload.look();
    workload.tags = { [API]: C };
    workload.webhook = 'none';
    for (let tries = 0; tries < 3; tries += 1) assert.deepEqual(workload.look(), ['api failed NoWebhook']);
    assert.deepEqual(workload.look(), ['api failed Retrying']);
    workload.wait(10 * MINUTE);
    workload.webhook = 'running';
    assert.deepEqual(workload.look(), ['api written Moved']);
    workload.rolls('stuck');
    assert.deepEqual(workload.look(), ['api failed RolloutFailed']);
    assert.match(workload.changes[0]?.message ?? '', /1 of 3/);
    workload.webhook = 'none';
    assert.deepEqual(workload.look(), ['api written Moved'], 'to roll it out once more needs no webhook');
    assert.equal(workload.state?.images.get('api')?.attempt?.count, 2);
  });

  test('a clock that was ahead holds nobody up: the ten minutes begin anew', () => {
    const workload = pinnedWorkload({ kind: 'StatefulSet' });
    workload.look();
    workload.tags = { [API]: B };
    workload.wait(365 * 24 * 60 * MINUTE);
    assert.deepEqual(workload.look(), ['api written Moved']);
    workload.rolls('rolling');
    assert.deepEqual(workload.look(), ['api waiting RollingOut']);
    workload.wait(-365 * 24 * 60 * MINUTE);
    assert.deepEqual(workload.look(), ['api waiting RollingOut']);
    workload.wait(11 * MINUTE);
    assert.deepEqual(workload.look(), ['api failed RolloutFailed']);
  });

  test('what was given up and becomes healthy all the same is a success', () => {
    const workload = movingWorkload();
    for (let looks = 0; looks < 8; looks += 1) {
      workload.rolls('stuck');
      workload.look();
    }
    workload.rolls('settled');
    assert.deepEqual(workload.look(), ['api unchanged RolledOut']);
    assert.deepEqual(workload.look(), ['api unchanged UpToDate']);
  });

  test('a rollout has ten minutes to get on, however long it takes', () => {
    const workload = movingWorkload({ spec: { replicas: 3 } });
    for (const done of [0, 1, 2]) {
      workload.rolls('rolling', done);
      assert.deepEqual(workload.look(), ['api waiting RollingOut']);
      workload.wait(9 * MINUTE);
      assert.deepEqual(workload.look(), ['api waiting RollingOut']);
    }
    workload.wait(2 * MINUTE);
    assert.deepEqual(workload.look(), ['api failed RolloutFailed']);
    assert.match(workload.changes[0]?.message ?? '', /not got on for 10m/);
  });

  test('a paused rollout is waited for, whoever began it, and its time does not run', () => {
    const other = pinnedWorkload({ spec: { paused: true } });
    assert.deepEqual(other.look(), ['api unchanged UpToDate']);
    other.tags = { [API]: B };
    assert.deepEqual(other.look(), ['api waiting RolloutPaused']);
    const ours = movingWorkload();
    ours.object.spec.paused = true;
    assert.deepEqual(ours.look(), ['api waiting RolloutPaused']);
    ours.wait(30 * MINUTE);
    assert.deepEqual(ours.look(), ['api waiting RolloutPaused']);
    ours.object.spec.paused = false;
    assert.deepEqual(ours.look(), ['api waiting RollingOut']);
  });

  test('what another image of the workload began is waited for without being counted, and then it is its turn', () => {
    const workload = new PlannedWorkload(TWO);
    workload.tags = { [API]: A, 'ghcr.io/acme/web:main': A };
    workload.look();
    workload.tags = { ...workload.tags, [API]: B };
    workload.look();
    workload.tags = { ...workload.tags, 'ghcr.io/acme/web:main': C };
    for (let looks = 0; looks < 10; looks += 1) {
      assert.deepEqual(workload.look(), ['api waiting RollingOut', 'web waiting RollingOut']);
    }
    workload.rolls('settled');
    assert.deepEqual(workload.look(), ['api unchanged RolledOut', 'web written Moved']);
  });

  test('what waits for the end of a rollout goes along where another image moves anyway', () => {
    const workload = new PlannedWorkload(TWO);
    workload.tags = { [API]: A, 'ghcr.io/acme/web:main': A };
    workload.look();
    workload.tags = { ...workload.tags, [API]: B };
    for (let looks = 0; looks < 6; looks += 1) {
      workload.look();
      workload.rolls('stuck');
    }
    workload.tags = { ...workload.tags, 'ghcr.io/acme/web:main': C };
    assert.deepEqual(workload.look(), ['api failed GaveUp', 'web waiting RollingOut']);
    workload.tags = { ...workload.tags, [API]: C };
    assert.deepEqual(workload.look(), ['api written Moved', 'web written Moved']);
  });

  test('rollout undo is respected: while it rolls, after it failed, and after it succeeded', () => {
    for (const rollout of ['rolling', 'stuck', 'settled'] as const) {
      const workload = pinnedWorkload();
      workload.look();
      const { spec, metadata } = structuredClone(workload.object);
      workload.tags = { [API]: B };
      workload.look();
      workload.rolls(rollout);
      workload.look();
      workload.object.spec = spec;
      workload.object.metadata.annotations['tagpin.dev/pins'] = metadata.annotations['tagpin.dev/pins'];
      workload.rolls('settled');
      for (let looks = 0; looks < 3; looks += 1) assert.deepEqual(workload.look(), ['api waiting Contested'], rollout);
      workload.tags = { [API]: C };
      assert.deepEqual(workload.look(), ['api written Moved'], rollout);
    }
  });

  test('rollout undo to another tag is respected, whatever that tag means by now', () => {
    const workload = pinnedWorkload();
    workload.look();
    const { spec, metadata } = structuredClone(workload.object);
    // Somebody deploys another tag, which the webhook pins.
    workload.tags = { [API]: A, 'ghcr.io/acme/api:next': B };
    workload.object.spec.template.spec.containers[0].image = `ghcr.io/acme/api@${B}`;
    Object.assign(workload.object.metadata.annotations, pinned({ api: ['ghcr.io/acme/api:next', B] }));
    assert.deepEqual(workload.look(), ['api unchanged UpToDate']);
    workload.tags = { [API]: C, 'ghcr.io/acme/api:next': B };
    workload.object.spec = spec;
    workload.object.metadata.annotations = metadata.annotations;
    assert.deepEqual(workload.look(), ['api waiting Contested']);
  });

  test('a refresh that no webhook saw is a failure, tried ever more seldom, and never given up', () => {
    const workload = pinnedWorkload();
    workload.look();
    workload.tags = { [API]: B };
    workload.webhook = 'none';
    for (let looks = 0; looks < 3; looks += 1) assert.deepEqual(workload.look(), ['api failed NoWebhook']);
    assert.deepEqual(workload.look(), ['api failed Retrying']);
    workload.webhook = 'running';
    workload.wait(6 * MINUTE);
    assert.deepEqual(workload.look(), ['api written Moved']);
  });

  test('a CronJob and the strategy OnDelete have no rollout: success is recorded at once', () => {
    for (const more of [
      { kind: 'CronJob' },
      { kind: 'StatefulSet', spec: { updateStrategy: { type: 'OnDelete' } } },
    ] as const) {
      const workload = pinnedWorkload(more);
      workload.look();
      workload.tags = { [API]: B };
      assert.deepEqual(workload.look(), ['api written Moved']);
      assert.match(workload.annotation('last-refresh') ?? '', new RegExp(`api=${B}`));
      assert.equal(workload.state?.images.get('api')?.attempt, null);
      assert.deepEqual(workload.look(), ['api unchanged UpToDate']);
    }
  });

  test('what is new has to have been there for min-age, and a registry is asked at its interval', () => {
    const workload = pinnedWorkload({ follow: [{ container: 'api', 'min-age': '10m', interval: '1h' }] });
    workload.look();
    workload.tags = { [API]: B };
    assert.deepEqual(workload.look(), ['api waiting TooYoung']);
    workload.lastAsked = workload.now;
    workload.wait(11 * MINUTE);
    assert.deepEqual([workload.asked(), workload.look()], [[], ['api waiting NotDue']]);
    workload.wait(60 * MINUTE);
    assert.deepEqual(workload.look(), ['api written Moved']);
  });

  test('a rollout is looked after whatever its interval, without asking the registry', () => {
    const workload = movingWorkload();
    workload.lastAsked = workload.now;
    workload.object.metadata.annotations['tagpin.dev/follow'] = '- {container: api, interval: 1h}';
    assert.deepEqual([workload.asked(), workload.look()], [[], ['api waiting RollingOut']]);
    workload.rolls('settled');
    assert.deepEqual(workload.look(), ['api unchanged RolledOut']);
  });

  test('what is deleted, paused, protected or an operator’s is left alone', () => {
    const rows: [string, (workload: PlannedWorkload) => void][] = [
      [
        'waiting Deleting',
        ({ object }) => Object.assign(object.metadata, { deletionTimestamp: '2026-11-21T12:00:00Z' }),
      ],
      ['waiting Paused', ({ object }) => Object.assign(object.metadata.annotations, { 'tagpin.dev/pause': 'true' })],
      [
        'refused Protected',
        (workload) => {
          workload.protection = { outcome: 'refused', reason: 'Protected', message: '' };
        },
      ],
      [
        'refused RevertedByParent',
        ({ object }) => {
          const owner = { apiVersion: 'example.org/v1', kind: 'Database', name: 'db', uid: '1', controller: true };
          Object.assign(object.metadata, { ownerReferences: [owner] });
        },
      ],
    ];
    for (const [expected, change] of rows) {
      const workload = pinnedWorkload();
      workload.tags = { [API]: B };
      change(workload);
      assert.deepEqual(workload.look(), [`api ${expected}`]);
      assert.deepEqual([workload.asked(), workload.patches.length], [[], 0]);
    }
  });

  test('what nobody can read as settings is refused, and the rest goes on', () => {
    const workload = pinnedWorkload({ follow: [{ container: 'api' }, { container: 'apii' }] });
    workload.tags = { [API]: B };
    assert.deepEqual(workload.look(), ['apii refused InvalidSettings', 'api written Moved']);
    assert.match(workload.changes[0]?.message ?? '', /did you mean api\?/);
  });

  test('more images than one refresh can name go with the next', () => {
    const names = Array.from({ length: 16 }, (_, index) => `container-${index}`);
    const workload = new PlannedWorkload({
      containers: Object.fromEntries(names.map((name) => [name, API])),
      follow: [{ image: API }],
    });
    workload.tags = { [API]: A };
    workload.look();
    workload.tags = { [API]: B };
    const first = workload.look();
    assert.equal(first.filter((each) => each.endsWith('written Moved')).length, 11);
    assert.equal(first.filter((each) => each.endsWith('waiting RollingOut')).length, 5);
    workload.rolls('settled');
    assert.equal(workload.look().filter((each) => each.endsWith('written Moved')).length, 5);
  });
});
