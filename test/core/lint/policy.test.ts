import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lintPolicy } from '../../../src/core/lint/policy.ts';
import { DEFAULT_POLICY } from '../../../src/core/policy/schema.ts';
import { policyOf } from '../../support/policy.ts';

test('nothing is said of the defaults', () => {
  assert.deepEqual(lintPolicy(DEFAULT_POLICY), []);
});

test('each part of a policy is looked at', () => {
  const policy = policyOf(`defaults: {systemUsers: ["**"]}
rules: [{name: a, action: pin, message: b}]
registries: {hosts: [{host: a.io, mirror: b.io, plainHttp: true}]}
sweep: {protect: [{kind: CronJob, project: c}]}
`);
  assert.deepEqual(
    lintPolicy(policy).map(({ path }) => path[0]),
    ['defaults', 'rules', 'registries', 'sweep'],
  );
});
