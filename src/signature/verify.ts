import type { KeyObject } from 'node:crypto';
import type { Digest } from '../core/image/digest.ts';
import { type Claim, judgeSimpleSigning, judgeStatement } from '../core/signature/claims.ts';
import { type CertificateIdentity, matchIdentity } from '../core/signature/identity.ts';
import type { SignatureCheck, VerifyEntry } from '../core/signature/verification.ts';
import { readCertificate, type SigningCertificate } from './certificate.ts';
import type { SignatureMaterial } from './material.ts';
import { proveLogEntries, proveTimes, refuteCertificate } from './proof.ts';
import { isSignedBy, type TrustedKey } from './public-key.ts';
import type { TrustRoot } from './trust-root.ts';

/** What an entry asks of a signature, made ready. */
export interface Demand {
  readonly entry: VerifyEntry;
  /** The keys of the entry. */
  readonly keys: readonly TrustedKey[];
  /** Null where the entry needs none: keys, and no transparency log. */
  readonly root: TrustRoot | null;
}

/** What a signature comes to. */
export interface Judged {
  /** Who made it: `key SHA256:…`, or `SUBJECT (ISSUER)`. Not proven unless everything holds. */
  readonly signer: string;
  /** All of them have to hold. */
  readonly checks: readonly SignatureCheck[];
  readonly holds: boolean;
}

/**
 * Judges one signature of one digest by one entry. Every check is made and told, also where an earlier one has failed: the entry's
 * demands are met where all of them hold.
 */
export function judgeSignature(material: SignatureMaterial, digest: Digest, demand: Demand): Judged {
  const { content, signature } = material;
  const { entry, keys } = demand;
  const claim = judgeContent(material, digest);
  const trusted = keys.find(({ key }) => isSignedBy(key, content.signed, signature));
  if (trusted !== undefined) {
    return judged(`key ${trusted.fingerprint}`, [
      told('payload', claim),
      check('signature', null),
      check('key', null),
      logCheck(material, trusted.key, demand),
    ]);
  }
  if (material.certificate === null)
    return judged('an unknown key', [told('payload', claim), check('key', noKey(demand, signature))]);
  const certificate = readCertificate(material.certificate);
  if (certificate === null) {
    return judged('an unreadable certificate', [told('payload', claim), check('certificate', 'it can not be read')]);
  }
  const signer = signerOf(certificate.identity);
  if (entry.identities.length === 0) {
    return judged(signer, [
      told('payload', claim),
      check('key', 'it was made with a certificate or another key, and the entry has keys only'),
    ]);
  }
  return judged(signer, [told('payload', claim), ...keylessChecks(material, certificate, demand)]);
}

function keylessChecks(
  material: SignatureMaterial,
  certificate: SigningCertificate,
  { entry, root }: Demand,
): readonly SignatureCheck[] {
  const { key, identity } = certificate;
  const signed = isSignedBy(key, material.content.signed, material.signature);
  const signature = check('signature', signed ? null : 'it is not that of the certificate’s key over what is said');
  const match = told('identity', matchIdentity(identity, entry.identities));
  if (root === null) return [signature, check('certificate', 'there is no trust root'), match];

  const trust = root.material;
  const logged = proveLogEntries(material, { key, certificate: material.certificate }, trust);
  const times = proveTimes(material, key, { trust, logged: logged.held });
  const isLogged = logged.held.length > 0 || entry.transparencyLog === 'optional';
  const isTimed = times.held.length > 0;
  return [
    signature,
    check('transparency log', isLogged ? null : (logged.reason ?? 'it came with no entry of a transparency log')),
    check(
      'signing time',
      isTimed ? null : (times.reason ?? 'no log and no timestamp authority vouches for when it was made'),
    ),
    check(
      'certificate',
      isTimed
        ? refuteCertificate(material, certificate, { trust, times: times.held })
        : 'it is not known whether it was in force when it signed',
    ),
    match,
  ];
}

/** A key does not expire, so that the time does not matter; whether its use has to be public is the entry's to say. */
function logCheck(material: SignatureMaterial, key: KeyObject, { entry, root }: Demand): SignatureCheck {
  if (entry.transparencyLog === 'optional') return { name: 'transparency log', ok: true, reason: 'not asked for' };
  if (root === null) return check('transparency log', 'there is no trust root');
  const { held, reason } = proveLogEntries(material, { key, certificate: null }, root.material);
  if (held.length > 0) return check('transparency log', null);
  return check('transparency log', reason ?? 'it came with no entry of a transparency log');
}

function judgeContent({ content }: SignatureMaterial, digest: Digest): Claim {
  const payload = content.payload.toString('utf8');
  switch (content.kind) {
    case 'simple signing':
      return judgeSimpleSigning(payload, digest);
    case 'statement':
      return judgeStatement(content.payloadType, payload, digest);
  }
}

function noKey({ entry, keys }: Demand, signature: Buffer): string {
  if (entry.keys.length === 0) return 'it was made with a key, and the entry has identities only';
  const isPlain = signature.length !== ED25519_BYTES || !keys.some(({ key }) => key.asymmetricKeyType === 'ed25519');
  // What `cosign sign` 3 makes with such keys, and `cosign verify` refuses too.
  const hint = isPlain ? '' : ' (Ed25519ph, which hashes first, is not supported)';
  return `it was made with none of the entry’s keys, or altered since${hint}`;
}

const ED25519_BYTES = 64;

function signerOf({ issuer, subjects }: CertificateIdentity): string {
  const clean = (text: string): string => text.replace(/\p{Cc}+/gu, ' ').slice(0, LONGEST_NAME);
  return `${clean(subjects[0] ?? 'nobody')} (${clean(issuer ?? 'no issuer')})`;
}

const LONGEST_NAME = 300;

function judged(signer: string, checks: readonly SignatureCheck[]): Judged {
  return { signer, checks, holds: checks.every(({ ok }) => ok) };
}

function told(
  name: string,
  claim: { readonly ok: true } | { readonly ok: false; readonly reason: string },
): SignatureCheck {
  return check(name, claim.ok ? null : claim.reason);
}

function check(name: string, reason: string | null): SignatureCheck {
  return { name, ok: reason === null, reason };
}
