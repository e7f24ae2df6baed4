import { createHash, createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { certificatePem } from '../support/sigstore/certificate.ts';
import { createFulcio } from '../support/sigstore/fulcio.ts';
import { createRekor, type EntryBody, type LogEntry } from '../support/sigstore/rekor.ts';
import { createTimestampAuthority } from '../support/sigstore/timestamp-authority.ts';
import { trustedRoot } from '../support/sigstore/trusted-root.ts';

/** A private Sigstore that a real cosign signs with: certificates, both versions of the log, and timestamps. */
export interface SigstoreServices {
  readonly url: string;
  /** The text of its `trusted_root.json`. */
  readonly trustedRoot: string;
  /** The text of a signing configuration (v0.2) that asks for these. */
  signingConfiguration(parts: { readonly log: 1 | 2 | null; readonly timestamps: boolean }): string;
  /** An identity token as Fulcio takes them. Nobody checks who signed it. */
  token(identity: { readonly issuer: string; readonly subject: string }): string;
  close(): Promise<void>;
}

const START = '2020-01-01T00:00:00Z';
/** By which the first version's answer is found in it. */
const ENTRY_NAME = `${'0'.repeat(16)}${'1'.repeat(64)}`;

/** Starts one on a free port of loopback. */
export async function startSigstoreServices(): Promise<SigstoreServices> {
  const fulcio = createFulcio();
  const timestamps = createTimestampAuthority();
  const rekors = [createRekor('rekor.test'), createRekor('127.0.0.1')] as const;

  const answers: Readonly<Record<string, (request: IncomingMessage, body: Buffer) => string | Buffer>> = {
    '/api/v2/signingCert': (request, body) => certify(request, body),
    '/api/v1/log/entries': (_request, body) => firstVersion(rekors[0].log(firstBody(parse(body)), Date.now())),
    '/api/v2/log/entries': (_request, body) => JSON.stringify(rekors[1].logWithoutTime(secondBody(parse(body)))),
    '/api/v1/timestamp': (_request, body) => timestamps.stampHash(hashInQuery(body), Date.now()),
  };

  function certify(request: IncomingMessage, body: Buffer): string {
    const [, claims = ''] = (request.headers.authorization ?? '').split('.');
    const { iss, sub } = parse(Buffer.from(claims, 'base64url')) as { iss: string; sub: string };
    const { publicKeyRequest } = parse(body) as { publicKeyRequest: { publicKey: { content: string } } };
    const leaf = fulcio.issue({
      publicKey: createPublicKey(publicKeyRequest.publicKey.content),
      names: [{ kind: sub.includes('://') ? 'uri' : 'email', value: sub }],
      issuer: iss,
      notBefore: Date.now() - 1000,
    });
    const certificates = [leaf, fulcio.intermediate, fulcio.root].map(certificatePem);
    return JSON.stringify({ signedCertificateEmbeddedSct: { chain: { certificates } } });
  }

  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const answer = answers[request.url ?? ''];
      if (answer === undefined) {
        response.writeHead(404).end();
        return;
      }
      const content = answer(request, body);
      const type = typeof content === 'string' ? 'application/json' : 'application/timestamp-reply';
      // Fulcio says 200, the others 201, and cosign wants it so.
      const code = request.url === '/api/v2/signingCert' ? 200 : 201;
      response
        .writeHead(code, { 'content-type': type, etag: ENTRY_NAME, location: `${request.url}/${ENTRY_NAME}` })
        .end(content);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const service = (path: string, majorApiVersion: number) => [
    { url: `${url}${path}`, majorApiVersion, validFor: { start: START }, operator: 'tagpin.test' },
  ];

  return {
    url,
    trustedRoot: trustedRoot({ fulcio, rekors, timestamps: [timestamps] }),
    signingConfiguration: ({ log, timestamps: wanted }) =>
      JSON.stringify({
        mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
        caUrls: service('', 1),
        oidcUrls: [],
        ...(log !== null && { rekorTlogUrls: service('', log), rekorTlogConfig: { selector: 'ANY' } }),
        ...(wanted && { tsaUrls: service('/api/v1/timestamp', 1), tsaConfig: { selector: 'ANY' } }),
      }),
    token({ issuer, subject }) {
      const now = Math.floor(Date.now() / 1000);
      const mail = subject.includes('://') ? {} : { email: subject, email_verified: true };
      const claims = { iss: issuer, sub: subject, aud: 'sigstore', iat: now, exp: now + 600, ...mail };
      return [{ alg: 'ES256', typ: 'JWT' }, claims, 'not signed']
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function parse(body: Buffer): unknown {
  return JSON.parse(body.toString());
}

/** What Rekor's first version keeps of what was proposed: of an envelope, its hashes and signatures. */
function firstBody(proposed: unknown): EntryBody {
  const { apiVersion, kind, spec } = proposed as EntryBody & {
    spec: { proposedContent?: { envelope: string; verifiers: readonly string[] } };
  };
  const { proposedContent } = spec;
  if (proposedContent === undefined) return { apiVersion, kind, spec };
  const { payload, signatures } = JSON.parse(proposedContent.envelope) as {
    payload: string;
    signatures: readonly { sig: string }[];
  };
  return {
    apiVersion,
    kind,
    spec: {
      envelopeHash: hashOf(Buffer.from(proposedContent.envelope)),
      payloadHash: hashOf(Buffer.from(payload, 'base64')),
      signatures: signatures.map(({ sig }, at) => ({ signature: sig, verifier: proposedContent.verifiers[at] })),
    },
  };
}

function hashOf(content: Buffer) {
  return { algorithm: 'sha256', value: createHash('sha256').update(content).digest('hex') };
}

/** The answer of the first version, which has other words than a bundle. */
function firstVersion(entry: LogEntry): string {
  const { inclusionProof: proof } = entry;
  const hex = (text: string): string => Buffer.from(text, 'base64').toString('hex');
  return JSON.stringify({
    [ENTRY_NAME]: {
      body: entry.canonicalizedBody,
      integratedTime: Number(entry.integratedTime),
      logID: hex(entry.logId.keyId),
      logIndex: Number(entry.logIndex),
      verification: {
        signedEntryTimestamp: entry.inclusionPromise?.signedEntryTimestamp,
        inclusionProof: {
          logIndex: Number(proof.logIndex),
          rootHash: hex(proof.rootHash),
          treeSize: Number(proof.treeSize),
          hashes: proof.hashes.map(hex),
          checkpoint: proof.checkpoint.envelope,
        },
      },
    },
  });
}

/** What the second version keeps of what was proposed; it has but one kind. */
function secondBody(proposed: unknown): EntryBody {
  const { digest, signature } = (proposed as { hashedRekordRequestV002: { digest: string; signature: object } })
    .hashedRekordRequestV002;
  const spec = { hashedRekordV002: { data: { algorithm: 'SHA2_256', digest }, signature } };
  return { apiVersion: '0.0.2', kind: 'hashedrekord', spec };
}

/** The hash that a query (RFC 3161) of cosign's shows: SHA-256, the only octet string in it. */
function hashInQuery(query: Buffer): Buffer {
  const at = query.indexOf(Buffer.from([0x04, 32])) + 2;
  return query.subarray(at, at + 32);
}
