import assert from 'node:assert/strict';
import test from 'node:test';
import { isNoAnswer, REASONS } from '../../../../src/core/admission/slot/tag-slot.ts';
import { admit, deployment, digest, podSpec, record, workload } from '../../../support/admission.ts';

const [A, B, C] = [digest('a'), digest('b'), digest('c')];
const NGINX = 'docker.io/library/nginx:1.27';

/** A stored Deployment whose container app was pinned from nginx:1.27 to A. */
const pinned = (pins = record({ 'containers/app': [['nginx:1.27', A]] }), image = `nginx@${A}`) =>
  deployment({ app: image }, { annotations: { 'tagpin.dev/pins': pins } });
/** The same as `kubectl apply` sends it: the annotation stays, the image is the manifest's. */
const applied = (image: string, pins?: string) => pinned(pins, image);

test('CREATE: a tag is resolved, rewritten in the spelling of the user, and recorded', () => {
  const result = admit({ object: deployment({ app: 'nginx:1.27' }), registry: { [NGINX]: A } });
  assert.equal(result.images['app'], `nginx@${A}`);
  assert.equal(result.pins, `{"containers/app":{"digest":"${A}","ref":"nginx:1.27"},"v":1}`);
  assert.deepEqual(result.asked, [NGINX]);
  assert.match(result.warnings[0] ?? '', /^app: nginx:1\.27 pinned to sha256:[0-9a-f]{12}$/);
});

test('CREATE: every list of images is pinned under its own key', () => {
  const images = { app: 'a:1', 'initContainers/setup': 'b:1', 'volumes/data': 'c:1' };
  const registry = { 'docker.io/library/a:1': A, 'docker.io/library/b:1': B, 'docker.io/library/c:1': C };
  const result = admit({ object: deployment(images), registry });
  assert.deepEqual(result.images, { app: `a@${A}`, 'initContainers/setup': `b@${B}`, 'volumes/data': `c@${C}` });
  assert.deepEqual(Object.keys(JSON.parse(result.pins ?? '{}')), [
    'containers/app',
    'initContainers/setup',
    'v',
    'volumes/data',
  ]);
});

test('the format tag+digest keeps the tag beside the digest', () => {
  const result = admit({
    object: deployment({ app: 'nginx:1.27' }),
    registry: { [NGINX]: A },
    policy: 'defaults: {format: tag+digest}',
  });
  assert.equal(result.images['app'], `nginx:1.27@${A}`);
});

test('one image in five containers is asked once', () => {
  const images = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, 'nginx:1.27']));
  assert.deepEqual(admit({ object: deployment(images), registry: { [NGINX]: A } }).asked, [NGINX]);
});

for (const image of ['nginx:1.27', 'docker.io/library/nginx:1.27', 'index.docker.io/nginx:1.27']) {
  test(`UPDATE: ${image}, which is the recorded reference, keeps its pin byte for byte without a registry call`, () => {
    const result = admit({ object: applied(image), oldObject: pinned(), registry: { [NGINX]: B } });
    assert.equal(result.images['app'], `nginx@${A}`);
    assert.equal(result.pins, record({ 'containers/app': [['nginx:1.27', A]] }));
    assert.deepEqual(result.asked, []);
    assert.deepEqual(result.warnings, []);
  });
}

test('UPDATE: a pin survives a client that drops the annotation', () => {
  const result = admit({ object: deployment({ app: 'nginx:1.27' }), oldObject: pinned() });
  assert.equal(result.images['app'], `nginx@${A}`);
  assert.equal(result.pins, record({ 'containers/app': [['nginx:1.27', A]] }));
});

test('UPDATE: what is stored is returned as it is, also when the format of the policy has changed', () => {
  const result = admit({
    object: applied('nginx:1.27'),
    oldObject: pinned(),
    policy: 'defaults: {format: tag+digest}',
  });
  assert.equal(result.images['app'], `nginx@${A}`);
});

test('UPDATE: an unpinned image that stays as it is floats on, with a warning that names the way out', () => {
  const object = deployment({ app: 'nginx:1.27' });
  const result = admit({ object, oldObject: object, registry: { [NGINX]: A } });
  assert.deepEqual(result.operations, []);
  assert.deepEqual(result.asked, []);
  assert.match(result.warnings[0] ?? '', /tagpin\.dev\/refresh=floating/);
});

test('UPDATE: a new container with a reference that another one has pinned gets that digest', () => {
  const object = deployment({ app: `nginx@${A}`, side: 'nginx:1.27' });
  const result = admit({ object, oldObject: pinned(), registry: { [NGINX]: B } });
  assert.equal(result.images['side'], `nginx@${A}`);
  assert.deepEqual(result.asked, []);
  assert.deepEqual(
    result.record.images.map((image) => image.source),
    ['own-pin', 'other-pin'],
  );
});

test('UPDATE: of several pins of one reference the first in key order counts', () => {
  const pins = record({ 'containers/a': [['nginx:1.27', A]], 'containers/b': [['nginx:1.27', B]] });
  const oldObject = deployment({ b: `nginx@${B}`, a: `nginx@${A}` }, { annotations: { 'tagpin.dev/pins': pins } });
  const object = deployment({ b: `nginx@${B}`, a: `nginx@${A}`, c: 'nginx:1.27' });
  assert.equal(admit({ object, oldObject }).images['c'], `nginx@${A}`);
});

test('UPDATE: a new tag is resolved, and what ran before is remembered', () => {
  const result = admit({
    object: applied('nginx:1.28'),
    oldObject: pinned(),
    registry: { 'docker.io/library/nginx:1.28': B },
  });
  assert.equal(result.images['app'], `nginx@${B}`);
  assert.equal(
    result.pins,
    record({
      'containers/app': [
        ['nginx:1.28', B],
        ['nginx:1.27', A],
      ],
    }),
  );
});

test('UPDATE: a container that is renamed takes its pin along', () => {
  const result = admit({ object: deployment({ web: 'nginx:1.27' }), oldObject: pinned() });
  assert.equal(result.images['web'], `nginx@${A}`);
  assert.equal(result.pins, record({ 'containers/web': [['nginx:1.27', A]] }));
});

// [onUnresolved, what the registry says, image, allowed, status code]
const unresolved = [
  ['lastKnown', { code: 'Unreachable', lastKnown: B }, `nginx@${B}`, true, null],
  ['lastKnown', { code: 'Timeout', lastKnown: B }, `nginx@${B}`, true, null],
  ['lastKnown', { code: 'RateLimited', lastKnown: B }, `nginx@${B}`, true, null],
  ['lastKnown', { code: 'InvalidResponse', lastKnown: B }, `nginx@${B}`, true, null],
  ['lastKnown', { code: 'NotFound', lastKnown: B }, 'nginx:1.27', true, null],
  ['lastKnown', { code: 'Unauthorized', lastKnown: B }, 'nginx:1.27', true, null],
  ['lastKnown', { code: 'Forbidden', lastKnown: B }, 'nginx:1.27', true, null],
  ['lastKnown', { code: 'NotAllowed', lastKnown: B }, 'nginx:1.27', true, null],
  ['lastKnown', 'Unreachable', 'nginx:1.27', true, null],
  ['allow', { code: 'Unreachable', lastKnown: B }, 'nginx:1.27', true, null],
  ['deny', { code: 'Unreachable', lastKnown: B }, 'nginx:1.27', false, 503],
  ['deny', 'NotFound', 'nginx:1.27', false, 403],
] as const;

for (const [onUnresolved, answer, image, allowed, code] of unresolved) {
  const said = typeof answer === 'string' ? answer : `${answer.code} (a digest is known)`;
  test(`onUnresolved ${onUnresolved}: ${said} → ${allowed ? image.slice(0, 16) : `refused with ${code}`}`, () => {
    const object = deployment({ app: 'nginx:1.27' });
    const result = admit({
      object,
      registry: { [NGINX]: answer },
      policy: `defaults: {onUnresolved: ${onUnresolved}}`,
    });
    assert.equal(result.images['app'], image);
    assert.equal(result.allowed, allowed);
    assert.equal(result.code, code);
    if (allowed) assert.equal(result.warnings.length, 1);
    else assert.match(result.message, /^image "nginx:1\.27" of container app can't be pinned: /);
  });
}

test('what was resolved is kept even when another image fails', () => {
  const object = deployment({ app: 'nginx:1.27', side: 'other:1' });
  const result = admit({ object, registry: { [NGINX]: A, 'docker.io/library/other:1': 'Timeout' } });
  assert.deepEqual(result.images, { app: `nginx@${A}`, side: 'other:1' });
  assert.equal(result.pins, record({ 'containers/app': [['nginx:1.27', A]] }));
});

test('an unresolved tag ends the entry, memory included', () => {
  const result = admit({ object: applied('nginx:1.29'), oldObject: pinned(), registry: {} });
  assert.equal(result.pins, null);
});

test('rules: what is denied anyway asks no registry about its other images', () => {
  const policy = 'rules: [{name: r, match: {tags: [latest]}, action: deny}]';
  const result = admit({ object: deployment({ app: 'nginx', side: 'nginx:1.27' }), registry: { [NGINX]: A }, policy });
  assert.equal(result.allowed, false);
  assert.deepEqual(result.asked, []);
});

test('rules: deny says which image and which rule, and what its author advises', () => {
  const policy = 'rules: [{name: no-latest, match: {tags: [latest]}, action: deny, message: "See the wiki."}]';
  const result = admit({ object: deployment({ app: 'nginx' }), policy });
  assert.equal(result.allowed, false);
  assert.equal(
    result.message,
    'image "nginx" of container app is denied by rule "no-latest" of the tagpin policy. See the wiki.',
  );
  assert.deepEqual(result.asked, []);
});

for (const action of ['ignore', 'warn'] as const) {
  test(`rules: ${action} leaves a tag, and still maps back what is pinned already`, () => {
    const policy = `rules: [{name: r, match: {images: ["docker.io/**"]}, action: ${action}}]`;
    const left = admit({ object: deployment({ app: 'nginx:1.27' }), policy });
    assert.equal(left.images['app'], 'nginx:1.27');
    assert.deepEqual(left.asked, []);
    assert.equal(left.warnings.length, action === 'warn' ? 1 : 0);
    const kept = admit({ object: applied('nginx:1.27'), oldObject: pinned(), policy });
    assert.equal(kept.images['app'], `nginx@${A}`);
    assert.deepEqual(kept.warnings, []);
  });
}

test('rules: what is mapped back is judged again by deny', () => {
  const policy = 'rules: [{name: r, match: {tags: ["1.27"]}, action: deny}]';
  assert.equal(admit({ object: applied('nginx:1.27'), oldObject: pinned(), policy }).allowed, false);
});

test('imagePullPolicy Never: left with a warning, and mapped back where it is pinned', () => {
  const left = admit({
    object: deployment({ app: 'nginx:1.27' }, {}, { imagePullPolicy: 'Never' }),
    registry: { [NGINX]: A },
  });
  assert.equal(left.images['app'], 'nginx:1.27');
  assert.match(left.warnings[0] ?? '', /Never/);
  const metadata = { annotations: { 'tagpin.dev/pins': record({ 'containers/app': [['nginx:1.27', A]] }) } };
  const object = deployment({ app: 'nginx:1.27' }, metadata, { imagePullPolicy: 'Never' });
  assert.equal(admit({ object, oldObject: pinned() }).images['app'], `nginx@${A}`);
});

test('skip wins over a pin: the tag goes through, and the entry goes', () => {
  const annotations = {
    'tagpin.dev/pins': record({ 'containers/app': [['nginx:1.27', A]] }),
    'tagpin.dev/skip': 'app',
  };
  const result = admit({ object: deployment({ app: 'nginx:1.27' }, { annotations }), oldObject: pinned() });
  assert.equal(result.images['app'], 'nginx:1.27');
  assert.equal(result.pins, null);
});

test('skip does not win over deny, nor where the policy does not honour it', () => {
  const object = deployment({ app: 'nginx:1.27' }, { annotations: { 'tagpin.dev/skip': '*' } });
  assert.equal(admit({ object, policy: 'defaults: {action: deny}' }).allowed, false);
  assert.equal(
    admit({ object, registry: { [NGINX]: A }, policy: 'defaults: {allowSkip: false}' }).images['app'],
    `nginx@${A}`,
  );
});

test('an entry of oldObject counts only where its digest is the old image and its reference has its repository', () => {
  const other = admit({
    object: applied('nginx:1.27'),
    oldObject: pinned(undefined, `nginx@${B}`),
    registry: { [NGINX]: C },
  });
  assert.equal(other.images['app'], `nginx@${C}`, 'the record names another digest than the image');
  const pins = record({ 'containers/app': [['busybox:1', A]] });
  const foreign = admit({
    object: applied('busybox:1', pins),
    oldObject: pinned(pins),
    registry: { 'docker.io/library/busybox:1': C },
  });
  assert.equal(foreign.images['app'], `busybox@${C}`, 'the record names another repository than the image');
});

test('a record of an unknown version counts as none, and digests stay', () => {
  const pins = record({ 'containers/app': [['nginx:1.27', A]] }).replace('"v":1', '"v":2');
  const result = admit({ object: applied(`nginx@${A}`, pins), oldObject: pinned(pins) });
  assert.equal(result.images['app'], `nginx@${A}`);
  assert.deepEqual(result.asked, []);
});

test('a forged record on CREATE can not choose a digest for a tag', () => {
  const annotations = { 'tagpin.dev/pins': record({ 'containers/app': [['nginx:1.27', B]] }) };
  const result = admit({ object: deployment({ app: 'nginx:1.27' }, { annotations }), registry: { [NGINX]: A } });
  assert.equal(result.images['app'], `nginx@${A}`);
  assert.equal(result.pins, record({ 'containers/app': [['nginx:1.27', A]] }));
});

test('one hundred different images are asked, the rest is left with the reason', () => {
  const images = Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`c${index}`, `image${index}:1`]));
  const object = workload('apps/v1', 'Deployment', { template: { spec: podSpec(images) } });
  const result = admit({ object, registry: {} });
  assert.equal(result.asked.length, 100);
  assert.equal(result.record.images.filter((image) => image.source === 'registry:NotAllowed').length, 20);
  assert.equal(result.warnings.length, 5);
});

test('the conditions after which asking again may help are those for which the last digest may stand in', () => {
  const codes = Object.keys(REASONS) as (keyof typeof REASONS)[];
  assert.deepEqual(codes.filter(isNoAnswer).toSorted(), ['InvalidResponse', 'RateLimited', 'Timeout', 'Unreachable']);
  for (const code of codes) assert.ok(REASONS[code].length < 60, 'a warning has room for the image beside it');
});
