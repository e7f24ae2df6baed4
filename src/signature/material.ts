import { createHash } from 'node:crypto';
import { type Bundle, bundleFromJSON } from '@sigstore/bundle';

/** The entries of transparency logs that came with a signature. */
export type LogEntries = Bundle['verificationMaterial']['tlogEntries'];

/** A signature with everything that came along. Nothing of it is checked yet, and everything comes from whoever may push. */
export interface SignatureMaterial {
  readonly format: 'bundle' | 'legacy';
  /** What is said, and what the bytes are that were signed to say it. */
  readonly content: SignedContent;
  readonly signature: Buffer;
  /** DER of the certificate that was issued for the key; null where the signature comes with none. */
  readonly certificate: Buffer | null;
  readonly logEntries: LogEntries;
  /** RFC 3161 responses over the signature, in DER. */
  readonly timestamps: readonly Buffer[];
}

/** What was signed. */
export interface SignedContent {
  readonly kind: 'simple signing' | 'statement';
  /** The type that an envelope gives; empty for simple signing. */
  readonly payloadType: string;
  /** What is said. */
  readonly payload: Buffer;
  /** What was signed: the payload, or the envelope's encoding of it. */
  readonly signed: Buffer;
}

/** A signature, or why it can not be read: half a sentence. */
export type ReadMaterial =
  | { readonly ok: true; readonly material: SignatureMaterial }
  | { readonly ok: false; readonly problem: string };

/** The layer's annotations of a legacy signature (cosign, `SIGNATURE_SPEC.md`). */
const ANNOTATIONS = {
  signature: 'dev.cosignproject.cosign/signature',
  certificate: 'dev.sigstore.cosign/certificate',
  bundle: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
} as const;

/** A signature has one entry and one timestamp, or two; each that is looked at costs milliseconds. */
const MOST_PROOFS = 4;
/** Certificates, timestamps and log entries have one to six kilobytes; reading larger ones takes a millisecond for each. */
const LARGEST_PART = 16 * 1024;

/** Reads a sigstore bundle of the versions 0.1 to 0.3 with a DSSE envelope. */
export function readBundle(bytes: Buffer): ReadMaterial {
  let bundle: Bundle;
  try {
    bundle = bundleFromJSON(JSON.parse(bytes.toString('utf8')));
  } catch {
    return problem('it is no sigstore bundle');
  }
  const { content, verificationMaterial } = bundle;
  if (content.$case !== 'dsseEnvelope') return problem('it signs bytes, and makes no statement of an image');
  const { payload, payloadType, signatures } = content.dsseEnvelope;
  const signature = signatures[0]?.sig;
  if (signature === undefined || signatures.length !== 1) return problem('it has not exactly one signature');
  const { tlogEntries, timestampVerificationData } = verificationMaterial;
  const timestamps = timestampVerificationData?.rfc3161Timestamps ?? [];
  if (tlogEntries.length > MOST_PROOFS || timestamps.length > MOST_PROOFS) {
    return problem('it has more log entries or timestamps than are looked at');
  }
  return bounded({
    format: 'bundle',
    content: { kind: 'statement', payloadType, payload, signed: preAuthEncoding(payloadType, payload) },
    signature,
    certificate: certificateOf(bundle),
    logEntries: tlogEntries,
    timestamps: timestamps.map(({ signedTimestamp }) => Buffer.from(signedTimestamp)),
  });
}

/** Reads a legacy signature: one layer of the manifest under the tag `sha256-HEX.sig`, and the payload that is its blob. */
export function readLegacy(annotations: Readonly<Record<string, string>>, payload: Buffer): ReadMaterial {
  const base64 = annotations[ANNOTATIONS.signature];
  if (base64 === undefined || base64 === '') return problem('it has no signature among its annotations');
  const signature = Buffer.from(base64, 'base64');
  const pem = annotations[ANNOTATIONS.certificate] ?? '';
  const certificate = pem === '' ? null : derOf(pem);
  if (certificate === 'none') return problem('its certificate is no PEM text');
  const logged = readLogged(annotations[ANNOTATIONS.bundle] ?? '', payload, signature);
  if (logged === null) return problem('its log entry can not be read');
  const stamped = readTimestamps(annotations[ANNOTATIONS.timestamp] ?? '');
  if (stamped === null) return problem('its timestamp can not be read');
  return bounded({
    format: 'legacy',
    content: { kind: 'simple signing', payloadType: '', payload, signed: payload },
    signature,
    certificate,
    logEntries: logged,
    timestamps: stamped,
  });
}

function bounded(material: SignatureMaterial): ReadMaterial {
  const { certificate, timestamps, logEntries } = material;
  const sizes = [certificate ?? '', ...timestamps, ...logEntries.flatMap(partsOf)].map(({ length }) => length);
  if (sizes.every((size) => size <= LARGEST_PART)) return { ok: true, material };
  return problem('its certificate, a timestamp or a log entry is larger than is read');
}

function partsOf({ canonicalizedBody, inclusionProof }: LogEntries[number]): readonly (string | Buffer)[] {
  return [canonicalizedBody, inclusionProof?.logIndex ?? '', inclusionProof?.checkpoint?.envelope ?? ''];
}

/** DSSE, "Protocol": the bytes that an envelope's signature is over. */
function preAuthEncoding(type: string, payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

function certificateOf({ verificationMaterial: { content } }: Bundle): Buffer | null {
  switch (content.$case) {
    case 'publicKey':
      return null;
    case 'certificate':
      return Buffer.from(content.certificate.rawBytes);
    case 'x509CertificateChain': {
      const [leaf] = content.x509CertificateChain.certificates;
      return leaf === undefined ? null : Buffer.from(leaf.rawBytes);
    }
  }
}

function derOf(pem: string): Buffer | 'none' {
  // No two parts of it match the same characters: what is tried in every way ends nowhere in a text of a megabyte.
  const base64 = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem)?.[1];
  return base64 === undefined ? 'none' : Buffer.from(base64, 'base64');
}

/**
 * The log entry of a legacy signature: what Rekor answered, with its promise (SET) and without a proof. It is brought into the form
 * that bundles have it in, so that both are checked by the same code.
 */
function readLogged(annotation: string, payload: Buffer, signature: Buffer): LogEntries | null {
  if (annotation === '') return [];
  const entry = parse(annotation);
  const promise = text(field(entry, 'SignedEntryTimestamp'));
  const logged = field(entry, 'Payload');
  const body = text(field(logged, 'body'));
  const logID = text(field(logged, 'logID'));
  const integratedTime = field(logged, 'integratedTime');
  const logIndex = field(logged, 'logIndex');
  if (promise === null || body === null || logID === null) return null;
  if (!Number.isSafeInteger(integratedTime) || !Number.isSafeInteger(logIndex)) return null;
  const inner = parse(Buffer.from(body, 'base64').toString('utf8'));
  const digest = createHash('sha256').update(payload).digest('base64');
  try {
    const bundle = bundleFromJSON({
      mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
      verificationMaterial: {
        publicKey: { hint: '' },
        tlogEntries: [
          {
            logIndex: String(logIndex),
            logId: { keyId: Buffer.from(logID, 'hex').toString('base64') },
            kindVersion: { kind: text(field(inner, 'kind')) ?? '', version: text(field(inner, 'apiVersion')) ?? '' },
            integratedTime: String(integratedTime),
            inclusionPromise: { signedEntryTimestamp: promise },
            canonicalizedBody: body,
          },
        ],
      },
      messageSignature: {
        messageDigest: { algorithm: 'SHA2_256', digest },
        signature: signature.toString('base64'),
      },
    });
    return bundle.verificationMaterial.tlogEntries;
  } catch {
    return null;
  }
}

function readTimestamps(annotation: string): readonly Buffer[] | null {
  if (annotation === '') return [];
  const base64 = text(field(parse(annotation), 'SignedRFC3161Timestamp'));
  return base64 === null ? null : [Buffer.from(base64, 'base64')];
}

function problem(reason: string): ReadMaterial {
  return { ok: false, problem: reason };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}
