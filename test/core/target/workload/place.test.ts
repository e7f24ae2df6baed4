import assert from 'node:assert/strict';
import test from 'node:test';
import {
  findVariable,
  foundImage,
  foundVariable,
  imageField,
  restartedAt,
  restartMark,
  variableField,
} from '../../../../src/core/target/workload/place.ts';
import { imageSlots, readSlot } from '../../../../src/core/workload/slots.ts';
import { digestOf } from '../../../support/planned-target.ts';
import { referenceOf, workloadObject } from '../../../support/planned-workload.ts';

const A = digestOf('a');
const MAIN = referenceOf('ghcr.io/acme/api:main');

function slotOf(image: string | object) {
  const object = workloadObject({ containers: { api: typeof image === 'string' ? image : { image: 'x', ...image } } });
  const [slot] = imageSlots('Deployment', object).map(readSlot);
  return { object, slot: slot ?? assert.fail() };
}

test('an image shows a digest where its pin says what that was, else somebody wrote it by hand', () => {
  const { slot } = slotOf(`ghcr.io/acme/api@${A}`);
  const entry = { reference: MAIN, digest: A, before: [] };
  assert.deepEqual(foundImage(slot, entry), { kind: 'digest', value: { tag: 'main', digest: A } });
  assert.deepEqual(foundImage(slot, { ...entry, digest: digestOf('b') }), { kind: 'by hand', digest: A });
  assert.deepEqual(foundImage(slot, null), { kind: 'by hand', digest: A });
  assert.deepEqual(foundImage(slotOf('ghcr.io/acme/api:main').slot, null), { kind: 'floating' });
});

// [the variables, what they show]
const variables: readonly (readonly [readonly object[], string])[] = [
  [[], 'empty'],
  [[{ name: 'D' }], 'empty'],
  [[{ name: 'D', value: ' ' }], 'empty'],
  [[{ name: 'D', value: A }], 'digest'],
  [
    [
      { name: 'D', value: A },
      { name: 'D', value: '' },
    ],
    'empty',
  ],
  [[{ name: 'D', value: 'main' }], 'text'],
  [[{ name: 'D', valueFrom: { fieldRef: {} } }], 'problem'],
];
for (const [env, kind] of variables) {
  test(`${JSON.stringify(env).slice(0, 60)} shows ${kind}`, () => {
    const { object, slot } = slotOf({ env });
    const place = findVariable(object, slot, 'D');
    assert.equal(foundVariable(place, MAIN).kind, kind);
    assert.equal(place.index, env.length === 0 ? null : env.length - 1);
  });
}

test('fields are named as managed fields name them', () => {
  const { slot } = slotOf('x');
  const pod = ['spec', 'template', 'spec', 'containers', { named: 'api' }];
  assert.deepEqual(imageField('Deployment', slot), [...pod, 'image']);
  assert.deepEqual(variableField('Deployment', slot, 'D'), [...pod, 'env', { named: 'D' }, 'value']);
});

test('a restart is a time in the template', () => {
  const mark = restartMark(0);
  const template = { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': mark } } };
  assert.equal(restartedAt('Deployment', workloadObject({ template })), '1970-01-01T00:00:00.000Z');
  assert.equal(restartedAt('Deployment', workloadObject()), null);
});
