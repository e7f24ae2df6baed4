import assert from 'node:assert/strict';
import test from 'node:test';
import type { PlanContext } from '../../../../src/core/admission/context.ts';
import { planSlot } from '../../../../src/core/admission/slot/slot.ts';
import { imageSlots, readSlot } from '../../../../src/core/workload/slots.ts';
import { admit, deployment, digest, record } from '../../../support/admission.ts';

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

test('the warning about an edited tag is given only where that tag counts', () => {
  const oldObject = withPins(`nginx:1.27@${A}`, one('nginx:1.27', A));
  const object = withPins(`nginx:1.28@${A}`, one('nginx:1.27', A));
  const unresolved = admit({ object, oldObject, policy: 'defaults: {onUnresolved: deny}' });
  assert.equal(unresolved.allowed, true, 'a digest is behind it, so something runs');
  assert.ok(!unresolved.warnings.some((warning) => warning.includes('counts')));
});

test('what is pending, or malformed, is left', () => {
  const [slot] = imageSlots('Deployment', deployment({ app: 'nginx' }));
  assert.ok(slot !== undefined);
  for (const kind of ['pending', 'malformed'] as const) {
    // Nothing of the context is read for what is not known yet.
    const outcome = planSlot(readSlot(slot), { kind }, { verdict: null, moved: null, memory: null }, {} as PlanContext);
    assert.deepEqual([outcome.source, outcome.image], [kind, 'nginx']);
  }
});
