import { createPublicKey, type KeyObject } from 'node:crypto';
import { type ASN1Obj, X509Certificate } from '@sigstore/core';
import type { CertificateIdentity } from '../core/signature/identity.ts';

/** A certificate that came with a signature, read. That it is genuine is not said by this. */
export interface SigningCertificate {
  /** As the verifier takes it. */
  readonly parsed: X509Certificate;
  readonly key: KeyObject;
  readonly identity: CertificateIdentity;
  /** May its key sign code, and nothing else's certificates (RFC 5280, 4.2.1.12 and 4.2.1.9)? */
  readonly isForSigning: boolean;
}

/** Fulcio's extensions (`docs/oid-info.md`): the issuer as it is, as DER, and names that are neither URI nor e-mail address. */
const OID = {
  issuerRaw: '1.3.6.1.4.1.57264.1.1',
  issuer: '1.3.6.1.4.1.57264.1.8',
  otherName: '1.3.6.1.4.1.57264.1.7',
  subjectAltName: '2.5.29.17',
  extendedKeyUsage: '2.5.29.37',
  codeSigning: '1.3.6.1.5.5.7.3.3',
} as const;

const UTF8_STRING = 0x0c;
/** Numbers of the kinds of general names (RFC 5280, 4.2.1.6). */
const OTHER_NAME = 0;
const RFC822_NAME = 1;
const URI_NAME = 6;

/** Reads a certificate in DER; null where it is none. */
export function readCertificate(der: Buffer): SigningCertificate | null {
  try {
    const parsed = X509Certificate.parse(Buffer.from(der));
    return {
      parsed,
      key: createPublicKey({ key: parsed.publicKey, format: 'der', type: 'spki' }),
      identity: { issuer: issuerOf(parsed), subjects: subjectsOf(parsed) },
      isForSigning: usagesOf(parsed).includes(OID.codeSigning) && !parsed.isCA,
    };
  } catch {
    return null;
  }
}

function issuerOf(certificate: X509Certificate): string | null {
  const der = single(certificate, OID.issuer);
  if (der !== null) return textOf(only(der.valueObj.subs));
  return single(certificate, OID.issuerRaw)?.value.toString('utf8') ?? null;
}

function subjectsOf(certificate: X509Certificate): readonly string[] {
  const names = only(single(certificate, OID.subjectAltName)?.valueObj.subs)?.subs ?? [];
  return names.flatMap((name) => {
    if (name.tag.isContextSpecific(URI_NAME) || name.tag.isContextSpecific(RFC822_NAME)) {
      return [name.value.toString('utf8')];
    }
    return name.tag.isContextSpecific(OTHER_NAME) ? otherNameOf(name) : [];
  });
}

/** `SEQUENCE { type-id OBJECT IDENTIFIER, value [0] EXPLICIT UTF8String }` */
function otherNameOf({ subs: [type, holder] }: ASN1Obj): string | readonly [] {
  if (type?.tag.isOID() !== true || type.toOID() !== OID.otherName) return [];
  return textOf(only(holder?.subs)) ?? [];
}

function usagesOf(certificate: X509Certificate): readonly string[] {
  const usages = only(single(certificate, OID.extendedKeyUsage)?.valueObj.subs)?.subs ?? [];
  return usages.map((usage) => usage.toOID());
}

function textOf(value: ASN1Obj | undefined): string | null {
  return value?.tag.number === UTF8_STRING && value.tag.isUniversal() ? value.value.toString('utf8') : null;
}

/** An extension's octets hold one value; with anything behind it they are no DER. */
function only(values: readonly ASN1Obj[] | undefined): ASN1Obj | undefined {
  return values?.length === 1 ? values[0] : undefined;
}

/** An extension that is there once; of two nobody could say which counts (RFC 5280, 4.2). */
function single(
  certificate: X509Certificate,
  oid: string,
): NonNullable<ReturnType<X509Certificate['extension']>> | null {
  const count = certificate.extensions.filter(({ subs: [id] }) => id?.toOID() === oid).length;
  if (count > 1) throw new Error('an extension is there twice');
  return certificate.extension(oid) ?? null;
}
