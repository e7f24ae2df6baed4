import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPolicy, checkPolicyFile } from '../../../src/core/lint/policy-text.ts';

const TEXT =
  'apiVersion: tagpin.dev/v1\nkind: TagPolicy\nrules:\n  - {name: a, action: pin}\n  - name: b\n    action: deny\n    format: digest\n';
const places = (text: string): readonly string[] =>
  checkPolicyFile(text).warnings.map(({ path, line, column }) => `${line}:${column} ${path}`);

test('what can not act is told where it stands, in that order', () => {
  const { parsed, warnings } = checkPolicy(TEXT);
  assert.equal(parsed.ok, true);
  assert.deepEqual(
    warnings.map(({ path, line, column }) => `${line}:${column} ${path}`),
    ['5:5 rules[1]', '7:5 rules[1].format'],
  );
});

test('in a ConfigMap it is told where it stands there', () => {
  const block = TEXT.replaceAll(/^/gm, '    ');
  const map = `apiVersion: v1\nkind: ConfigMap\ndata:\n  policy.yaml: |\n${block}`;
  assert.deepEqual(places(map), ['9:9 rules[1]', '11:9 rules[1].format']);
  const quoted = `apiVersion: v1\nkind: ConfigMap\ndata:\n  policy.yaml: ${JSON.stringify(TEXT)}\n`;
  assert.match(checkPolicyFile(quoted).warnings[0]?.message ?? '', /\(line 5, column 5 of policy\.yaml\)$/);
});

test('of what is not valid only the errors are told', () => {
  for (const text of ['', `${TEXT}x: y\n`, 'apiVersion: v1\nkind: ConfigMap\ndata: {}\n']) {
    const { parsed, warnings } = checkPolicyFile(text);
    assert.equal(parsed.ok, false);
    assert.deepEqual(warnings, []);
  }
});
