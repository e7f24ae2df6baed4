import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { certificatePem } from './certificate.ts';
import type { EntryBody, LogEntry, Rekor } from './rekor.ts';
import type { TimestampAuthority } from './timestamp-authority.ts';

/** What signs: a key, and the certificate of it where it is an identity's. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  /** DER. */
  readonly certificate?: Buffer;
  /** The intermediates of it, DER, for the old format. */
  readonly chain?: readonly Buffer[];
}

/** Who saw a signature, and when: milliseconds since 1970. */
export interface Witnesses {
  readonly at: number;
  /** The log with the time; the second version's where `timeless` is true. */
  readonly rekor?: Rekor;
  readonly timeless?: true;
  readonly timestamps?: TimestampAuthority;
}

/** A layer of a legacy signature, and its annotations. */
export interface LegacySignature {
  readonly payload: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const STATEMENT = 'application/vnd.in-toto+json';

/** The payload of a legacy signature of a digest. */
export function simpleSigning(digest: string, type = 'cosign container image signature'): string {
  const image = { 'docker-manifest-digest': digest };
  return JSON.stringify({ critical: { identity: { 'docker-reference': 'test' }, image, type }, optional: null });
}

/** The statement of a bundle that signs a digest. */
export function signingStatement(digest: string, predicateType = 'https://sigstore.dev/cosign/sign/v1'): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  const subject = [{ digest: { [algorithm]: hex }, annotations: {} }];
  return JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject, predicateType, predicate: {} });
}

/** Signs a payload as `cosign sign --new-bundle-format=false` does. */
export function signLegacy(payload: string, key: SigningKey, witnesses?: Witnesses): LegacySignature {
  const signature = signBytes(Buffer.from(payload), key.privateKey);
  const { certificate, chain = [] } = key;
  const annotations: Record<string, string> = { 'dev.cosignproject.cosign/signature': signature.toString('base64') };
  if (certificate !== undefined) {
    annotations['dev.sigstore.cosign/certificate'] = certificatePem(certificate);
    annotations['dev.sigstore.cosign/chain'] = chain.map(certificatePem).join('');
  }
  if (witnesses?.rekor !== undefined) {
    const entry = witnesses.rekor.log(hashedRecord(Buffer.from(payload), signature, key), witnesses.at);
    annotations['dev.sigstore.cosign/bundle'] = JSON.stringify({
      SignedEntryTimestamp: entry.inclusionPromise?.signedEntryTimestamp,
      Payload: {
        body: entry.canonicalizedBody,
        integratedTime: Number(entry.integratedTime),
        logIndex: Number(entry.logIndex),
        logID: Buffer.from(entry.logId.keyId, 'base64').toString('hex'),
      },
    });
  }
  if (witnesses?.timestamps !== undefined) {
    const stamp = witnesses.timestamps.stamp(signature, witnesses.at).toString('base64');
    annotations['dev.sigstore.cosign/rfc3161timestamp'] = JSON.stringify({ SignedRFC3161Timestamp: stamp });
  }
  return { payload, annotations };
}

/** Signs a statement as `cosign sign` does: a bundle (v0.3) with an envelope in it. @returns its JSON. */
export function signBundle(statement: string, key: SigningKey, witnesses?: Witnesses): string {
  const payload = Buffer.from(statement);
  const encoded = Buffer.concat([Buffer.from(`DSSEv1 ${STATEMENT.length} ${STATEMENT} ${payload.length} `), payload]);
  const signature = signBytes(encoded, key.privateKey);
  const envelope = {
    payload: payload.toString('base64'),
    payloadType: STATEMENT,
    signatures: [{ sig: signature.toString('base64') }],
  };
  const entries: LogEntry[] = [];
  if (witnesses?.rekor !== undefined) {
    entries.push(
      witnesses.timeless
        ? witnesses.rekor.logWithoutTime(timelessRecord(encoded, signature, key))
        : witnesses.rekor.log(envelopeRecord(JSON.stringify(envelope), payload, signature, key), witnesses.at),
    );
  }
  const stamp = witnesses?.timestamps?.stamp(signature, witnesses.at).toString('base64');
  return JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: {
      ...(key.certificate === undefined
        ? { publicKey: { hint: hash(publicDer(key)).toString('base64') } }
        : { certificate: { rawBytes: key.certificate.toString('base64') } }),
      ...(entries.length > 0 && { tlogEntries: entries }),
      ...(stamp !== undefined && { timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: stamp }] } }),
    },
    dsseEnvelope: envelope,
  });
}

function signBytes(content: Buffer, key: KeyObject): Buffer {
  return sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', content, key);
}

function hash(content: Buffer): Buffer {
  return createHash('sha256').update(content).digest();
}

function publicDer({ privateKey }: SigningKey): Buffer {
  return createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
}

/** What logs call the verifier: the certificate or the public key, PEM. */
function verifierOf(key: SigningKey): string {
  const pem =
    key.certificate === undefined
      ? (createPublicKey(key.privateKey).export({ format: 'pem', type: 'spki' }) as string)
      : certificatePem(key.certificate);
  return Buffer.from(pem).toString('base64');
}

function hashedRecord(payload: Buffer, signature: Buffer, key: SigningKey): EntryBody {
  const data = { hash: { algorithm: 'sha256', value: hash(payload).toString('hex') } };
  const signed = { content: signature.toString('base64'), publicKey: { content: verifierOf(key) } };
  return { apiVersion: '0.0.1', kind: 'hashedrekord', spec: { data, signature: signed } };
}

function envelopeRecord(envelope: string, payload: Buffer, signature: Buffer, key: SigningKey): EntryBody {
  const hashOf = (content: Buffer) => ({ algorithm: 'sha256', value: hash(content).toString('hex') });
  const signatures = [{ signature: signature.toString('base64'), verifier: verifierOf(key) }];
  const spec = { envelopeHash: hashOf(Buffer.from(envelope)), payloadHash: hashOf(payload), signatures };
  return { apiVersion: '0.0.1', kind: 'dsse', spec };
}

function timelessRecord(encoded: Buffer, signature: Buffer, key: SigningKey): EntryBody {
  const verifier = {
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
    ...(key.certificate === undefined
      ? { publicKey: { rawBytes: publicDer(key).toString('base64') } }
      : { x509Certificate: { rawBytes: key.certificate.toString('base64') } }),
  };
  const data = { algorithm: 'SHA2_256', digest: hash(encoded).toString('base64') };
  const spec = { hashedRekordV002: { data, signature: { content: signature.toString('base64'), verifier } } };
  return { apiVersion: '0.0.2', kind: 'hashedrekord', spec };
}
