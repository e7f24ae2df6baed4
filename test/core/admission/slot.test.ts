import assert from 'node:assert/strict';
import test from 'node:test';
import type { PlanContext } from '../../../src/core/admission/context.ts';
import { wantedTag } from '../../../src/core/admission/slot.ts';
import { parseReference } from '../../../src/core/image/reference.ts';
import { imageSlots } from '../../../src/core/workload/slots.ts';
import { readStored } from '../../../src/core/workload/stored.ts';
import { admit, deployment, digest, record } from '../../support/admission.ts';

const [A, B] = [digest('a'), digest('b')];
const withPins = (image: string, pins: string) =>
  deployment({ app: image }, { annotations: { 'tagpin.dev/pins': pins } });
const one = (ref: string, value: typeof A) => record({ 'containers/app': [[ref, value]] });

test('tag@digest with the recorded digest under another tag means the new tag, with a warning', () => {
  const oldObject = withPins(`nginx:1.27@${A}`, one('nginx:1.27', A));
  const object = withPins(`nginx:1.28@${A}`, one('nginx:1.27', A));
  const result = admit({
    object,
    oldObject,
    registry: { 'docker.io/library/nginx:1.28': B },
    policy: 'defaults: {format: tag+digest}',
  });
  assert.equal(result.images['app'], `nginx:1.28@${B}`);
  assert.equal(
    result.pins,
    record({
      'containers/app': [
        ['nginx:1.28', B],
        ['nginx:1.27', A],
      ],
    }),
  );
  assert.match(result.warnings[0] ?? '', /the new tag 1\.28 counts/);
});

test('tag@digest under the same tag is what it says', () => {
  const object = withPins(`nginx:1.27@${A}`, one('nginx:1.27', A));
  assert.deepEqual(admit({ object, oldObject: withPins(`nginx@${A}`, one('nginx:1.27', A)) }).operations, []);
});

test('tag@digest with another digest than the recorded one is a digest by hand', () => {
  const result = admit({
    object: withPins(`nginx:1.28@${B}`, one('nginx:1.27', A)),
    oldObject: withPins(`nginx@${A}`, one('nginx:1.27', A)),
  });
  assert.equal(result.images['app'], `nginx:1.28@${B}`);
  assert.equal(result.pins, null);
});

for (const image of [' nginx', 'NGINX', 'nginx:', 'a'.repeat(64), 'nginx@sha256:abc']) {
  test(`a malformed image passes untouched to the API server: ${JSON.stringify(image.slice(0, 20))}`, () => {
    const result = admit({ object: deployment({ app: image }), policy: 'defaults: {action: deny}' });
    assert.equal(result.allowed, true);
    assert.deepEqual(result.operations, []);
    assert.equal(result.record.images[0]?.source, 'malformed');
  });
}

// [submitted, the tag that it asks for], beside a stored nginx:1.27 under A
const wanted = [
  ['nginx:1.27', 'nginx:1.27'],
  [`nginx@${A}`, null],
  [`nginx:1.27@${A}`, null],
  [`nginx:1.28@${A}`, 'nginx:1.28'],
  [`nginx:1.28@${B}`, null],
  [`busybox:1.28@${A}`, null],
] as const;

for (const [image, tag] of wanted) {
  test(`${image.slice(0, 24)} asks for ${tag ?? 'its digest'}`, () => {
    const stored = readStored('Deployment', withPins(`nginx@${A}`, one('nginx:1.27', A)));
    const [slot] = imageSlots('Deployment', deployment({ app: image }));
    const reference = parseReference(image);
    assert.ok(slot !== undefined && reference.ok);
    assert.equal(wantedTag(slot, reference.reference, { stored } as PlanContext)?.text ?? null, tag);
  });
}
