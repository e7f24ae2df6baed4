import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lintSystemUsers } from '../../../src/core/lint/people.ts';
import { policyOf } from '../../support/policy.ts';

for (const [users, expected] of [
  ['["system:*"]', 1],
  ['["**"]', 1],
  ['["system:serviceaccount:*:*"]', 1],
  ['["system:serviceaccount:argocd:*"]', 1],
  ['["system:serviceaccount:kube-system:*", "jane@example.com"]', 0],
  ['[]', 0],
] as const) {
  test(`${users} has ${expected} that people are, too`, () => {
    const findings = lintSystemUsers(policyOf(`defaults: {systemUsers: ${users}}\n`));
    assert.equal(findings.length, expected);
  });
}

test('of the defaults nothing is said', () => {
  assert.deepEqual(lintSystemUsers(policyOf('')), []);
});
