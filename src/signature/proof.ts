import { createHash, type KeyObject } from 'node:crypto';
import { RFC3161Timestamp } from '@sigstore/core';
import { type SignedEntity, type TrustMaterial, VerificationError, Verifier } from '@sigstore/verify';
import type { SigningCertificate } from './certificate.ts';
import { isLoggedKey, readLoggedKey } from './logged-key.ts';
import type { LogEntries, SignatureMaterial } from './material.ts';
import { isSignedBy } from './public-key.ts';

/** A moment that somebody trusted has vouched for. */
export type ProvenTime = SignedEntity['timestamps'][number];

/** What holds of several, and why the rest does not; null where all of them do, or there are none. */
export interface Proven<One> {
  readonly held: readonly One[];
  readonly reason: string | null;
}

/** Of a message of the library, which may quote what was found. */
const LONGEST_REASON = 200;

/**
 * The log entries that hold: promised (SET) or proven by a log of the trust root, and about this payload, this signature, and the
 * key or certificate that made it.
 */
export function proveLogEntries(
  material: SignatureMaterial,
  { key, certificate }: { readonly key: KeyObject; readonly certificate: Buffer | null },
  trust: TrustMaterial,
): Proven<LogEntries[number]> {
  const verifier = new Verifier(anyKey(trust, key), { tlogThreshold: 1, ctlogThreshold: 0, timestampThreshold: 0 });
  return prove(material.logEntries, (entry) => {
    verifier.verify(entityOf(material, { tlogEntries: [entry] }));
    const logged = readLoggedKey(entry.canonicalizedBody);
    const isOurs = logged !== null && isLoggedKey(logged, key, certificate);
    return isOurs ? null : 'it is about another key or certificate';
  });
}

/** The times that hold: those of timestamp authorities, and those that a log has promised with an entry that holds. */
export function proveTimes(
  material: SignatureMaterial,
  key: KeyObject,
  { trust, logged }: { readonly trust: TrustMaterial; readonly logged: readonly LogEntries[number][] },
): Proven<ProvenTime> {
  const verifier = new Verifier(anyKey(trust, key), { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 1 });
  // A proof of inclusion says nothing of when: only the promise covers the time.
  const ofLogs = logged
    .filter(({ inclusionPromise, integratedTime }) => inclusionPromise !== undefined && integratedTime !== '0')
    .map((tlogEntry): ProvenTime => ({ $case: 'transparency-log', tlogEntry }));
  const stamped = prove(material.timestamps, (der) => {
    const timestamp: ProvenTime = { $case: 'timestamp-authority', timestamp: RFC3161Timestamp.parse(Buffer.from(der)) };
    verifier.verify(entityOf(material, { timestamps: [timestamp] }));
    return null;
  });
  const ofAuthorities = stamped.held.map(
    (der): ProvenTime => ({ $case: 'timestamp-authority', timestamp: RFC3161Timestamp.parse(Buffer.from(der)) }),
  );
  return { held: [...ofLogs, ...ofAuthorities], reason: stamped.reason };
}

/**
 * Was the certificate issued by an authority of the trust root, in force at all of the times, recorded by a certificate log where
 * the trust root has any, and is its key the one that signed?
 *
 * @returns null where it holds, else why not.
 */
export function refuteCertificate(
  material: SignatureMaterial,
  { parsed, isForSigning }: SigningCertificate,
  { trust, times }: { readonly trust: TrustMaterial; readonly times: readonly ProvenTime[] },
): string | null {
  if (!isForSigning) return 'it is not a certificate for signing code';
  const verifier = new Verifier(trust, {
    tlogThreshold: 0,
    ctlogThreshold: trust.ctlogs.length > 0 ? 1 : 0,
    timestampThreshold: 1,
  });
  const { reason } = prove([parsed], (certificate) => {
    verifier.verify({
      ...entityOf(material, { timestamps: [...times] }),
      key: { $case: 'certificate', certificate },
      signature: contentOf(material, (key) => isSignedBy(key, material.content.signed, material.signature)),
    });
    return null;
  });
  return reason;
}

/** Everything but what is asked is taken for granted: each check has its own answer. */
function entityOf(material: SignatureMaterial, asked: Partial<SignedEntity>): SignedEntity {
  return {
    signature: contentOf(material, () => true),
    key: { $case: 'public-key', hint: '' },
    tlogEntries: [],
    timestamps: [],
    ...asked,
  };
}

function contentOf(
  { content, signature }: SignatureMaterial,
  verifySignature: (key: KeyObject) => boolean,
): SignedEntity['signature'] {
  return {
    signature,
    verifySignature,
    compareSignature: (other) => other.equals(signature),
    compareDigest: (digest) => hash('sha256', content.payload).equals(digest),
    // Rekor 2 records the hash that goes with the key; its length tells which.
    compareSignedDigest: (digest) => {
      const algorithm = HASH_OF_LENGTH.get(digest.length);
      return algorithm !== undefined && hash(algorithm, content.signed).equals(digest);
    },
  };
}

const HASH_OF_LENGTH: ReadonlyMap<number, string> = new Map([
  [32, 'sha256'],
  [48, 'sha384'],
  [64, 'sha512'],
]);

function hash(algorithm: string, bytes: Buffer): Buffer {
  return createHash(algorithm).update(bytes).digest();
}

function anyKey(trust: TrustMaterial, publicKey: KeyObject): TrustMaterial {
  return { ...trust, publicKey: () => ({ publicKey, validFor: () => true }) };
}

function prove<One>(all: readonly One[], refute: (one: One) => string | null): Proven<One> {
  const held: One[] = [];
  let reason: string | null = null;
  for (const one of all) {
    const refuted = refuteSafely(() => refute(one));
    if (refuted === null) held.push(one);
    else reason = refuted;
  }
  return { held, reason };
}

/** What is malformed makes the library throw all kinds of errors. */
function refuteSafely(refute: () => string | null): string | null {
  try {
    return refute();
  } catch (error) {
    if (!(error instanceof VerificationError)) return 'it can not be read';
    const cause = error.cause instanceof VerificationError ? `: ${error.cause.message}` : '';
    return `${error.message}${cause}`.replace(/\p{Cc}+/gu, ' ').slice(0, LONGEST_REASON);
  }
}
