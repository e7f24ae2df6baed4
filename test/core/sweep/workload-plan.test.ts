/** Each row of the two tables of a refresh CronJob, and each lesson that production taught it (reference/gitops-peers.md 3.1). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { askedImages, lastRefresh, planWorkload } from '../../../src/core/sweep/workload-plan.ts';
import { digestOf } from '../../support/planned-target.ts';
import { PlannedWorkload, pinned, type WantedPlan } from '../../support/planned-workload.ts';

const [A, B, C, D] = [digestOf('a'), digestOf('b'), digestOf('c'), digestOf('d')];
const API = 'ghcr.io/acme/api:main';
const MINUTE = 60_000;
const TWO = {
  containers: { api: API, web: 'ghcr.io/acme/web:main' },
  follow: [{ container: 'api' }, { container: 'web' }],
};

/** A workload whose `api` was pinned to A. */
function pinnedWorkload(more: WantedPlan = {}): PlannedWorkload {
  const workload = new PlannedWorkload({
    containers: { api: `ghcr.io/acme/api@${A}` },
    ...more,
    annotations: { ...(pinned({ api: [API, A] }) as Record<string, string>), ...more.annotations },
  });
  workload.tags = { [API]: A };
  return workload;
}

/** The same, moved to B, whose rollout is under way. */
function moving(more: WantedPlan = {}): PlannedWorkload {
  const workload = pinnedWorkload(more);
  workload.look();
  workload.tags = { [API]: B };
  assert.deepEqual(workload.look(), ['api written Moved']);
  return workload;
}

/** `workload` after its rollout has ended well, and that is on record. */
function settled(workload: PlannedWorkload): PlannedWorkload {
  workload.rolls('settled');
  workload.look();
  return workload;
}

describe('a floating tag', () => {
  test('the image is pinned by hand: it is skipped, and its registry is not asked', () => {
    const workload = new PlannedWorkload({ containers: { api: `ghcr.io/acme/api@${A}` } });
    workload.tags = { [API]: B };
    assert.deepEqual(workload.look(), ['api unchanged PinnedByHand']);
    assert.deepEqual([workload.asked(), workload.state?.images.size], [[], 0]);
  });

  test('the registry gives no digest: nothing is changed, and it is counted', () => {
    const workload = pinnedWorkload();
    workload.tags = {};
    assert.deepEqual(workload.look(), ['api failed LookupFailed']);
    assert.deepEqual(workload.look(), ['api failed LookupFailed']);
    assert.match(workload.changes[0]?.message ?? '', /Unreachable.*\(2 times in a row\)/);
    assert.deepEqual(workload.patches, []);
    workload.tags = { [API]: A };
    workload.look();
    assert.equal(workload.state?.images.get('api')?.lookups, null);
  });

  test('nothing is recorded: the first observation records and does not restart', () => {
    const workload = new PlannedWorkload();
    workload.tags = { [API]: A };
    assert.deepEqual(workload.look(), ['api unchanged Recorded']);
    assert.deepEqual(workload.patches, []);
  });

  test('recorded is the latest: nothing is done', () => {
    const workload = new PlannedWorkload();
    workload.tags = { [API]: A };
    workload.look();
    assert.deepEqual(workload.look(), ['api unchanged UpToDate']);
    assert.deepEqual(workload.patches, []);
  });

  test('recorded is not the latest: one rollout for all changed images, and the record is written last', () => {
    const workload = new PlannedWorkload(TWO);
    workload.tags = { [API]: A, 'ghcr.io/acme/web:main': A };
    workload.look();
    workload.tags = { [API]: B, 'ghcr.io/acme/web:main': C };
    assert.deepEqual(workload.look(), ['api written Moved', 'web written Moved']);
    assert.equal(workload.patches.length, 1);
    assert.deepEqual([workload.image(), workload.image('web')], [`ghcr.io/acme/api@${B}`, `ghcr.io/acme/web@${C}`]);
    assert.deepEqual(workload.look(), ['api waiting RollingOut', 'web waiting RollingOut']);
    assert.deepEqual(
      [workload.state?.images.get('api')?.written?.digest, workload.annotation('last-refresh')],
      [A, null],
    );
    workload.rolls('settled');
    assert.deepEqual(workload.look(), ['api unchanged RolledOut', 'web unchanged RolledOut']);
    assert.deepEqual(workload.state?.images.get('api')?.written?.digest, B);
    assert.equal(workload.annotation('last-refresh'), `2026-11-21T12:00:00Z api=${B},web=${C}`);
    assert.deepEqual(workload.look(), ['api unchanged UpToDate', 'web unchanged UpToDate']);
    assert.equal(workload.patches.length, 2);
  });

  test('the rollout fails: it is not on record as a success, told, and tried again with Pods of its own', () => {
    const workload = moving();
    const template = workload.template;
    workload.rolls('stuck');
    assert.deepEqual(workload.look(), ['api failed RolloutFailed']);
    assert.match(workload.changes[0]?.message ?? '', /\(1 of 3\): ProgressDeadlineExceeded/);
    assert.equal(workload.state?.images.get('api')?.written?.digest, A);
    assert.deepEqual(workload.look(), ['api written Moved']);
    assert.notEqual(workload.template, template);
    assert.equal(workload.image(), `ghcr.io/acme/api@${B}`);
  });

  test('a pin is a record: what moved before the first look is refreshed in it', () => {
    const workload = pinnedWorkload();
    workload.tags = { [API]: B };
    assert.deepEqual(workload.look(), ['api written Moved']);
  });

  test('a tag that its owner changed begins anew, also where nothing shows a digest', () => {
    const workload = new PlannedWorkload();
    workload.tags = { [API]: A, 'ghcr.io/acme/api:next': B };
    workload.look();
    workload.object.spec.template.spec.containers[0].image = 'ghcr.io/acme/api:next';
    assert.deepEqual(workload.look(), ['api unchanged Recorded']);
    assert.deepEqual(workload.patches, []);
  });
});

describe('a digest in a variable', () => {
  const FOLLOW = [{ image: 'ghcr.io/acme/job:0.3', action: 'set-env', container: 'api', env: 'JOB_DIGEST' }];
  const JOB = 'ghcr.io/acme/job:0.3';
  const [ALIAS] = ['api/JOB_DIGEST'];

  function carrying(value: string | null, more: WantedPlan = {}): PlannedWorkload {
    const env = value === null ? [] : [{ name: 'JOB_DIGEST', ...(value !== '' && { value }) }];
    const containers = { api: { image: API, env: [{ name: 'LEVEL', value: 'info' }, ...env] } };
    const workload = new PlannedWorkload({ containers, follow: FOLLOW, ...more });
    workload.tags = { [JOB]: A };
    return workload;
  }
  function setTo(workload: PlannedWorkload, value: string): void {
    workload.object.spec.template.spec.containers[0].env = [{ name: 'JOB_DIGEST', value }];
  }

  test('nothing recorded, a value there: it is adopted as the baseline, healthy, and not changed in that cycle', () => {
    const workload = carrying(B);
    workload.rolls('rolling');
    assert.deepEqual(workload.look(), [`${ALIAS} waiting RollingOut`]);
    workload.rolls('settled');
    assert.deepEqual(workload.look(), [`${ALIAS} unchanged Recorded`]);
    assert.deepEqual([workload.variable('JOB_DIGEST'), workload.patches.length], [B, 0]);
    assert.deepEqual(workload.look(), [`${ALIAS} written Moved`]);
    assert.equal(workload.variable('JOB_DIGEST'), A);
  });

  for (const [what, value] of [
    ['an empty value', ''],
    ['no such variable', null],
  ] as const) {
    test(`nothing recorded, ${what}: it is filled at once, watched, and recorded`, () => {
      const workload = carrying(value);
      assert.deepEqual(workload.look(), [`${ALIAS} written Filled`]);
      assert.deepEqual([workload.variable('JOB_DIGEST'), workload.variable('LEVEL')], [A, 'info']);
      assert.deepEqual(workload.look(), [`${ALIAS} waiting RollingOut`]);
      workload.rolls('settled');
      assert.deepEqual(workload.look(), [`${ALIAS} unchanged RolledOut`]);
      assert.match(workload.annotation('last-refresh') ?? '', new RegExp(`${ALIAS}=${A}`));
    });
  }

  test('an empty value is filled also while somebody else rolls out: its Pods may never come up without', () => {
    const workload = carrying('');
    workload.rolls('rolling');
    assert.deepEqual(workload.look(), [`${ALIAS} written Filled`]);
    const paused = carrying('', { spec: { paused: true } });
    assert.deepEqual(paused.look(), [`${ALIAS} waiting RolloutPaused`]);
  });

  test('recorded, and the tag means something else: it is written whatever the value is', () => {
    for (const value of [A, 'nonsense']) {
      const workload = carrying(A);
      workload.look();
      setTo(workload, value);
      workload.tags = { [JOB]: C };
      assert.deepEqual(workload.look(), [`${ALIAS} written Moved`], value);
      assert.equal(workload.variable('JOB_DIGEST'), C);
    }
  });

  test('recorded, and the value is something else: the record is put back, once', () => {
    const workload = carrying(A);
    workload.look();
    setTo(workload, D);
    assert.deepEqual(workload.look(), [`${ALIAS} written Repaired`]);
    assert.equal(workload.variable('JOB_DIGEST'), A);
    settled(workload);
    setTo(workload, D);
    assert.deepEqual(workload.look(), [`${ALIAS} waiting Contested`]);
    assert.deepEqual(workload.look(), [`${ALIAS} waiting Contested`]);
    workload.tags = { [JOB]: C };
    assert.deepEqual(workload.look(), [`${ALIAS} written Moved`]);
  });

  test('all the same: nothing is written, and a rollout that is stuck is told', () => {
    const workload = carrying(A);
    workload.look();
    assert.deepEqual(workload.look(), [`${ALIAS} unchanged UpToDate`]);
    workload.rolls('stuck');
    assert.deepEqual(workload.look(), [`${ALIAS} failed RolloutFailed`]);
    workload.rolls('rolling');
    for (let looks = 1; looks < 8; looks += 1) assert.deepEqual(workload.look(), [`${ALIAS} unchanged UpToDate`]);
    assert.deepEqual(workload.look(), [`${ALIAS} failed NotSettling`]);
    assert.deepEqual(workload.patches, []);
  });

  test('a value that is no digest is nobody’s to overwrite', () => {
    const workload = carrying('latest');
    assert.deepEqual(workload.look(), [`${ALIAS} refused InvalidSettings`]);
    assert.match(workload.changes[0]?.message ?? '', /"latest", which is no digest: empty it/);
  });

  test('what an apply manager owns is refused, with the way out, and its registry not asked', () => {
    const fields = 'f:spec f:template f:spec f:containers'.split(' ');
    const own = { 'k:{"name":"api"}': { 'f:env': { 'k:{"name":"JOB_DIGEST"}': { 'f:value': {} } } } };
    const fieldsV1 = fields.reduceRight<object>((inner, field) => ({ [field]: inner }), own);
    const annotations = { 'tagpin.dev/follow': JSON.stringify(FOLLOW) };
    const managedFields = [{ manager: 'helm', operation: 'Apply', fieldsV1 }];
    const workload = carrying(B);
    workload.object.metadata = { ...workload.object.metadata, annotations, managedFields };
    assert.deepEqual(workload.look(), [`${ALIAS} refused OwnedByApply`]);
    assert.match(workload.changes[0]?.message ?? '', /"helm" applies the variable JOB_DIGEST/);
    assert.deepEqual(workload.asked(), []);
  });
});

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

  test('looks at a few in between do not count', () => {
    const workload = pinnedWorkload();
    workload.look();
    workload.tags = { [API]: B };
    workload.rolls('rolling');
    workload.isWholeCycle = false;
    for (let looks = 1; looks < 20; looks += 1) assert.deepEqual(workload.look(), ['api waiting RollingOut']);
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
    const workload = moving();
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

  test('what was given up and becomes healthy all the same is a success', () => {
    const workload = moving();
    for (let looks = 0; looks < 8; looks += 1) {
      workload.rolls('stuck');
      workload.look();
    }
    workload.rolls('settled');
    assert.deepEqual(workload.look(), ['api unchanged RolledOut']);
    assert.deepEqual(workload.look(), ['api unchanged UpToDate']);
  });

  test('a rollout has ten minutes to get on, however long it takes', () => {
    const workload = moving({ spec: { replicas: 3 } });
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
    const ours = moving();
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
    const workload = moving();
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

test('what is told people is the digests last moved to, in the order of their names, and when', () => {
  const images = new Map([
    ['web', { tag: '1', digest: B }],
    ['api', { tag: '1', digest: A }],
  ]);
  assert.equal(lastRefresh(images, Date.parse('2026-11-21T12:00:00.123Z')), `2026-11-21T12:00:00Z api=${A},web=${B}`);
});

test('a plan is a value: planning twice decides the same, and asks for the same', () => {
  const workload = pinnedWorkload();
  workload.tags = { [API]: B };
  const facts = workload.facts();
  const choose = workload.choice.bind(workload);
  assert.deepEqual(planWorkload(facts, choose), planWorkload(facts, choose));
  assert.deepEqual(
    askedImages(facts).map(({ key }) => key),
    ['api'],
  );
});
