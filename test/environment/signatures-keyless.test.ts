/**
 * Signatures without keys of one's own: a real cosign asks a private authority for a certificate, and a private log or timestamp
 * authority for the time. And what the public authorities signed years ago still holds.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { parseDigest } from '../../src/core/image/digest.ts';
import type { VerifyEntry } from '../../src/core/signature/verification.ts';
import { readBundle } from '../../src/signature/material.ts';
import { publicTrustRoot } from '../../src/signature/trust-root.ts';
import { judgeSignature } from '../../src/signature/verify.ts';
import { runProcess } from '../support/process.ts';
import type { CosignSigner, SignatureFormat } from './cosign.ts';
import { PROGRAMS, skipWithout } from './programs.ts';
import { type EntryWish, failedChecks, openSignatureBench } from './signature-bench.ts';
import { type SigstoreServices, startSigstoreServices } from './sigstore-services.ts';

const skip = skipWithout(PROGRAMS.registry, PROGRAMS.crane, PROGRAMS.cosign);

const ISSUER = 'https://token.actions.githubusercontent.com';
const SUBJECT = 'https://github.com/acme/app/.github/workflows/release.yaml@refs/tags/v1.2.0';

/** What a policy of GitHub's workflows looks like. */
const WANTED = { issuer: ISSUER, subjectPattern: '^https://github\\.com/acme/.+@refs/tags/v.+$' };

async function open(t: TestContext) {
  const services = await startSigstoreServices();
  t.after(() => services.close());
  return { services, bench: await openSignatureBench(t) };
}

type Identity = Extract<CosignSigner, { kind: 'identity' }>;

function signer(services: SigstoreServices, wish: Partial<Identity> = {}): Identity {
  return { kind: 'identity', services, issuer: ISSUER, subject: SUBJECT, log: 1, timestamps: false, ...wish };
}

/** How a signature may be vouched for. */
const vouchers: readonly {
  readonly name: string;
  readonly format: SignatureFormat;
  readonly log: 1 | 2 | null;
  readonly timestamps: boolean;
}[] = [
  { name: 'a legacy signature in the log', format: 'legacy', log: 1, timestamps: false },
  { name: 'a legacy signature in the log and with a timestamp', format: 'legacy', log: 1, timestamps: true },
  { name: 'a bundle in the log', format: 'bundle', log: 1, timestamps: false },
  { name: 'a bundle in the log and with a timestamp', format: 'bundle', log: 1, timestamps: true },
  { name: 'a bundle in the second version of the log, with a timestamp', format: 'bundle', log: 2, timestamps: true },
];

test('what cosign signs without a key is verified by its identity, and by no other trust root', { skip }, async (t) => {
  const { services, bench } = await open(t);
  const images: string[] = [];
  for (const [at, { name, format, log, timestamps }] of vouchers.entries()) {
    const image = await bench.pushSigned(`acme/app-${at}`);
    await t.test(`${name} is made`, () => bench.cosign.sign(image, format, signer(services, { log, timestamps })));
    images.push(image);
  }
  const { code, answers } = await bench.verify(images, { identities: [WANTED] }, services.trustedRoot);
  assert.equal(code, 0, JSON.stringify(answers));
  for (const { signatures } of answers) {
    assert.deepEqual(
      signatures.map((signature) => signature.signer),
      [`${SUBJECT} (${ISSUER})`],
    );
  }
  // Neither by the public services, nor by private ones that are others'.
  const publicly = await bench.verify(images, { identities: [WANTED] });
  assert.deepEqual([publicly.code, publicly.answers.some(({ verified }) => verified)], [1, false]);
  const others = await startSigstoreServices();
  t.after(() => others.close());
  const elsewhere = await bench.verify(images, { identities: [WANTED] }, others.trustedRoot);
  assert.deepEqual([elsewhere.code, elsewhere.answers.some(({ verified }) => verified)], [1, false]);
});

test('a timestamp is enough where the entry asks for no log, and not where it does', { skip }, async (t) => {
  const { services, bench } = await open(t);
  const image = await bench.pushSigned('acme/app');
  await bench.cosign.sign(image, 'bundle', signer(services, { log: null, timestamps: true }));
  const optional: EntryWish = { identities: [WANTED], transparencyLog: 'optional' };
  assert.equal((await bench.verify([image], optional, services.trustedRoot)).code, 0);
  const required = await bench.verify([image], { identities: [WANTED] }, services.trustedRoot);
  assert.deepEqual([required.code, required.answers.map(failedChecks)], [1, [[['transparency log']]]]);
});

test('only a wanted identity counts: issuer and subject of one pair, each as a whole', { skip }, async (t) => {
  const { services, bench } = await open(t);
  const image = await bench.pushSigned('acme/app');
  await bench.cosign.sign(image, 'bundle', signer(services));
  const unwanted = [
    { issuer: 'https://gitlab.com', subjectPattern: '.*' },
    { issuerPattern: 'https://token\\.actions\\.githubusercontent', subjectPattern: '.*' },
    { issuer: ISSUER, subject: 'https://github.com/acme/app/.github/workflows/release.yaml@refs/tags/v1.2' },
    { issuer: ISSUER, subjectPattern: 'github\\.com/acme/.+' },
    { issuer: ISSUER, subjectPattern: '^https://github\\.com/acme/.+@refs/heads/main$' },
  ];
  // Each its own entry, and all together: the issuer of one and the subject of another make no pair.
  const entries = [...unwanted.map((one) => [one]), unwanted].map((identities) => ({ identities }));
  const refused = await bench.verify([image], entries, services.trustedRoot);
  assert.deepEqual([refused.code, refused.answers.map(failedChecks)], [1, [entries.map(() => ['identity'])]]);
  const { code } = await bench.verify([image], { identities: [...unwanted, WANTED] }, services.trustedRoot);
  assert.equal(code, 0);
});

test('who may name a repository as he likes is not taken for another', { skip }, async (t) => {
  const { services, bench } = await open(t);
  const subjects = [
    'https://evil-github.com/acme/app/.github/workflows/release.yaml@refs/tags/v1',
    'https://github.com.evil.example/acme/app/.github/workflows/release.yaml@refs/tags/v1',
    'https://evil.example/?https://github.com/acme/app@refs/tags/v1',
  ];
  const images: string[] = [];
  for (const [at, subject] of subjects.entries()) {
    const image = await bench.pushSigned(`acme/evil-${at}`);
    await bench.cosign.sign(image, 'bundle', signer(services, { subject }));
    images.push(image);
  }
  // Without ^ and $, which a pattern needs elsewhere.
  const patterns = ['https://github\\.com/acme/.+', 'github\\.com/acme/.+', WANTED.subjectPattern];
  const entries = patterns.map((subjectPattern) => ({ identities: [{ issuer: ISSUER, subjectPattern }] }));
  const { code, answers } = await bench.verify(images, entries, services.trustedRoot);
  assert.equal(code, 1);
  for (const answer of answers)
    assert.deepEqual(
      failedChecks(answer),
      entries.map(() => ['identity']),
    );
});

test('people sign as well as workflows', { skip }, async (t) => {
  const { services, bench } = await open(t);
  const image = await bench.pushSigned('acme/app');
  const subject = 'alice@acme.example';
  await bench.cosign.sign(image, 'bundle', signer(services, { issuer: 'https://accounts.acme.example', subject }));
  const alice = { identities: [{ issuer: 'https://accounts.acme.example', subject }] };
  assert.equal((await bench.verify([image], alice, services.trustedRoot)).code, 0);
});

test('a key that signed is none of the identities, and an identity none of the keys', { skip }, async (t) => {
  const { services, bench } = await open(t);
  const key = await bench.cosign.generateKey();
  const images = [await bench.pushSigned('acme/key'), await bench.pushSigned('acme/identity')] as const;
  await bench.cosign.sign(images[0], 'bundle', { kind: 'key', key, services });
  await bench.cosign.sign(images[1], 'bundle', signer(services));
  const verdictsOf = async (entry: EntryWish): Promise<readonly boolean[]> =>
    (await bench.verify(images, entry, services.trustedRoot)).answers.map(({ verified }) => verified);
  assert.deepEqual(await verdictsOf({ keys: [key.publicKey] }), [true, false]);
  assert.deepEqual(await verdictsOf({ identities: [WANTED] }), [false, true]);
  assert.deepEqual(await verdictsOf({ keys: [key.publicKey], identities: [WANTED] }), [true, true]);
});

/** A bundle of the public services, from the source of the cosign that we build, and what it is about. */
const PUBLIC = {
  module: `github.com/sigstore/cosign/v3@${PROGRAMS.cosign.version}`,
  bundle: 'pkg/cosign/testdata/oci-attestation.sigstore.json',
  digest: 'sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4',
  issuer: 'https://github.com/login/oauth',
  subject: 'cody@soyland.com',
};

test('what the public services vouched for years ago holds today, but an attestation signs nothing', {
  skip,
}, async () => {
  const downloaded = await runProcess('go', ['mod', 'download', '-json', PUBLIC.module], { directory: tmpdir() });
  assert.equal(downloaded.code, 0, downloaded.stderr + downloaded.stdout);
  const { Dir: folder } = JSON.parse(downloaded.stdout) as { Dir: string };
  const read = readBundle(readFileSync(join(folder, PUBLIC.bundle)));
  const root = publicTrustRoot();
  const digest = parseDigest(PUBLIC.digest);
  assert.ok(read.ok && digest !== null);
  const checksFor = (subject: string) => {
    const { issuer } = PUBLIC;
    const identity = { issuer, issuerPattern: null, subject, subjectPattern: null };
    const entry: VerifyEntry = {
      name: 'public',
      images: ['**'],
      action: 'deny',
      keys: [],
      identities: [identity],
      trustRoot: 'public',
      transparencyLog: 'required',
    };
    const { checks } = judgeSignature(read.material, digest, { entry, keys: [], root });
    return checks.map(({ name, ok }) => `${name}: ${ok}`);
  };
  const proven = ['signature: true', 'transparency log: true', 'signing time: true', 'certificate: true'];
  assert.deepEqual(checksFor(PUBLIC.subject), ['payload: false', ...proven, 'identity: true']);
  assert.deepEqual(checksFor('somebody@else.example'), ['payload: false', ...proven, 'identity: false']);
});
