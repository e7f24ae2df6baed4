import assert from 'node:assert/strict';
import test from 'node:test';
import type { PlanContext } from '../../../../src/core/admission/context.ts';
import { planJobUpdate, planOwned } from '../../../../src/core/admission/slot/kept-slot.ts';
import { imageSlots, readSlot } from '../../../../src/core/workload/slots.ts';
import { admit, digest, job, pod, podSpec, record, workload } from '../../../support/admission.ts';

const [A, B] = [digest('a'), digest('b')];
const owner = (apiVersion: string, kind: string) => ({
  ownerReferences: [{ apiVersion, kind, name: 'o', controller: true }],
});
const DENY = 'rules: [{name: r, match: {images: ["docker.io/library/nginx"]}, action: deny}]';

test('what a controller owns is not rewritten, and judged all the same', () => {
  const object = workload(
    'apps/v1',
    'ReplicaSet',
    { template: { spec: podSpec({ app: 'nginx:1' }) } },
    owner('apps/v1', 'Deployment'),
  );
  const result = admit({ object, registry: { 'docker.io/library/nginx:1': A } });
  assert.deepEqual(result.operations, []);
  assert.deepEqual(result.asked, []);
  assert.equal(admit({ object, policy: DENY }).allowed, false);
});

test('forged ownerReferences do not get round a deny rule', () => {
  assert.equal(admit({ object: pod({ app: 'nginx:1' }, owner('apps/v1', 'ReplicaSet')), policy: DENY }).allowed, false);
});

for (const user of ['system:kube-controller-manager', 'system:serviceaccount:kube-system:replicaset-controller']) {
  test(`for ${user} a denial is only reported, without warnings`, () => {
    const result = admit({ object: pod({ app: 'nginx:1' }, owner('apps/v1', 'ReplicaSet')), policy: DENY, user });
    assert.equal(result.allowed, true);
    assert.deepEqual(result.warnings, []);
    assert.equal(result.record.images[0]?.reported, true);
    assert.equal(result.audit['policy-rule'], 'r');
  });
}

const pins = record({ 'containers/app': [['nginx:1', A]] });
const stored = job({ app: `nginx@${A}` }, { annotations: { 'tagpin.dev/pins': pins } });

test('Job UPDATE: the recorded reference becomes the stored image, whatever the tag means now', () => {
  const result = admit({
    object: job({ app: 'nginx:1' }),
    oldObject: stored,
    registry: { 'docker.io/library/nginx:1': B },
  });
  assert.equal(result.images['app'], `nginx@${A}`);
  assert.equal(result.pins, pins, 'the record is carried');
  assert.deepEqual(result.asked, []);
});

test('Job UPDATE: the same for a Job that a CronJob made', () => {
  const metadata = owner('batch/v1', 'CronJob');
  const oldObject = job({ app: `nginx@${A}` }, { ...metadata, annotations: { 'tagpin.dev/pins': pins } });
  assert.equal(admit({ object: job({ app: 'nginx:1' }, metadata), oldObject }).images['app'], `nginx@${A}`);
});

test('Job UPDATE: any other reference passes unchanged, for the API server to refuse', () => {
  const result = admit({
    object: job({ app: 'nginx:2' }),
    oldObject: stored,
    registry: { 'docker.io/library/nginx:2': B },
  });
  assert.equal(result.images['app'], 'nginx:2');
  assert.deepEqual(result.asked, []);
});

test('Job UPDATE: a record is never made, and a refresh is taken off with a warning', () => {
  const annotations = { 'tagpin.dev/pins': pins, 'tagpin.dev/refresh': '*' };
  const result = admit({ object: job({ app: 'nginx:1' }, { annotations }), oldObject: job({ app: 'nginx:1' }) });
  assert.equal(result.pins, null);
  assert.match(result.warnings[0] ?? '', /make a new Job/);
  assert.equal(admit({ object: job({ app: 'nginx:1' }), oldObject: job({ app: 'nginx:1' }) }).operations.length, 0);
});

test('Job UPDATE: deny judges it', () => {
  assert.equal(admit({ object: job({ app: 'nginx:1' }), oldObject: stored, policy: DENY }).allowed, false);
});

test('Job CREATE: pinned, also for a Job of a CronJob, where onUnresolved deny holds for users and not for the controller', () => {
  const object = job({ app: 'nginx:1' }, owner('batch/v1', 'CronJob'));
  assert.equal(admit({ object, registry: { 'docker.io/library/nginx:1': A } }).images['app'], `nginx@${A}`);
  const policy = 'defaults: {onUnresolved: deny}';
  const user = 'system:serviceaccount:kube-system:cronjob-controller';
  assert.equal(admit({ object, policy }).allowed, false);
  assert.equal(admit({ object, policy, user }).allowed, true);
});

test('a malformed image is left for the API server in both', () => {
  const [slot] = imageSlots('Pod', pod({ app: 'NGINX' }));
  assert.ok(slot !== undefined);
  // Nothing of the context is read for an image that is none.
  const context = {} as PlanContext;
  const read = readSlot(slot);
  assert.deepEqual([planOwned(read, context).source, planJobUpdate(read, context).source], ['malformed', 'malformed']);
});

test('what a controller owns is judged by its digest form where it has a believed record', () => {
  const annotations = { 'tagpin.dev/pins': record({ 'containers/app': [['nginx:latest', A]] }) };
  const metadata = { ...owner('apps/v1', 'Deployment'), annotations };
  const object = workload(
    'apps/v1',
    'ReplicaSet',
    { template: { spec: podSpec({ app: `nginx:latest@${A}` }) } },
    metadata,
  );
  const policy = 'rules: [{name: r, match: {tags: [latest]}, action: deny}]';
  assert.equal(admit({ object, oldObject: object, policy }).allowed, true);
  assert.equal(admit({ object, policy }).allowed, false);
});

test('Job UPDATE: refresh values are carried from what is stored only, and one that was honoured says nothing', () => {
  const annotations = { 'tagpin.dev/pins': record({}, ['x']) };
  assert.equal(
    admit({ object: job({ app: 'nginx:1' }, { annotations }), oldObject: job({ app: 'nginx:1' }) }).pins,
    null,
  );
  const again = job({ app: 'nginx:1' }, { annotations: { ...annotations, 'tagpin.dev/refresh': 'x' } });
  assert.deepEqual(admit({ object: again, oldObject: job({ app: 'nginx:1' }, { annotations }) }).warnings, []);
});

test('Job UPDATE: the digest of another repository is none of ours', () => {
  const result = admit({ object: job({ app: `evil.io/app@${A}` }), oldObject: stored });
  assert.equal(result.pins, null);
});
