import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { RE2JS } from 're2js';
import {
  type ObjectVerification,
  readVerification,
  verificationEntry,
  wholePattern,
} from '../../../src/core/target/oci-verification.ts';

const KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString();
const IMAGE = 'registry.example/manifests/podinfo';

function read(verify: unknown): ObjectVerification | string {
  let problem = '';
  const found = readVerification(verify, (said) => {
    problem = said;
    return null;
  });
  return found ?? problem;
}

const KEYED: ObjectVerification = { keySecret: 'cosign', identities: [], trustedRootSecret: null };

test('without spec.verify it asks nothing', () => {
  assert.equal(read(null), '');
});

test('with a Secret of keys identities do not count, as for Flux', () => {
  const verify = {
    provider: 'cosign',
    secretRef: { name: 'cosign' },
    matchOIDCIdentity: [{ issuer: 'a', subject: 'b' }],
  };
  assert.deepEqual(read(verify), KEYED);
});

test('identities are alternatives, and unanchored unless they say otherwise', () => {
  const matchOIDCIdentity = [
    { issuer: '^https://token\\.actions\\.githubusercontent\\.com$', subject: 'acme' },
    { issuer: 'google', subject: '^a@b$' },
  ];
  assert.deepEqual(read({ provider: 'cosign', matchOIDCIdentity, trustedRootSecretRef: { name: 'root' } }), {
    keySecret: null,
    identities: [
      {
        issuerPattern: '^https://token\\.actions\\.githubusercontent\\.com$',
        subjectPattern: '(?s:.*)(?:acme)(?s:.*)',
      },
      { issuerPattern: '(?s:.*)(?:google)(?s:.*)', subjectPattern: '^a@b$' },
    ],
    trustedRootSecret: 'root',
  });
});

const BAD: readonly (readonly [string, unknown, RegExp])[] = [
  ['notation', { provider: 'notation', secretRef: { name: 'x' } }, /"notation" can not be verified: sign with cosign/],
  ['anybody', { provider: 'cosign' }, /who may sign, so that everybody could/],
  ['an empty pattern', { matchOIDCIdentity: [{ issuer: '', subject: 'x' }] }, /\[0\]\.issuer: is an empty pattern/],
  ['a bad pattern', { matchOIDCIdentity: [{ issuer: 'x', subject: '(' }] }, /\[0\]\.subject: .* is not an RE2 pattern/],
  [
    'too many',
    { matchOIDCIdentity: Array.from({ length: 51 }, () => ({ issuer: 'x', subject: 'y' })) },
    /more than 50/,
  ],
];

for (const [name, verify, problem] of BAD) {
  test(`what can't be verified is told: ${name}`, () => {
    const said = read(verify);
    assert.match(typeof said === 'string' ? said : assert.fail('it was read'), problem);
  });
}

test('keys are the entries of the Secret that end in .pub', () => {
  const secrets = { keys: { 'cosign.pub': KEY, 'cosign.key': 'secret' }, trustedRoot: null };
  const made = verificationEntry(KEYED, secrets, IMAGE);
  assert.ok(made.ok);
  assert.deepEqual(made.entry, {
    name: 'spec.verify',
    images: [IMAGE],
    action: 'deny',
    keys: [KEY],
    identities: [],
    trustRoot: 'public',
    transparencyLog: 'optional',
  });
  assert.equal(verificationEntry(KEYED, secrets, IMAGE).ok && made.entry, made.entry);
});

test('who asks the same gets the same entry, by which verdicts are remembered', () => {
  const entryOf = (key: string) => {
    const made = verificationEntry(KEYED, { keys: { 'a.pub': key }, trustedRoot: null }, IMAGE);
    return made.ok ? made.entry : assert.fail(made.problem);
  };
  assert.equal(entryOf(KEY), entryOf(KEY));
  assert.notEqual(entryOf(KEY), entryOf(`${KEY}\n`));
});

test('a keyless one needs a transparency log, and may bring its own root', () => {
  const verification = {
    keySecret: null,
    identities: [{ issuerPattern: 'a', subjectPattern: 'b' }],
    trustedRootSecret: 'r',
  };
  const made = verificationEntry(verification, { keys: null, trustedRoot: { 'trusted_root.json': '{}' } }, IMAGE);
  assert.ok(made.ok);
  assert.deepEqual(made.entry.trustRoot, { text: '{}' });
  assert.equal(made.entry.transparencyLog, 'required');
  assert.deepEqual(made.entry.identities, [{ issuerPattern: 'a', subjectPattern: 'b', issuer: null, subject: null }]);
});

test('a Secret without what it should hold verifies nothing, and says so without its content', () => {
  const problemOf = (verification: ObjectVerification, keys: Record<string, string>) => {
    const made = verificationEntry(verification, { keys, trustedRoot: {} }, IMAGE);
    return made.ok ? '' : made.problem;
  };
  assert.match(problemOf(KEYED, { 'cosign.key': 'hidden' }), /Secret cosign has no key: each is an entry NAME\.pub/);
  assert.match(problemOf(KEYED, { 'a.pub': 'hidden' }), /has a bad key: a\.pub has no block/);
  assert.doesNotMatch(problemOf(KEYED, { 'a.pub': 'hidden' }), /hidden/);
  const many = Object.fromEntries(Array.from({ length: 21 }, (_each, index) => [`${index}.pub`, KEY]));
  assert.match(problemOf(KEYED, many), /more than 20 keys/);
  assert.match(problemOf({ ...KEYED, trustedRootSecret: 'r' }, { 'a.pub': KEY }), /Secret r has no trusted_root\.json/);
});

test('what a Secret holds is bounded: no key and no root needs to be large, and all of them together are kept for nobody', () => {
  const root = { ...KEYED, trustedRootSecret: 'r' };
  const made = (keys: string, text: string) =>
    verificationEntry(root, { keys: { 'a.pub': keys }, trustedRoot: { 'trusted_root.json': text } }, IMAGE);
  const large = made(KEY, 'x'.repeat(200_000));
  assert.match(large.ok ? '' : large.problem, /Secret r has a trusted_root\.json of more than 128 KiB/);
  const endless = made(`${KEY}${'x'.repeat(20_000)}`, '{}');
  assert.match(endless.ok ? '' : endless.problem, /has a bad key: a\.pub has more than 16 KiB/);
  const first = made(KEY, '{}');
  for (let index = 0; index < 50; index += 1) assert.ok(made(KEY, `${index}${' '.repeat(100_000)}`).ok);
  const again = made(KEY, '{}');
  assert.ok(first.ok && again.ok && first.entry !== again.entry);
});

const PATTERNS: readonly string[] = [
  'a',
  '^a',
  'a$',
  '^a$',
  '^a|b$',
  '^(a|b)$',
  '^a\\$',
  '^\\Qa$\\E$',
  '(?i)^A$',
  '^a\\\\$',
  '^https://github\\.com/acme/.+@.+$',
  '^a[|]b$',
];
const TEXTS = ['a', 'ab', 'ba', 'A', 'xa', 'a\\', 'a$', 'b', 'xb', 'a|b', 'a\nb', 'https://github.com/acme/x@y', ''];

test('as a whole pattern it means what Flux means by it', () => {
  for (const pattern of PATTERNS) {
    const whole = RE2JS.compile(wholePattern(pattern));
    const flux = RE2JS.compile(pattern);
    for (const text of TEXTS) {
      assert.equal(whole.matches(text), flux.matcher(text).find(), `${pattern} ${JSON.stringify(text)}`);
    }
  }
});
