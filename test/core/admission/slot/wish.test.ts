import assert from 'node:assert/strict';
import test from 'node:test';
import { readContext } from '../../../../src/core/admission/context.ts';
import { createInquiry } from '../../../../src/core/admission/questions.ts';
import { parseReview } from '../../../../src/core/admission/request.ts';
import { readWish } from '../../../../src/core/admission/slot/wish.ts';
import { DEFAULT_POLICY } from '../../../../src/core/policy/schema.ts';
import { imageSlots, readSlot } from '../../../../src/core/workload/slots.ts';
import { admit, deployment, digest, record } from '../../../support/admission.ts';

const [A, B, C] = [digest('a'), digest('b'), digest('c')];
const NGINX = 'docker.io/library/nginx:1.27';
const withPins = (image: string, pins: string | null) =>
  deployment({ app: image }, pins === null ? {} : { annotations: { 'tagpin.dev/pins': pins } });
const one = (ref: string, value: typeof A) => record({ 'containers/app': [[ref, value]] });

test('CREATE: a digest is kept, asks nothing and has no record', () => {
  const result = admit({ object: withPins(`nginx@${A}`, null) });
  assert.deepEqual(result.operations, []);
  assert.deepEqual(result.asked, []);
  assert.deepEqual(result.record.images[0], {
    container: 'containers/app',
    ref: `nginx@${A}`,
    digest: A,
    outcome: 'kept',
    source: 'digest',
    rule: null,
  });
});

test('CREATE: tag@digest is kept as it is written', () => {
  assert.deepEqual(admit({ object: withPins(`nginx:1.27@${A}`, null) }).operations, []);
});

// [what the registry says of the record's reference, is the record kept?]
const proofs = [
  [A, true],
  [B, false],
  ['NotFound', false],
  ['Unreachable', false],
  [{ code: 'Unreachable', lastKnown: A }, true],
  [{ code: 'Unreachable', lastKnown: B }, false],
] as const;

for (const [answer, kept] of proofs) {
  const said =
    typeof answer === 'string' ? answer.slice(0, 12) : `${answer.code}, last ${answer.lastKnown.slice(0, 12)}`;
  test(`CREATE: a submitted record is ${kept ? 'believed' : 'dropped'} where the registry says ${said}; the digest stays`, () => {
    const result = admit({ object: withPins(`nginx@${A}`, one('nginx:1.27', A)), registry: { [NGINX]: answer } });
    assert.equal(result.images['app'], `nginx@${A}`);
    assert.equal(result.pins, kept ? one('nginx:1.27', A) : null);
    assert.deepEqual(result.asked, [NGINX]);
    assert.equal(result.allowed, true);
  });
}

test('a record of another repository, or of another digest, is not even asked about', () => {
  for (const pins of [one('busybox:1', A), one('nginx:1.27', B)]) {
    const result = admit({ object: withPins(`nginx@${A}`, pins), registry: { [NGINX]: B } });
    assert.equal(result.pins, null);
    assert.deepEqual(result.asked, []);
  }
});

const history = record({
  'containers/app': [
    ['nginx:1.28', B],
    ['nginx:1.27', A],
  ],
});

const undone = record({
  'containers/app': [
    ['nginx:1.27', A],
    ['nginx:1.28', B],
  ],
});

test('rollout undo: the record that comes along is believed from memory, without a registry', () => {
  const result = admit({
    object: withPins(`nginx@${A}`, one('nginx:1.27', A)),
    oldObject: withPins(`nginx@${B}`, history),
  });
  assert.equal(result.images['app'], `nginx@${A}`);
  assert.equal(result.pins, undone);
  assert.deepEqual(result.asked, []);
});

test('rollout undo of a StatefulSet brings no record along: the digest is what the container ran before', () => {
  const object = withPins(`nginx@${A}`, history);
  const oldObject = withPins(`nginx@${B}`, history);
  const result = admit({ object, oldObject });
  assert.deepEqual([result.images['app'], result.pins, result.asked], [`nginx@${A}`, undone, []]);
  assert.deepEqual(admit({ object: result.object, oldObject }).operations, []);
  assert.equal(admit({ object, oldObject, policy: 'defaults: {history: 0}' }).pins, null, 'the memory is turned off');
});

test('rollout undo, then the same manifest again: what the undo brought back stays', () => {
  const registry = { 'docker.io/library/nginx:1.28': C, [`docker.io/library/nginx@${B}`]: B };
  const stored = withPins(`nginx@${A}`, undone);
  assert.equal(
    admit({ object: withPins('nginx:1.27', undone), oldObject: stored, registry }).images['app'],
    `nginx@${A}`,
  );
  const forward = admit({ object: withPins('nginx:1.28', undone), oldObject: stored, registry });
  assert.equal(forward.images['app'], `nginx@${B}`, 'a roll forward brings back what ran, not what the tag means now');
});

test('UPDATE: the stored digest keeps its entry although the client drops the annotation', () => {
  const result = admit({ object: withPins(`nginx@${B}`, null), oldObject: withPins(`nginx@${B}`, history) });
  assert.equal(result.pins, history);
  assert.deepEqual(result.asked, []);
});

test('UPDATE: a digest by hand ends the entry, memory included', () => {
  const result = admit({ object: withPins(`nginx@${C}`, history), oldObject: withPins(`nginx@${B}`, history) });
  assert.equal(result.images['app'], `nginx@${C}`);
  assert.equal(result.pins, null);
});

test('UPDATE: a forged record beside a digest by hand has to be proven', () => {
  const object = withPins(`nginx@${C}`, one('nginx:1.27', C));
  const oldObject = withPins(`nginx@${B}`, history);
  assert.equal(admit({ object, oldObject, registry: { [NGINX]: A } }).pins, null);
  const proven = admit({ object, oldObject, registry: { [NGINX]: C } });
  assert.equal(
    proven.pins,
    record({
      'containers/app': [
        ['nginx:1.27', C],
        ['nginx:1.28', B],
        ['nginx:1.27', A],
      ],
    }),
  );
});

test('UPDATE: a renamed container keeps its record, which stands in the stored one under the other name', () => {
  const object = deployment(
    { web: `nginx@${B}` },
    { annotations: { 'tagpin.dev/pins': record({ 'containers/web': [['nginx:1.28', B]] }) } },
  );
  const result = admit({ object, oldObject: withPins(`nginx@${B}`, history) });
  assert.equal(result.pins, record({ 'containers/web': [['nginx:1.28', B]] }));
  assert.deepEqual(result.asked, []);
});

test('a reinvocation changes nothing, asks nothing new of memory, and says what it added under a key of its own', () => {
  const oldObject = withPins(`nginx@${B}`, history);
  const registry = { 'docker.io/library/nginx:1.29': C, 'docker.io/library/side:1': A };
  const first = admit({ object: withPins('nginx:1.29', history), oldObject, registry });
  const again = admit({ object: first.object, oldObject, registry });
  assert.deepEqual(again.operations, []);
  assert.deepEqual(again.audit, { pins: `{"nginx:1.29":"${C}"}` });
  const injected = structuredClone(first.object) as { spec: { template: { spec: { containers: unknown[] } } } };
  injected.spec.template.spec.containers.push({ name: 'side', image: 'side:1' });
  const second = admit({ object: injected, oldObject, registry });
  assert.deepEqual(second.audit, { 'pins-added': `{"side:1":"${A}"}` });
  assert.equal(second.images['app'], `nginx@${C}`);
});

test('rules judge a digest; one whose record is believed by its digest form only', () => {
  const policy = 'rules: [{name: r, match: {tags: ["1.27"]}, action: deny}]';
  const object = withPins(`nginx:1.27@${A}`, one('nginx:1.27', A));
  assert.equal(admit({ object: withPins(`nginx:1.27@${A}`, null), policy }).allowed, false);
  assert.equal(admit({ object, oldObject: object, policy }).allowed, true);
  const all = 'rules: [{name: r, match: {images: ["docker.io/**"]}, action: deny}]';
  assert.equal(admit({ object, oldObject: object, policy: all }).allowed, false);
});

test('skip ends the entry of a digest as well', () => {
  const object = deployment(
    { app: `nginx@${B}` },
    { annotations: { 'tagpin.dev/pins': history, 'tagpin.dev/skip': '*' } },
  );
  const result = admit({ object, oldObject: withPins(`nginx@${B}`, history) });
  assert.equal(result.images['app'], `nginx@${B}`);
  assert.equal(result.pins, null);
});

/** What an image asks for beside a stored one, with a record that comes along; the question that is open, if any. */
function wishOf(image: string, submitted: string | null, stored: ReturnType<typeof withPins>) {
  const object = withPins(image, submitted);
  const request = { uid: 'u', operation: 'UPDATE', object, oldObject: stored };
  const parsed = parseReview({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
  const [slot] = imageSlots('Deployment', object);
  assert.ok(parsed.ok && slot !== undefined);
  const known = readContext(parsed.request, 'Deployment', { policy: DEFAULT_POLICY, namespaceLabels: {} });
  const context = { ...known, inquiry: createInquiry(new Map()) };
  const wish = readWish(readSlot(slot), context);
  const pin = wish.kind === 'digest' ? (wish.pin?.reference.text ?? 'by hand') : null;
  const tag = wish.kind === 'tag' ? wish.reference.text : null;
  return [wish.kind, tag ?? pin, context.inquiry.open.length] as const;
}

// [submitted image, the record with it, what it asks for], beside a stored nginx:1.27 under A
const wishes = [
  ['nginx:1.27', null, ['tag', 'nginx:1.27', 0]],
  ['NGINX', null, ['malformed', null, 0]],
  [`nginx@${A}`, null, ['digest', 'nginx:1.27', 0]],
  [`nginx@${B}`, null, ['digest', 'by hand', 0]],
  [`nginx:1.27@${A}`, null, ['digest', 'nginx:1.27', 0]],
  [`nginx:1.28@${A}`, null, ['tag', 'nginx:1.28', 0]],
  [`nginx:1.28@${A}`, one('nginx:1.28', A), ['pending', null, 1]],
  [`nginx:1.28@${B}`, null, ['digest', 'by hand', 0]],
  [`busybox:1.28@${A}`, null, ['digest', 'by hand', 0]],
  [`nginx@${A}`, one('nginx:9', A), ['pending', null, 1]],
] as const;

for (const [image, submitted, expected] of wishes) {
  test(`${image.slice(0, 24)} with ${submitted === null ? 'no record' : 'a record'} asks for ${expected[0]} ${expected[1]}`, () => {
    assert.deepEqual(wishOf(image, submitted, withPins(`nginx@${A}`, one('nginx:1.27', A))), expected);
  });
}

test('tag+digest: a second round of a new tag with the same digest keeps what the first one made', () => {
  const policy = 'defaults: {format: tag+digest, onUnresolved: deny}';
  const oldObject = withPins(`app:rc@${A}`, one('app:rc', A));
  const object = withPins('app', one('app:rc', A));
  const registry = { 'docker.io/library/app:latest': A };
  const first = admit({ object, oldObject, registry, policy });
  assert.equal(first.images['app'], `app:latest@${A}`);
  assert.deepEqual(admit({ object: first.object, oldObject, registry, policy }).operations, []);
  const silent = { 'docker.io/library/app:latest': 'Unreachable' } as const;
  assert.equal(admit({ object: first.object, oldObject, registry: silent, policy }).allowed, true);
});

test('tag+digest: an undo between two tags of one digest runs that digest', () => {
  const stored = withPins(
    `app:v1@${A}`,
    record({
      'containers/app': [
        ['app:v1', A],
        ['app:rc', A],
      ],
    }),
  );
  const undo = withPins(`app:rc@${A}`, one('app:rc', A));
  const result = admit({ object: undo, oldObject: stored, registry: { 'docker.io/library/app:rc': C } });
  assert.equal(result.images['app'], `app:rc@${A}`);
  assert.deepEqual(result.asked, []);
});
