import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lintSignatures } from '../../../src/core/lint/signatures.ts';
import { verifySchema } from '../../../src/core/policy/sections/signatures.ts';
import { policyOf } from '../../support/policy.ts';

function found(body: string, entry: object): readonly string[] {
  const verify = [verifySchema.parse({ name: 'ours', images: ['ghcr.io/acme/**'], ...entry })];
  return lintSignatures({ ...policyOf(body), verify }).map(({ path, code }) => `${path.slice(1).join('.')} ${code}`);
}

const IGNORE = 'rules: [{name: a, match: {images: ["ghcr.io/**"]}, action: ignore}]\n';

const rows: readonly (readonly [string, string, readonly string[]])[] = [
  ['a policy without more', '', []],
  ['a registry that is left out', 'registries: {allow: [quay.io]}\n', ['0.images.0 NotAllowed']],
  ['a registry that is allowed', 'registries: {allow: [ghcr.io]}\n', []],
  ['a rule that ignores its images', IGNORE, ['0.images NotPinned']],
  ['a rule that ignores others', IGNORE.replace('ghcr.io/**', 'quay.io/**'), []],
  ['a rule that ignores some of them', IGNORE.replace('ghcr.io/**', 'ghcr.io/acme/a'), []],
  ['a rule that ignores them in some namespaces', IGNORE.replace('match: {', 'match: {namespaces: [a], '), []],
  ['a rule that may pin them first', IGNORE.replace('[{', '[{name: b, match: {tags: [a]}, action: pin}, {'), []],
  ['defaults that leave everything', 'defaults: {action: warn}\n', ['0.images NotPinned']],
];

for (const [what, body, expected] of rows) {
  test(`of an entry under ${what} is said: ${expected.join(', ') || 'nothing'}`, () => {
    assert.deepEqual(found(body, {}), expected);
  });
}

test('an identity is told with its place', () => {
  const identities = [{ issuer: 'https://a.io', subjectPattern: 'b' }];
  assert.deepEqual(found('', { identities }), ['0.identities.0.subjectPattern Identity']);
});
