import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lintProtection } from '../../../src/core/lint/protection.ts';
import { policyOf } from '../../support/policy.ts';

for (const [entry, expected] of [
  ['{kind: Deployment, project: x}', ['sweep.protect.0.project']],
  [
    '{kind: OCIRepository, repository: "https://a/**", path: "b/**"}',
    ['sweep.protect.0.repository', 'sweep.protect.0.path'],
  ],
  ['{kind: CronJob, namespaceLabels: {env: prod}}', []],
  ['{kind: Application, project: x, branch: main}', []],
  ['{project: x}', []],
] as const) {
  test(`${entry} has ${expected.length} conditions that never hold`, () => {
    const findings = lintProtection(policyOf(`sweep: {protect: [${entry}]}\n`));
    assert.deepEqual(
      findings.map(({ path }) => path.join('.')),
      expected,
    );
  });
}
