import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifySchema } from '../../../../src/core/policy/sections/signatures.ts';
import { errorsOf, pemOf, policyOf } from '../../../support/policy.ts';

const KEY = JSON.stringify(pemOf('PUBLIC KEY'));

function entry(rest: string): string {
  return `verify: [{name: a, images: ["ghcr.io/acme/**"], ${rest}}]\n`;
}

test('an entry needs keys or identities, and one of both is enough', () => {
  const identities = 'identities: [{issuer: "https://i", subjectPattern: "^https://github\\\\.com/acme/.+$"}]';
  assert.equal(policyOf(entry(`keys: [${KEY}]`)).verify[0]?.keys.length, 1);
  assert.deepEqual(policyOf(entry(identities)).verify[0]?.identities, [
    {
      issuer: 'https://i',
      issuerPattern: null,
      subject: null,
      subjectPattern: '^https://github\\.com/acme/.+$',
    },
  ]);
});

test('no entry at all is no error', () => {
  assert.deepEqual(policyOf('verify: []\n').verify, []);
});

// [body, what is wrong]
const bad: readonly (readonly [string, RegExp])[] = [
  ['verify: [{images: ["**"], keys: []}]', /verify\[0\]\.name: is missing/],
  ['verify: [{name: a, keys: [x]}]', /verify\[0\]\.images: is missing/],
  [entry('action: deny'), /verify\[0\]: it needs keys or identities/],
  [entry('keys: [], identities: []'), /verify\[0\]: it needs keys or identities/],
  [
    entry('keys: ["-----BEGIN PUBLIC KEY-----\\nMAMCAQE=\\n-----END PUBLIC KEY-----"]'),
    /keys\[0\]: has a block that is no public key/,
  ],
  [entry('identities: [{subject: a}]'), /identities\[0\]: it needs either issuer or issuerPattern/],
  [entry('identities: [{issuer: "", subject: a}]'), /identities\[0\]\.issuer: /],
  [entry('identities: [{issuer: null, subject: a}]'), /identities\[0\]\.issuer: /],
  [entry('identities: [{}]'), /identities\[0\]: it needs either issuer or issuerPattern/],
  [entry('keys: [x]'), /keys\[0\]: has no block -----BEGIN PUBLIC KEY-----/],
  [entry(`keys: [${KEY}], action: block`), /action: must be one of deny, warn/],
  [entry(`keys: [${KEY}], trustRoot: privat`), /trustRoot: must be public, or a mapping/],
  [entry(`keys: [${KEY}], trustRoot: {configMap: a}`), /trustRoot: must be public, or a mapping/],
  [entry(`keys: [${KEY}], transparencyLog: none`), /transparencyLog: must be one of required, optional/],
  [entry(`keys: [${KEY}], key: x`), /verify\[0\]\.key: is not a key that is known here: did you mean keys\?/],
  [entry('identities: [{issuer: a}]'), /identities\[0\]: it needs either subject or subjectPattern/],
  [
    entry('identities: [{issuer: a, issuerPattern: b, subject: c}]'),
    /identities\[0\]: it needs either issuer or issuerPattern/,
  ],
  [entry('identities: [{issuer: a, subjectPattern: "("}]'), /subjectPattern: "\(" is not an RE2 pattern/],
  [
    `verify: [{name: a, images: ["**"], keys: [${KEY}]}, {name: a, images: ["**"], keys: [${KEY}]}]`,
    /verify\[1\]\.name: an earlier entry/,
  ],
];

for (const [body, expected] of bad) {
  test(`${body.replaceAll(KEY, 'KEY').trim()} is refused`, () => {
    const errors = errorsOf(body);
    assert.ok(
      errors.some((error) => expected.test(error)),
      errors.join('\n'),
    );
  });
}

test('something else than a list is an error, not an empty list', () => {
  assert.match(errorsOf('verify: {name: a}').join(), /verify: must be a list/);
  assert.match(errorsOf('verify:').join(), /verify: has no value/);
});

test('what is not given has its default', () => {
  const parsed = verifySchema.parse({ name: 'a', images: ['**'], keys: [pemOf('PUBLIC KEY')] });
  assert.deepEqual(
    [parsed.action, parsed.identities, parsed.trustRoot, parsed.transparencyLog],
    ['deny', [], 'public', 'required'],
  );
});
