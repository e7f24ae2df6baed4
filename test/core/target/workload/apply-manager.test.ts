import assert from 'node:assert/strict';
import test from 'node:test';
import { applyManagerOf } from '../../../../src/core/target/workload/apply-manager.ts';

const IMAGE = ['spec', 'containers', { named: 'api' }, 'image'] as const;

function managed(fieldsV1: unknown, manager = 'helm', operation = 'Apply') {
  return { metadata: { managedFields: [{ manager, operation, fieldsV1 }] } };
}
const containers = (own: object) => ({ 'f:spec': { 'f:containers': own } });

// [what is managed, who owns the image]
const rows: readonly (readonly [string, unknown, string | null])[] = [
  ['who applies the field owns it', managed(containers({ 'k:{"name":"api"}': { 'f:image': {} } })), 'helm'],
  [
    'who only updates it does not',
    managed(containers({ 'k:{"name":"api"}': { 'f:image': {} } }), 'kubectl', 'Update'),
    null,
  ],
  ['nor tagpin itself', managed(containers({ 'k:{"name":"api"}': { 'f:image': {} } }), 'tagpin'), null],
  ['another container is another field', managed(containers({ 'k:{"name":"web"}': { 'f:image': {} } })), null],
  ['another field is another field', managed(containers({ 'k:{"name":"api"}': { '.': {}, 'f:name': {} } })), null],
  ['who owns a list as a whole owns what is in it', managed(containers({})), 'helm'],
  ['an entry alone is not its fields', managed(containers({ 'k:{"name":"api"}': {} })), null],
  ['what can not be read is nobody’s', managed({ 'f:spec': { 'f:containers': { 'k:{': {}, 'v:1': {} } } }), null],
  ['nothing is nobody’s', {}, null],
];
for (const [name, object, owner] of rows) {
  test(name, () => assert.equal(applyManagerOf(object, IMAGE), owner));
}
