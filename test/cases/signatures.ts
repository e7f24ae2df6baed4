/** Signatures that somebody might make, and the checks that do not hold of each; tried in both formats. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import type { VerifyEntry } from '../../src/core/signature/verification.ts';
import { readLegacy, type SignatureMaterial } from '../../src/signature/material.ts';
import { digestOf } from '../support/manifests.ts';
import {
  identity,
  newKey,
  OTHER_DIGEST,
  privateSigstore,
  publicPem,
  SUBJECT,
  verifyEntry,
} from '../support/signed-image.ts';
import { createRekor } from '../support/sigstore/rekor.ts';
import { type SigningKey, signLegacy, simpleSigning, type Witnesses } from '../support/sigstore/signatures.ts';
import { createTimestampAuthority } from '../support/sigstore/timestamp-authority.ts';

/** The digest of the image that is judged. */
export const DIGEST = digestOf('the image');
/** The authorities of the trust root that signatures are judged by. */
export const SIGSTORE = privateSigstore();
const { keyless, rekor, timestamps } = SIGSTORE;
const STRANGER = privateSigstore();
/** The key of `OURS`. */
export const KEY = newKey();
/** When all of it happens, in milliseconds since 1970. */
export const NOW = Date.now();
/** In milliseconds. */
export const HOUR = 3_600_000;
/** The log that the trust root knows, now. */
export const SEEN: Witnesses = { at: NOW, rekor };

/** An entry of one key, and no log. */
export const OURS = verifyEntry({ keys: [publicPem(KEY)] });
/** The same with a log. */
export const LOGGED = { ...OURS, transparencyLog: 'required' } as const;
/** An entry of one identity, and a log. */
export const US = verifyEntry({ identities: [identity()], transparencyLog: 'required' });
const QUIET = { ...US, transparencyLog: 'optional' } as const;

/** One signature. */
export interface Case {
  readonly what: string;
  readonly entry: VerifyEntry;
  readonly key?: SigningKey;
  readonly seen?: Witnesses;
  readonly digest?: string;
  /** What is done to it after it was signed. */
  readonly alter?: (material: SignatureMaterial) => SignatureMaterial;
  readonly broken: string;
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const edwards = generateKeyPairSync('ed25519').privateKey;
/** A key whose certificate has expired. */
export const early = keyless({ notBefore: NOW - 2 * HOUR });
/** The same with its log entry altered. */
export const withEntry = (
  { logEntries: [entry, ...more], ...material }: SignatureMaterial,
  wish: Partial<SignatureMaterial['logEntries'][number]>,
): SignatureMaterial => ({ ...material, logEntries: [{ ...(entry ?? assert.fail()), ...wish }, ...more] });

/** All of them. */
export const CASES: readonly Case[] = [
  { what: 'a key of the entry', entry: OURS, key: { privateKey: KEY }, broken: '' },
  {
    what: 'an RSA key of the entry',
    entry: verifyEntry({ keys: [publicPem(rsa)] }),
    key: { privateKey: rsa },
    broken: '',
  },
  {
    what: 'an Ed25519 key of the entry',
    entry: verifyEntry({ keys: [publicPem(edwards)] }),
    key: { privateKey: edwards },
    broken: '',
  },
  {
    what: 'the second key of the entry',
    entry: verifyEntry({ keys: [publicPem(newKey()), publicPem(KEY)] }),
    key: { privateKey: KEY },
    broken: '',
  },
  { what: 'a key of the entry, logged', entry: LOGGED, key: { privateKey: KEY }, seen: SEEN, broken: '' },
  {
    what: 'a key of the entry that is not logged, where that is wanted',
    entry: LOGGED,
    key: { privateKey: KEY },
    broken: 'transparency log',
  },
  { what: 'another key', entry: OURS, key: { privateKey: newKey() }, broken: 'key' },
  {
    what: 'a key of the entry with the signature of another digest',
    entry: OURS,
    key: { privateKey: KEY },
    digest: OTHER_DIGEST,
    broken: 'payload',
  },
  {
    what: 'a key of the entry with a payload that was altered to name this digest',
    entry: OURS,
    key: { privateKey: KEY },
    digest: OTHER_DIGEST,
    alter: ({ content, ...material }) => {
      const payload = Buffer.from(content.payload.toString().replaceAll(OTHER_DIGEST.slice(7), DIGEST.slice(7)));
      const signed = Buffer.from(content.signed.toString().replaceAll(OTHER_DIGEST.slice(7), DIGEST.slice(7)));
      return { ...material, content: { ...content, payload, signed } };
    },
    broken: 'key',
  },
  { what: 'a key, where identities are wanted', entry: US, key: { privateKey: KEY }, seen: SEEN, broken: 'key' },
  { what: 'an identity, where keys are wanted', entry: OURS, seen: SEEN, broken: 'key' },
  {
    what: 'an identity, where keys or identities are wanted',
    entry: { ...US, keys: [publicPem(KEY)] },
    seen: SEEN,
    broken: '',
  },
  {
    what: 'a key, where keys or identities are wanted',
    entry: { ...US, keys: [publicPem(KEY)] },
    key: { privateKey: KEY },
    seen: SEEN,
    broken: '',
  },

  { what: 'an identity, logged', entry: US, seen: SEEN, broken: '' },
  { what: 'an identity with a timestamp', entry: QUIET, seen: { at: NOW, timestamps }, broken: '' },
  { what: 'an identity, logged and with a timestamp', entry: US, seen: { at: NOW, rekor, timestamps }, broken: '' },
  {
    what: 'an identity of the second name',
    entry: US,
    key: keyless({
      names: [
        { kind: 'email', value: 'x@y.test' },
        { kind: 'uri', value: SUBJECT },
      ],
    }),
    seen: SEEN,
    broken: '',
  },
  {
    what: 'an identity of another issuer',
    entry: US,
    key: keyless({ issuer: 'https://evil.test' }),
    seen: SEEN,
    broken: 'identity',
  },
  { what: 'an identity of no issuer', entry: US, key: keyless({ issuer: null }), seen: SEEN, broken: 'identity' },
  {
    what: 'another identity',
    entry: US,
    key: keyless({ names: [{ kind: 'uri', value: `${SUBJECT}/evil` }] }),
    seen: SEEN,
    broken: 'identity',
  },
  {
    what: 'an identity of evil-github.com, for a pattern without anchors',
    entry: verifyEntry({
      identities: [identity({ subject: null, subjectPattern: 'github\\.com/acme/.*' })],
      transparencyLog: 'required',
    }),
    key: keyless({ names: [{ kind: 'uri', value: 'https://evil-github.com/acme/app' }] }),
    seen: SEEN,
    broken: 'identity',
  },
  {
    what: 'an identity with the signature of another digest',
    entry: US,
    seen: SEEN,
    digest: OTHER_DIGEST,
    broken: 'payload',
  },
  { what: 'an identity that nobody saw sign', entry: US, broken: 'transparency log, signing time, certificate' },
  {
    what: 'an identity that no log saw sign, where that is wanted',
    entry: US,
    seen: { at: NOW, timestamps },
    broken: 'transparency log',
  },
  {
    what: 'an identity that nobody saw sign, where no log is wanted',
    entry: QUIET,
    broken: 'signing time, certificate',
  },
  { what: 'an expired certificate that nobody saw', entry: QUIET, key: early, broken: 'signing time, certificate' },
  {
    what: 'a certificate that had expired when the log saw it',
    entry: US,
    key: early,
    seen: SEEN,
    broken: 'certificate',
  },
  {
    what: 'a certificate that has expired since the log saw it',
    entry: US,
    key: early,
    seen: { at: NOW - 2 * HOUR + 60_000, rekor },
    broken: '',
  },
  {
    what: 'a certificate that had expired when it was stamped',
    entry: QUIET,
    key: early,
    seen: { at: NOW, timestamps },
    broken: 'certificate',
  },
  {
    what: 'a certificate from tomorrow',
    entry: US,
    key: keyless({ notBefore: NOW + 24 * HOUR }),
    seen: SEEN,
    broken: 'certificate',
  },
  {
    what: 'a certificate for servers',
    entry: US,
    key: keyless({ use: '1.3.6.1.5.5.7.3.1' }),
    seen: SEEN,
    broken: 'certificate',
  },
  {
    what: 'a certificate that no certificate log has',
    entry: US,
    key: keyless({ timestamp: 'none' }),
    seen: SEEN,
    broken: 'certificate',
  },
  {
    what: 'a certificate that a strange certificate log has',
    entry: US,
    key: keyless({ timestamp: 'stranger' }),
    seen: SEEN,
    broken: 'certificate',
  },
  { what: 'a certificate of another authority', entry: US, key: STRANGER.keyless(), seen: SEEN, broken: 'certificate' },
  {
    what: 'an entry of another log',
    entry: US,
    seen: { at: NOW, rekor: createRekor() },
    broken: 'transparency log, signing time, certificate',
  },
  {
    what: 'a timestamp of another authority',
    entry: QUIET,
    seen: { at: NOW, timestamps: createTimestampAuthority() },
    broken: 'signing time, certificate',
  },
  {
    what: 'a key of another than the certificate',
    entry: US,
    key: { ...keyless(), privateKey: newKey() },
    seen: SEEN,
    broken: 'signature, certificate',
  },
  {
    what: 'an entry whose time was altered',
    entry: US,
    key: early,
    seen: SEEN,
    alter: (material) => withEntry(material, { integratedTime: String(Math.floor((NOW - 2 * HOUR) / 1000) + 60) }),
    broken: 'transparency log, signing time, certificate',
  },
  {
    what: 'an entry whose promise was altered',
    entry: US,
    seen: SEEN,
    alter: (material) => withEntry(material, { inclusionPromise: { signedEntryTimestamp: Buffer.alloc(70, 1) } }),
    broken: 'transparency log, signing time, certificate',
  },
  {
    what: 'an entry of another signature',
    entry: US,
    seen: SEEN,
    alter: (material) => {
      const other = readLegacy(
        signLegacy(simpleSigning(DIGEST), keyless(), SEEN).annotations,
        Buffer.from(simpleSigning(DIGEST)),
      );
      return { ...material, logEntries: other.ok ? other.material.logEntries : assert.fail() };
    },
    broken: 'transparency log, signing time, certificate',
  },
  {
    what: 'an entry twice',
    entry: US,
    seen: SEEN,
    alter: ({ logEntries, ...material }) => ({ ...material, logEntries: [...logEntries, ...logEntries] }),
    broken: 'certificate',
  },
  {
    what: 'a timestamp over another signature',
    entry: QUIET,
    alter: (material) => ({ ...material, timestamps: [timestamps.stamp(Buffer.from('another'), NOW)] }),
    broken: 'signing time, certificate',
  },
  {
    what: 'a timestamp that is none beside one that holds',
    entry: QUIET,
    seen: { at: NOW, timestamps },
    alter: (material) => ({ ...material, timestamps: [Buffer.from('none'), ...material.timestamps] }),
    broken: '',
  },
  {
    what: 'a certificate that is none',
    entry: US,
    seen: SEEN,
    alter: (material) => ({ ...material, certificate: Buffer.from('none') }),
    broken: 'certificate',
  },
];
