/** Each row of the two tables of a refresh CronJob (reference/gitops-peers.md 3.1). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { askedImages, lastRefresh, planWorkload } from '../../../src/core/sweep/workload-plan.ts';
import {
  A,
  API,
  B,
  C,
  D,
  movingWorkload,
  pinnedWorkload,
  settledWorkload,
  TWO,
} from '../../support/moving-workload.ts';
import { PlannedWorkload, type WantedPlan } from '../../support/planned-workload.ts';

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
    const workload = movingWorkload();
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
    settledWorkload(workload);
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
