import assert from 'node:assert/strict';
import test from 'node:test';
import { imageSlots } from '../../../src/core/workload/slots.ts';
import { cronJob, pod } from '../../support/admission.ts';

test('every list of images is read, with its key and its path', () => {
  const images = {
    app: 'a:1',
    'initContainers/setup': 'b:1',
    'ephemeralContainers/debug': 'c:1',
    'volumes/data': 'd:1',
  };
  const slots = imageSlots('Pod', pod(images));
  assert.deepEqual(
    slots.map((slot) => [slot.key, slot.path.join('.'), slot.image]),
    [
      ['containers/app', 'spec.containers.0.image', 'a:1'],
      ['initContainers/setup', 'spec.initContainers.0.image', 'b:1'],
      ['ephemeralContainers/debug', 'spec.ephemeralContainers.0.image', 'c:1'],
      ['volumes/data', 'spec.volumes.0.image.reference', 'd:1'],
    ],
  );
});

test("a CronJob's images are found in its job template", () => {
  const [slot] = imageSlots('CronJob', cronJob({ app: 'a:1' }));
  assert.equal(slot?.path.join('.'), 'spec.jobTemplate.spec.template.spec.containers.0.image');
});

test('indexes count what has no image, and pull policies are read where they stand', () => {
  const object = {
    spec: {
      containers: [
        { name: 'none' },
        { name: 'empty', image: '' },
        { name: 'odd', image: 5 },
        null,
        { image: 'x', imagePullPolicy: 'Never' },
      ],
      volumes: [
        { name: 'rbd', rbd: { image: 'not-an-image' } },
        { name: 'v', image: { reference: 'y', pullPolicy: 'Never' } },
      ],
    },
  };
  assert.deepEqual(
    imageSlots('Pod', object).map((slot) => [slot.key, slot.path.at(2), slot.pullPolicy]),
    [
      ['containers/', 4, 'Never'],
      ['volumes/v', 1, 'Never'],
    ],
  );
});

for (const object of [null, {}, { spec: null }, { spec: { containers: {} } }, 'text', []]) {
  test(`${JSON.stringify(object)} has no images`, () => {
    assert.deepEqual(imageSlots('Pod', object), []);
  });
}
