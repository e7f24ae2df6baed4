import assert from 'node:assert/strict';
import test from 'node:test';
import { parseReview } from '../../../src/core/admission/request.ts';
import { judgeSignatures } from '../../../src/core/admission/verification.ts';
import { DEFAULT_POLICY } from '../../../src/core/policy/schema.ts';
import type { Verdict } from '../../../src/core/signature/verification.ts';
import {
  admit,
  type Case,
  deployment,
  digest,
  type Images,
  job,
  pod,
  podSpec,
  record,
  workload,
} from '../../support/admission.ts';

const [A, B] = [digest('a'), digest('b')];
const REGISTRY = { 'docker.io/library/nginx:1': A, 'docker.io/library/nginx:2': B, 'docker.io/library/redis:1': B };
const SIGNED: Verdict = { kind: 'verified', signer: 'the key of the team' };
const UNSIGNED: Verdict = { kind: 'unverified', reason: 'no signature was found' };
const UNREACHABLE: Verdict = { kind: 'failed', code: 'Unreachable', message: 'nginx: the registry can not be reached' };
const OURS = [{ name: 'ours' }];
const MILD = [{ name: 'mild', action: 'warn' as const }];
const owner = (apiVersion: string, kind: string) => ({
  ownerReferences: [{ apiVersion, kind, name: 'o', controller: true }],
});
const pinned = (image: string, ref: string, value: typeof A) =>
  deployment({ app: image }, { annotations: { 'tagpin.dev/pins': record({ 'containers/app': [[ref, value]] }) } });

function judge(input: Omit<Case, 'registry'> & Pick<Partial<Case>, 'registry'>) {
  return admit({ registry: REGISTRY, verify: OURS, ...input });
}

const verdictsOf = ({ record: line }: ReturnType<typeof admit>) =>
  line.images.map(({ verified }) => verified?.map(({ entry, result }) => `${entry} ${result}`).join());

test('what a tag is pinned to is verified, and what verifies is admitted without a word', () => {
  const result = judge({ object: deployment({ app: 'nginx:1' }), signatures: { a: SIGNED } });
  assert.equal(result.images['app'], `nginx@${A}`);
  assert.deepEqual(result.verified, [`docker.io/library/nginx@${A}`]);
  assert.deepEqual(result.warnings, ['app: nginx:1 pinned to sha256:610000000000']);
  assert.deepEqual(result.record.images[0]?.verified, [
    { entry: 'ours', result: 'verified', detail: 'the key of the team' },
  ]);
  assert.equal(result.audit['verified'], '{"nginx:1":"ours=verified"}');
});

test('what is not verified is denied by image, entry, digest and reason, with what to do', () => {
  const result = judge({ object: deployment({ app: 'nginx:1' }), signatures: { a: UNSIGNED } });
  assert.equal(result.code, 403);
  assert.equal(
    result.message,
    `image "nginx:1" of container app is denied by the verify entry "ours" of the tagpin policy: ${A} is not verified: ` +
      'no signature was found. Sign that digest, or use an image that is signed.',
  );
  assert.deepEqual(result.operations, []);
  assert.deepEqual(result.audit, { decision: 'denied', verified: '{"nginx:1":"ours=unverified"}' });
  assert.equal(result.record.decision, 'denied');
});

test('what could not be found out is denied as that: 503, with the reason', () => {
  const result = judge({ object: deployment({ app: 'nginx:1' }), signatures: { a: UNREACHABLE } });
  assert.equal(result.code, 503);
  assert.match(result.message, /could not be verified by the verify entry "ours" of the tagpin policy/);
  assert.match(result.message, /can not be reached \(Unreachable\)\. Try again/);
  assert.deepEqual(verdictsOf(result), ['ours failed']);
});

test('what is certain is told before what could not be found out', () => {
  const result = judge({
    object: deployment({ app: 'nginx:1', other: 'nginx:2' }),
    signatures: { a: UNREACHABLE, b: UNSIGNED },
  });
  assert.equal(result.code, 403);
  const both = judge({
    object: deployment({ app: 'nginx:1' }),
    verify: [{ name: 'one' }, { name: 'two' }],
    signatures: { 'a one': UNREACHABLE, 'a two': UNSIGNED },
  });
  assert.match(both.message, /the verify entry "two"/);
});

test('every entry that denies has to hold, not only the first', () => {
  const verify = [{ name: 'one' }, { name: 'two' }, { name: 'elsewhere', images: ['ghcr.io/**'] }];
  const input = { object: deployment({ app: 'nginx:1' }), verify };
  assert.equal(judge({ ...input, signatures: { a: SIGNED } }).allowed, true);
  assert.equal(judge({ ...input, signatures: { 'a one': SIGNED, 'a two': UNSIGNED } }).allowed, false);
  assert.deepEqual(verdictsOf(judge({ ...input, signatures: { a: SIGNED } })), ['one verified,two verified']);
});

test('an entry that warns never denies, and says so in a line of 120 characters at most', () => {
  const name = 'registry.internal.example.com:5000/a-team-of-a-very-long-name/nginx';
  const registry = { [`${name}:1`]: A };
  for (const verdict of [UNSIGNED, UNREACHABLE]) {
    const entry = { ...MILD[0], name: 'm'.repeat(100) };
    for (const verify of [MILD, [entry]]) {
      const result = judge({ object: deployment({ app: `${name}:1` }), registry, verify, signatures: { a: verdict } });
      assert.equal(result.allowed, true);
      assert.equal(result.images['app'], `${name}@${A}`, 'it is pinned all the same');
      const [line = ''] = result.warnings;
      assert.match(line, /nginx@sha256:610000000000 (is not verified|could not be verified) \(m.*\): /);
      assert.ok(line.length <= 120, line);
    }
  }
});

// [what leaves the tag, the request, status, why]
const floating: readonly (readonly [string, Omit<Case, 'verify'>, 403 | 503, RegExp])[] = [
  [
    'skip',
    { object: deployment({ app: 'nginx:1' }, { annotations: { 'tagpin.dev/skip': '*' } }) },
    403,
    /tagpin\.dev\/skip leaves its tag\. Take it out of tagpin\.dev\/skip/,
  ],
  ['ignore', { object: deployment({ app: 'nginx:1' }), policy: 'defaults: {action: ignore}' }, 403, /leaves its tag/],
  ['warn', { object: deployment({ app: 'nginx:1' }), policy: 'defaults: {action: warn}' }, 403, /leaves its tag/],
  [
    'a pull policy of Never',
    { object: deployment({ app: 'nginx:1' }, {}, { imagePullPolicy: 'Never' }) },
    403,
    /its pull policy is Never/,
  ],
  ['a tag that is not there', { object: deployment({ app: 'nginx:9' }) }, 403, /has no such image \(NotFound\)/],
  [
    'a registry that is down',
    { object: deployment({ app: 'nginx:1' }), registry: { 'docker.io/library/nginx:1': 'Unreachable' } },
    503,
    /can't be reached \(Unreachable\)\. Try again/,
  ],
  [
    'an UPDATE that leaves what floats as it is',
    { object: deployment({ app: 'nginx:1' }), oldObject: deployment({ app: 'nginx:1' }) },
    403,
    /it floats as before\. Annotate tagpin\.dev\/refresh=floating/,
  ],
  [
    'an owner',
    { object: pod({ app: 'nginx:1' }, owner('acme.io/v1', 'Rollout')) },
    403,
    /its owner wrote a tag\. Name a signed digest in the template/,
  ],
  [
    'a Job that is stored already',
    { object: job({ app: 'nginx:1' }), oldObject: job({ app: 'nginx:1' }) },
    403,
    /Make a new Job/,
  ],
];

for (const [name, input, code, why] of floating) {
  test(`an image that ${name} leaves without a digest can't be verified: ${code}`, () => {
    const result = judge(input);
    assert.equal(result.code, code);
    assert.match(result.message, /has no digest that the verify entry "ours" of the tagpin policy could verify: /);
    assert.match(result.message, why);
    assert.deepEqual(verdictsOf(result), ['ours floating']);
    const mild = judge({ ...input, verify: MILD });
    assert.equal(mild.allowed, true);
    assert.ok(
      mild.warnings.some((line) => line.endsWith('has no digest to verify (mild)')),
      mild.warnings.join('\n'),
    );
    const reported = judge({ ...input, user: 'system:kube-controller-manager' });
    assert.equal(reported.allowed, true);
    assert.equal(reported.record.images[0]?.reported, true);
  });
}

test('a refused image asks no registry about the others', () => {
  const annotations = { 'tagpin.dev/skip': 'app' };
  const floats = judge({ object: deployment({ app: 'nginx:1', other: 'nginx:2' }, { annotations }) });
  assert.deepEqual([floats.code, floats.asked, floats.verified], [403, [], []]);
  const ruled = judge({
    object: deployment({ app: 'nginx:1', other: 'nginx:2' }),
    policy: 'rules: [{name: no, match: {tags: ["1"]}, action: deny}]',
  });
  assert.deepEqual([ruled.code, ruled.asked, ruled.verified], [403, [], []]);
  assert.deepEqual(verdictsOf(ruled), [undefined, undefined]);
  const unresolved = judge({
    object: deployment({ app: 'nginx:1', other: 'nginx:9' }),
    policy: 'defaults: {onUnresolved: deny}',
  });
  assert.deepEqual([unresolved.code, unresolved.verified], [403, []]);
});

const template = { template: { spec: podSpec({ app: `nginx@${A}` }) } };
const everywhere: readonly (readonly [string, Omit<Case, 'verify'>])[] = [
  ['a Deployment', { object: deployment({ app: `nginx@${A}` }) }],
  ['an init container', { object: deployment({ 'initContainers/app': `nginx@${A}` }) }],
  ['an image volume', { object: deployment({ 'volumes/app': `nginx@${A}` }) }],
  [
    'a ReplicaSet of a Deployment',
    { object: workload('apps/v1', 'ReplicaSet', template, owner('apps/v1', 'Deployment')) },
  ],
  ['a Pod of a ReplicaSet', { object: pod({ app: `nginx@${A}` }, owner('apps/v1', 'ReplicaSet')) }],
  ['a Pod of a custom controller', { object: pod({ app: `nginx@${A}` }, owner('acme.io/v1', 'Rollout')) }],
  ['a Job of a CronJob', { object: job({ app: `nginx@${A}` }, owner('batch/v1', 'CronJob')) }],
  ['a stored Job', { object: job({ app: `nginx@${A}` }), oldObject: job({ app: `nginx@${A}` }) }],
  [
    'an ephemeral container',
    {
      object: pod({ app: 'redis:1', 'ephemeralContainers/debug': `nginx@${A}` }),
      oldObject: pod({ app: 'redis:1' }),
      subResource: 'ephemeralcontainers',
    },
  ],
  ['what skip names', { object: deployment({ app: `nginx@${A}` }, { annotations: { 'tagpin.dev/skip': '*' } }) }],
  ['an image by digest with a tag', { object: deployment({ app: `docker.io/library/nginx:7@${A}` }) }],
];

for (const [name, input] of everywhere) {
  test(`${name} is judged, and denied where it is not verified`, () => {
    const result = judge({ ...input, signatures: { a: UNSIGNED } });
    assert.equal(result.code, 403);
    assert.deepEqual(
      result.verified.map((each) => each.replace('brief ', '')),
      [`docker.io/library/nginx@${A}`],
    );
    assert.equal(judge({ ...input, signatures: { a: SIGNED } }).allowed, true);
  });
}

const gone: readonly (readonly [string, Case])[] = [
  [
    'an object that is being deleted',
    { object: pod({ app: 'nginx:1' }, { deletionTimestamp: '2026-11-21T00:00:00Z' }) },
  ],
  ['a mirror Pod', { object: pod({ app: 'nginx:1' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }) }],
  ['a scale', { object: deployment({ app: 'nginx:1' }), subResource: 'scale' }],
  ['an image that is malformed', { object: deployment({ app: 'NGINX' }) }],
  [
    'an image of which no entry speaks',
    { object: deployment({ app: 'ghcr.io/acme/app:1' }), verify: [{ name: 'x', images: ['quay.io/**'] }] },
  ],
];

for (const [name, input] of gone) {
  test(`${name} is not judged`, () => {
    const result = judge(input);
    assert.deepEqual([result.allowed, result.verified, 'verified' in result.audit], [true, [], false]);
  });
}

test('requests of the controllers of Kubernetes are never stopped: what would be denied is reported', () => {
  for (const verdict of [UNSIGNED, UNREACHABLE]) {
    const result = judge({
      object: pod({ app: `nginx@${A}` }, owner('apps/v1', 'ReplicaSet')),
      user: 'system:serviceaccount:kube-system:replicaset-controller',
      signatures: { a: verdict },
    });
    assert.equal(result.allowed, true);
    assert.deepEqual(result.warnings, []);
    assert.deepEqual(result.verified, [`brief docker.io/library/nginx@${A}`]);
    const [image] = result.record.images;
    assert.deepEqual([image?.reported, image?.verified?.length], [true, 1]);
    assert.match(result.audit['verified'] ?? '', /ours=(unverified|failed)/);
  }
});

test('what is mapped back by its own pin, by memory or by another container is verified too', () => {
  const own = judge({
    object: deployment({ app: 'nginx:1' }),
    oldObject: pinned(`nginx@${A}`, 'nginx:1', A),
    registry: {},
    signatures: { a: UNSIGNED },
  });
  assert.deepEqual([own.code, own.asked], [403, []]);
  const pins = record({
    'containers/app': [
      ['nginx:2', B],
      ['nginx:1', A],
    ],
  });
  const memory = judge({
    object: deployment({ app: 'nginx:1' }),
    oldObject: deployment({ app: `nginx@${B}` }, { annotations: { 'tagpin.dev/pins': pins } }),
    registry: { [`docker.io/library/nginx@${A}`]: A },
    signatures: { a: UNSIGNED, b: SIGNED },
  });
  assert.deepEqual([memory.code, memory.verified], [403, [`docker.io/library/nginx@${A}`]]);
});

test('a digest that an UPDATE leaves as it is does not fall for want of an answer, only for a bad one', () => {
  const unchanged = { object: deployment({ app: 'nginx:1' }), oldObject: pinned(`nginx@${A}`, 'nginx:1', A) };
  const kept = judge({ ...unchanged, signatures: { a: UNREACHABLE } });
  assert.equal(kept.allowed, true);
  assert.deepEqual(kept.verified, [`brief docker.io/library/nginx@${A}`]);
  assert.deepEqual(kept.warnings, ['app: nginx@sha256:610000000000 could not be verified (ours): Unreachable']);
  assert.equal(judge({ ...unchanged, signatures: { a: UNSIGNED } }).code, 403);
});

// [what is new of it, object, oldObject]
const changed: readonly (readonly [string, Images, Images])[] = [
  ['another digest', { app: `nginx@${A}` }, { app: `nginx@${B}` }],
  ['another repository', { app: `nginx@${A}` }, { app: `redis@${A}` }],
  ['another container', { app: `nginx@${B}`, more: `nginx@${A}` }, { app: `nginx@${B}` }],
  ['another list', { 'initContainers/app': `nginx@${A}` }, { app: `nginx@${A}` }],
  ['a digest where a tag floated', { app: `nginx@${A}` }, { app: 'nginx:1' }],
];

for (const [name, images, before] of changed) {
  test(`${name} is new in its slot, and is denied for want of an answer`, () => {
    const result = judge({
      object: deployment(images),
      oldObject: deployment(before),
      signatures: { a: UNREACHABLE, b: SIGNED },
    });
    assert.equal(result.code, 503);
    assert.ok(result.verified.includes(`docker.io/library/nginx@${A}`));
  });
}

test('a CREATE that carries an oldObject has nothing that was there before', () => {
  const object = deployment({ app: `nginx@${A}` });
  const result = judge({ object, oldObject: object, operation: 'CREATE', signatures: { a: UNREACHABLE } });
  assert.equal(result.code, 503);
});

test('one digest is verified once, as patiently as the container that needs it most', () => {
  const result = judge({
    object: deployment({ app: `nginx@${A}`, more: `docker.io/library/nginx:1@${A}` }),
    oldObject: deployment({ app: `nginx@${A}` }),
    signatures: { a: SIGNED },
  });
  assert.deepEqual(result.verified, [`docker.io/library/nginx@${A}`]);
});

test('more than a hundred different images are not verified, and those that are left over are denied', () => {
  const images = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`c${index}`, `r.io/a${index}@${A}`]));
  const result = judge({ object: deployment(images), signatures: { a: SIGNED } });
  assert.deepEqual([result.code, result.verified.length], [503, 100]);
  assert.match(result.message, /one object may have 100 different images verified/);
});

test('a policy without entries has no judge at all', () => {
  const request = { uid: 'u', kind: { version: 'v1', kind: 'Pod' }, operation: 'CREATE', object: pod({ app: 'a' }) };
  const parsed = parseReview({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
  assert.ok(parsed.ok);
  assert.equal(judgeSignatures(parsed.request, DEFAULT_POLICY), null);
});
