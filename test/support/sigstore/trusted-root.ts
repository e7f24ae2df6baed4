import type { KeyObject } from 'node:crypto';
import { type Fulcio, spkiHash } from './fulcio.ts';
import type { Rekor } from './rekor.ts';
import type { TimestampAuthority } from './timestamp-authority.ts';

/** Whom a trust root names. */
export interface TrustedServices {
  readonly fulcio: Fulcio;
  readonly rekors: readonly Rekor[];
  readonly timestamps: readonly TimestampAuthority[];
}

const START = '2020-01-01T00:00:00Z';

/** The text of a `trusted_root.json`. @see https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto */
export function trustedRoot({ fulcio, rekors, timestamps }: TrustedServices): string {
  return JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: rekors.map(({ host, key }) => logOf(`https://${host}`, key)),
    ctlogs: [logOf('https://ctlog.test', fulcio.logKey)],
    certificateAuthorities: [authorityOf('https://fulcio.test', [fulcio.intermediate, fulcio.root])],
    timestampAuthorities: timestamps.map(({ leaf, root }) => authorityOf('https://timestamps.test', [leaf, root])),
  });
}

function logOf(baseUrl: string, key: KeyObject) {
  return {
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: key.export({ format: 'der', type: 'spki' }).toString('base64'),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      validFor: { start: START },
    },
    logId: { keyId: spkiHash(key).toString('base64') },
  };
}

function authorityOf(uri: string, chain: readonly Buffer[]) {
  return {
    subject: { organization: 'tagpin.test', commonName: 'private' },
    uri,
    certChain: { certificates: chain.map((certificate) => ({ rawBytes: certificate.toString('base64') })) },
    validFor: { start: START },
  };
}
