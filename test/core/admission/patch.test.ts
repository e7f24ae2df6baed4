import assert from 'node:assert/strict';
import test from 'node:test';
import { makePatch } from '../../../src/core/admission/patch.ts';
import type { AdmissionPlan } from '../../../src/core/admission/plan.ts';
import { NO_PINS } from '../../../src/core/workload/pins.ts';
import { admit, deployment, digest, pod, record } from '../../support/admission.ts';

const A = digest('a');
const PINS = record({ 'containers/app': [['nginx:1', A]] });
const registry = { 'docker.io/library/nginx:1': A };
const image = { op: 'replace', path: '/spec/template/spec/containers/0/image', value: `nginx@${A}` };

/** A Deployment whose metadata is exactly this, also where that is nothing. */
function withMetadata(metadata: unknown) {
  const object = deployment({ app: 'nginx:1' });
  if (metadata === undefined) delete object['metadata'];
  else object['metadata'] = metadata;
  return object;
}

// [metadata, operations besides the image]
const cases: readonly (readonly [unknown, unknown[]])[] = [
  [undefined, [{ op: 'add', path: '/metadata', value: { annotations: { 'tagpin.dev/pins': PINS } } }]],
  [null, [{ op: 'add', path: '/metadata', value: { annotations: { 'tagpin.dev/pins': PINS } } }]],
  [{}, [{ op: 'add', path: '/metadata/annotations', value: { 'tagpin.dev/pins': PINS } }]],
  [{ annotations: null }, [{ op: 'add', path: '/metadata/annotations', value: { 'tagpin.dev/pins': PINS } }]],
  [{ annotations: {} }, [{ op: 'add', path: '/metadata/annotations/tagpin.dev~1pins', value: PINS }]],
  [
    { annotations: { 'tagpin.dev/pins': 'x' } },
    [{ op: 'replace', path: '/metadata/annotations/tagpin.dev~1pins', value: PINS }],
  ],
  [{ annotations: { 'tagpin.dev/pins': PINS } }, []],
  [
    { annotations: { 'tagpin.dev/refresh': '*' } },
    [
      { op: 'add', path: '/metadata/annotations/tagpin.dev~1pins', value: PINS },
      { op: 'remove', path: '/metadata/annotations/tagpin.dev~1refresh' },
    ],
  ],
  ['nonsense', []],
  [[], []],
];

for (const [metadata, expected] of cases) {
  test(`metadata ${JSON.stringify(metadata) ?? 'absent'} is patched by what differs`, () => {
    assert.deepEqual(admit({ object: withMetadata(metadata), registry }).operations, [image, ...expected]);
  });
}

test('a Pod without labels and annotations gets both maps', () => {
  const { operations } = admit({ object: pod({ app: 'nginx:1' }), registry });
  assert.deepEqual(operations.slice(1), [
    { op: 'add', path: '/metadata/annotations', value: { 'tagpin.dev/pins': PINS } },
    { op: 'add', path: '/metadata/labels', value: { 'tagpin.dev/pinned': 'true' } },
  ]);
});

test('a record that can not be kept is taken off', () => {
  const object = deployment({ app: `nginx@${A}` }, { annotations: { 'tagpin.dev/pins': 'junk' } });
  assert.deepEqual(admit({ object }).operations, [{ op: 'remove', path: '/metadata/annotations/tagpin.dev~1pins' }]);
});

test('annotations that leave no room for the record say that it was dropped; the digest stays', () => {
  const object = deployment({ app: 'nginx:1' }, { annotations: { big: 'x'.repeat(256 * 1024 - 10) } });
  const result = admit({ object, registry });
  assert.deepEqual(result.operations, [image]);
  assert.match(result.warnings[0] ?? '', /the record was dropped/);
});

test('a plan that leaves the annotations alone leaves them alone', () => {
  const plan: AdmissionPlan = { slots: [], pins: null, label: false, reinvocation: false, warnings: [], questions: [] };
  const object = { metadata: { annotations: { 'tagpin.dev/refresh': '*', 'tagpin.dev/pins': 'x' } } };
  assert.deepEqual(makePatch(object, plan).operations, []);
  assert.equal(makePatch(object, { ...plan, pins: NO_PINS }).operations.length, 2);
});
