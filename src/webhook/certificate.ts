import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { reloadOnChange } from '../platform/process/reload.ts';

/** Where a serving certificate is: PEM files, the certificate's with its chain behind it. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
  /** The authorities of clients' certificates; null where clients need none. */
  readonly clientAuthority: string | null;
}

/** A certificate that can be served, its key, and who vouches for clients. The key must never be printed. */
export interface ServingCertificate {
  readonly certificate: string;
  readonly key: string;
  readonly clientAuthority: string | null;
  readonly expires: Date;
}

/** A certificate that can't be served. The message names the file, and holds no byte of a key. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  /** `Unreadable`: there is no such file, or it is not ours to read. `Invalid`: it is not what it should be. */
  readonly code: 'Unreadable' | 'Invalid';

  constructor(code: 'Unreadable' | 'Invalid', message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Reads a certificate and its key, and checks that they belong together.
 *
 * @throws CertificateError
 */
export async function readCertificate(files: CertificateFiles): Promise<ServingCertificate> {
  const certificate = await readPem(files.certificate);
  const key = await readPem(files.key);
  const clientAuthority = files.clientAuthority === null ? null : await readPem(files.clientAuthority);
  const parsed = parseCertificate(files.certificate, certificate);
  if (!parsed.checkPrivateKey(parseKey(files.key, key))) {
    throw new CertificateError('Invalid', `${files.key}: it is not the key of ${files.certificate}`);
  }
  if (files.clientAuthority !== null) parseCertificate(files.clientAuthority, clientAuthority ?? '');
  try {
    // The rest of a chain, and keys that are too weak to be served.
    createSecureContext({ cert: certificate, key, ...(clientAuthority !== null && { ca: clientAuthority }) });
  } catch (cause) {
    throw new CertificateError('Invalid', `${files.certificate}: it can not be served`, { cause });
  }
  return { certificate, key, clientAuthority, expires: parsed.validToDate };
}

/** What became of files that have changed. */
export interface RenewalNews<T> {
  readonly renewed: (next: T) => void;
  /** The last good one stays. */
  readonly refused: (error: unknown) => void;
}

/**
 * Reads a certificate again whenever one of its files changes. What can't be served is told, and nothing else happens: the
 * last good one stays.
 *
 * @returns ends the watch.
 */
export function watchCertificate(
  files: CertificateFiles,
  served: ServingCertificate,
  tell: RenewalNews<ServingCertificate>,
): () => void {
  const paths = [files.certificate, files.key, ...(files.clientAuthority === null ? [] : [files.clientAuthority])];
  const isSame = (one: ServingCertificate, other: ServingCertificate): boolean =>
    one.certificate === other.certificate && one.key === other.key && one.clientAuthority === other.clientAuthority;
  return watchReading({ paths, first: served, read: () => readCertificate(files), isSame, tell });
}

/**
 * Reads the authorities of clients' certificates.
 *
 * @throws CertificateError
 */
export async function readAuthorities(path: string): Promise<string> {
  const text = await readPem(path);
  parseCertificate(path, text);
  return text;
}

/**
 * Reads such authorities again whenever their file changes; bad ones are told, and the last good ones stay.
 *
 * @returns ends the watch.
 */
export function watchAuthorities(path: string, served: string, tell: RenewalNews<string>): () => void {
  const isSame = (one: string, other: string): boolean => one === other;
  return watchReading({ paths: [path], first: served, read: () => readAuthorities(path), isSame, tell });
}

function watchReading<T>(options: {
  readonly paths: readonly string[];
  readonly first: T;
  readonly read: () => Promise<T>;
  readonly isSame: (one: T, other: T) => boolean;
  readonly tell: RenewalNews<T>;
}): () => void {
  const { paths, read, isSame, tell } = options;
  let last = options.first;
  let lastProblem = '';
  return reloadOnChange(paths, async () => {
    try {
      const next = await read();
      lastProblem = '';
      if (isSame(next, last)) return 'done';
      tell.renewed(next);
      last = next;
      return 'done';
    } catch (error) {
      const problem = String(error);
      if (problem !== lastProblem) tell.refused(error);
      lastProblem = problem;
      // What can't be read just now may be there again without a change: too many open files, say.
      return error instanceof CertificateError && error.code === 'Invalid' ? 'done' : 'again';
    }
  });
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    const problem = code === 'ENOENT' ? 'there is no such file' : `the file can not be read (${code})`;
    throw new CertificateError('Unreadable', `${path}: ${problem}`, { cause });
  }
}

function parseCertificate(path: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw new CertificateError('Invalid', `${path}: it holds no certificate in PEM`);
  }
}

function parseKey(path: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    throw new CertificateError('Invalid', `${path}: it holds no unencrypted key in PEM`);
  }
}
