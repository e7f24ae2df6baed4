import assert from 'node:assert/strict';
import test from 'node:test';
import { namespaceStanding } from '../../../src/core/workload/opt-in.ts';

const ENABLED = { 'tagpin.dev/inject': 'enabled' };

// [name, labels, how it stands]
const cases: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  ['shop', ENABLED, 'opted in'],
  ['shop', { 'tagpin.dev/inject': 'true' }, 'not opted in'],
  ['shop', {}, 'not opted in'],
  ['kube-system', ENABLED, 'left out'],
  ['kube-node-lease', ENABLED, 'left out'],
  ['kube-public', ENABLED, 'opted in'],
  ['tagpin-system', ENABLED, 'left out'],
  ['tagpin-system', {}, 'not opted in'],
];

for (const [name, labels, expected] of cases) {
  test(`namespace ${name} with ${JSON.stringify(labels)} is ${expected}`, () => {
    assert.equal(namespaceStanding(name, labels, 'tagpin-system'), expected);
  });
}
