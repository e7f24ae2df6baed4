import assert from 'node:assert/strict';
import test from 'node:test';
import { parseDigest } from '../../../src/core/image/digest.ts';
import { judgeSimpleSigning, judgeStatement } from '../../../src/core/signature/claims.ts';

const DIGEST = digestOf('sha256', 'a', 64);
const OTHER = digestOf('sha256', 'b', 64);
const STATEMENT = 'application/vnd.in-toto+json';

function digestOf(algorithm: string, digit: string, length: number) {
  return parseDigest(`${algorithm}:${digit.repeat(length)}`) ?? assert.fail();
}

function simple(image: unknown, type: unknown = 'cosign container image signature'): string {
  return JSON.stringify({ critical: { identity: { 'docker-reference': 'elsewhere' }, image, type }, optional: null });
}

const PAYLOADS: readonly (readonly [string, string, string | null])[] = [
  ['names the digest', simple({ 'docker-manifest-digest': DIGEST }), null],
  ['names another digest', simple({ 'docker-manifest-digest': OTHER }), `its payload names the digest "${OTHER}"`],
  ['names the digest in upper case', simple({ 'docker-manifest-digest': DIGEST.toUpperCase() }), 'names the digest'],
  ['names the digest in a list', simple({ 'docker-manifest-digest': [DIGEST] }), 'names the digest'],
  ['names none', simple({}), 'its payload names the digest (none)'],
  [
    'is of another type',
    simple({ 'docker-manifest-digest': DIGEST }, 'atomic container signature'),
    'is of the type "atomic container signature"',
  ],
  ['is of no type', simple({ 'docker-manifest-digest': DIGEST }, null), 'is of the type null'],
  [
    'names the digest elsewhere',
    JSON.stringify({ image: { 'docker-manifest-digest': DIGEST } }),
    'no simple signing document',
  ],
  ['is no JSON', 'signed!', 'no simple signing document'],
  ['is null', 'null', 'no simple signing document'],
  [
    'names the digest through a prototype',
    `{"__proto__":${simple({ 'docker-manifest-digest': DIGEST })}}`,
    'no simple signing document',
  ],
];

for (const [what, payload, reason] of PAYLOADS) {
  test(`a payload that ${what} ${reason === null ? 'signs' : 'does not sign'} the image`, () => {
    const claim = judgeSimpleSigning(payload, DIGEST);
    if (reason === null) assert.deepEqual(claim, { ok: true });
    else assert.ok(!claim.ok && claim.reason.includes(reason), JSON.stringify(claim));
  });
}

function statement(wish: object = {}): string {
  const subject = [{ digest: { sha256: 'a'.repeat(64) } }];
  const predicateType = 'https://sigstore.dev/cosign/sign/v1';
  return JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject, predicateType, predicate: {}, ...wish });
}

const subjects = (...digests: object[]): string => statement({ subject: digests.map((digest) => ({ digest })) });

const STATEMENTS: readonly (readonly [string, string, string | null])[] = [
  ['names the digest', statement(), null],
  ['is of the first version', statement({ _type: 'https://in-toto.io/Statement/v0.1' }), null],
  [
    'names the digest among others',
    subjects({ sha1: 'c' }, { sha256: 'b'.repeat(64) }, { sha256: 'a'.repeat(64) }),
    null,
  ],
  ['names another digest', subjects({ sha256: 'b'.repeat(64) }), `its statement names the digest "${'b'.repeat(64)}"`],
  ['names the digest under another algorithm', subjects({ sha512: 'a'.repeat(64) }), 'names the digest (none)'],
  ['names the digest with its algorithm', subjects({ sha256: DIGEST }), 'names the digest'],
  ['names nothing', statement({ subject: [] }), 'names the digest (none)'],
  ['has no list of subjects', statement({ subject: { digest: { sha256: 'a'.repeat(64) } } }), 'names no subject'],
  ['has broken subjects', statement({ subject: [null, 7, 'x'] }), 'names the digest (none)'],
  [
    'attests where it was built',
    statement({ predicateType: 'https://slsa.dev/provenance/v1' }),
    'it attests "https://slsa.dev/provenance/v1", and is no signature',
  ],
  ['says nothing of it', statement({ predicateType: undefined }), 'it attests (none), and is no signature'],
  [
    'is of another type',
    statement({ _type: 'https://in-toto.io/Link/v1' }),
    'is of the type "https://in-toto.io/Link/v1"',
  ],
  ['is no JSON', '{', 'is of the type (none)'],
];

for (const [what, payload, reason] of STATEMENTS) {
  test(`a statement that ${what} ${reason === null ? 'signs' : 'does not sign'} the image`, () => {
    const claim = judgeStatement(STATEMENT, payload, DIGEST);
    if (reason === null) assert.deepEqual(claim, { ok: true });
    else assert.ok(!claim.ok && claim.reason.includes(reason), JSON.stringify(claim));
  });
}

test('an envelope of another type makes no statement, and of SHA-512 it is that digest that counts', () => {
  assert.deepEqual(judgeStatement('text/plain', statement(), DIGEST), {
    ok: false,
    reason: 'its payload is of the type "text/plain"',
  });
  const long = digestOf('sha512', 'a', 128);
  assert.deepEqual(judgeStatement(STATEMENT, subjects({ sha512: 'a'.repeat(128) }), long), { ok: true });
  assert.equal(judgeStatement(STATEMENT, subjects({ sha256: 'a'.repeat(128) }), long).ok, false);
});

test('what a message quotes is cut', () => {
  const claim = judgeStatement(STATEMENT, statement({ predicateType: 'x'.repeat(10_000) }), DIGEST);
  assert.ok(!claim.ok && claim.reason.length < 200);
});

test('what is nested deeper than any stack is quoted as what it is', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const named = `{"critical":{"type":"cosign container image signature","image":{"docker-manifest-digest":${deep}}}}`;
  const type = 'https://in-toto.io/Statement/v1';
  const claims = [
    judgeSimpleSigning(`{"critical":{"type":${deep}}}`, DIGEST),
    judgeSimpleSigning(named, DIGEST),
    judgeStatement(STATEMENT, `{"_type":${deep}}`, DIGEST),
    judgeStatement(STATEMENT, `{"_type":"${type}","predicateType":{"a":${deep}}}`, DIGEST),
  ];
  assert.deepEqual(
    claims.map((claim) => !claim.ok && claim.reason),
    [
      'its payload is of the type (a list)',
      'its payload names the digest (a list)',
      'its statement is of the type (a list)',
      'it attests (an object), and is no signature',
    ],
  );
});
