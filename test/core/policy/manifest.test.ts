import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePolicyFile } from '../../../src/core/policy/manifest.ts';

const POLICY = ['apiVersion: tagpin.dev/v1', 'kind: TagPolicy', 'defaults:', '  action: pin'];
const HEAD = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: tagpin-policy}\n';

function configMap(policy: readonly string[]): string {
  return `${HEAD}data:\n  policy.yaml: |\n${policy.map((line) => `    ${line}`).join('\n')}\n`;
}

function errors(text: string): readonly string[] {
  const parsed = parsePolicyFile(text);
  return parsed.ok
    ? []
    : parsed.errors.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
}

test('a policy is read as it is, and out of its ConfigMap', () => {
  const alone = parsePolicyFile(POLICY.join('\n'));
  assert.ok(alone.ok);
  assert.deepEqual(parsePolicyFile(configMap(POLICY)), alone);
  assert.deepEqual(parsePolicyFile(configMap(['', '# a remark', ...POLICY])), alone);
  assert.deepEqual(parsePolicyFile(`${HEAD}data: {policy.yaml: ${JSON.stringify(POLICY.join('\n'))}}\n`), alone);
});

test('errors of a ConfigMap have their places in the file', () => {
  const [first, second, third] = POLICY;
  const wrong = [first ?? '', second ?? '', third ?? '', '  acton: pin'];
  assert.match(errors(wrong.join('\n')).join(), /^4:3 defaults\.acton: is not a key/);
  assert.match(errors(configMap(wrong)).join(), /^9:7 defaults\.acton: is not a key/);
  assert.match(errors(configMap(['', ...wrong])).join(), /^10:7 defaults\.acton: is not a key/);
  assert.match(
    errors(`${HEAD}data: {policy.yaml: ${JSON.stringify(wrong.join('\n'))}}\n`).join(),
    /^4:21 defaults\.acton: .* \(line 4, column 3 of policy\.yaml\)$/,
  );
});

test('a ConfigMap without a policy is told what it lacks', () => {
  assert.match(errors(HEAD).join(), /^1:1 data\["policy\.yaml"\]: a ConfigMap holds its policy as text/);
  assert.match(errors(`${HEAD}data: {config.yaml: a}\n`).join(), /^4:1 .*this one has none$/);
  assert.match(errors(`${HEAD}data: {policy.yaml: {a: b}}\n`).join(), /holds its policy as text/);
});

test('what is neither is judged as a policy', () => {
  assert.match(errors('kind: ConfigMap\n').join('\n'), /apiVersion: is missing\n.*kind: must be TagPolicy/);
  assert.match(errors('a: [').join(), /^\d+:\d+ : flow sequence/);
});
