import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { Digest } from '../../src/core/image/digest.ts';
import type { FoundSignature, Verdict, VerifyEntry } from '../../src/core/signature/verification.ts';
import { createVerifier, type VerifierOptions, type VerifyQuestion } from '../../src/signature/verifier.ts';
import { contentOf } from './manifests.ts';
import { reference, startResolver } from './resolver.ts';
import { createFulcio, type LeafWish } from './sigstore/fulcio.ts';
import { pushBundles, pushLegacy } from './sigstore/push.ts';
import { createRekor } from './sigstore/rekor.ts';
import type { SigningKey } from './sigstore/signatures.ts';
import { createTimestampAuthority } from './sigstore/timestamp-authority.ts';
import { trustedRoot } from './sigstore/trusted-root.ts';

/** The issuer of identities in tests. */
export const ISSUER = 'https://issuer.test';
/** The subject of identities in tests. */
export const SUBJECT = 'https://github.com/acme/app/.github/workflows/release.yaml@refs/tags/v1';

/** An entry of a policy, as it is read: a demand for keys of the old kind and no log, unless it says otherwise. */
export function verifyEntry(wish: Partial<VerifyEntry> = {}): VerifyEntry {
  return {
    name: 'ours',
    images: ['**'],
    action: 'deny',
    keys: [],
    identities: [],
    trustRoot: 'public',
    transparencyLog: 'optional',
    ...wish,
  };
}

/** The entry's identity that tests sign as. */
export function identity(wish: Partial<VerifyEntry['identities'][number]> = {}): VerifyEntry['identities'][number] {
  const named = { issuer: ISSUER, subject: SUBJECT, issuerPattern: null, subjectPattern: null };
  return { ...named, ...wish };
}

/** PEM of a private key's public one. */
export function publicPem(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'pem', type: 'spki' }) as string;
}

/** An ECDSA key of the curve P-256. */
export function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** Authorities that nobody else trusts, and the text of the trust root that names them. */
export function privateSigstore() {
  const fulcio = createFulcio();
  const rekor = createRekor();
  const timestamps = createTimestampAuthority();
  const root = trustedRoot({ fulcio, rekors: [rekor], timestamps: [timestamps] });
  /** A key with a certificate, made a minute ago unless it is said otherwise. */
  const keyless = (wish: Partial<LeafWish> = {}): SigningKey => {
    const privateKey = newKey();
    const certificate = fulcio.issue({
      publicKey: createPublicKey(privateKey),
      names: [{ kind: 'uri', value: SUBJECT }],
      issuer: ISSUER,
      notBefore: Date.now() - 60_000,
      ...wish,
    });
    return { privateKey, certificate };
  };
  return { fulcio, rekor, timestamps, root, keyless };
}

/** Starts a registry with an image, and a verifier that asks it. */
export async function startSigned(t: TestContext, options: Partial<VerifierOptions> = {}) {
  const { registry, resolver, pass } = await startResolver(t, { resolver: { flightMilliseconds: 3000 } });
  let passed = 0;
  const verifier = createVerifier({
    sources: resolver,
    readTrustRoot: null,
    now: () => performance.now() + passed,
    ...options,
  });
  const target = { host: registry.host, repository: 'acme/app' };
  const digest = registry.pushImage(target.repository, '1');
  const subject = { mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 1, digest };
  const ask = (entries: readonly VerifyEntry[], more: Partial<VerifyQuestion> = {}) =>
    verifier.verify({
      reference: reference(`${registry.host}/${target.repository}@${digest}`),
      entries,
      keychain: async () => [],
      signal: new AbortController().signal,
      ...more,
    });
  return {
    registry,
    resolver,
    target,
    digest,
    ask,
    /** What one entry says. */
    verdict: async (entry: VerifyEntry, more: Partial<VerifyQuestion> = {}): Promise<Verdict | undefined> =>
      (await ask([entry], more)).verdicts[0]?.verdict,
    pushLegacy: (...signatures: Parameters<typeof pushLegacy>[2][number][]) => pushLegacy(target, digest, signatures),
    pushBundles: (...bundles: string[]) => pushBundles(target, subject, bundles),
    pass: (seconds: number) => {
      passed += seconds * 1000;
      pass(seconds);
    },
  };
}

/** The names of the checks that did not hold. */
export function broken({ checks }: Pick<FoundSignature, 'checks'>): string {
  return checks.flatMap(({ name, ok }) => (ok ? [] : [name])).join(', ');
}

/** The digest of other content than any image's. */
export const OTHER_DIGEST: Digest = contentOf('', Buffer.from('another image')).digest;
