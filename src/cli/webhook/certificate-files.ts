import { resolve } from 'node:path';
import { describeError } from '../../platform/log.ts';
import {
  CertificateError,
  type CertificateFiles,
  readCertificate,
  type ServingCertificate,
  watchCertificate,
} from '../../webhook/certificate.ts';
import type { CertificatePaths } from '../configuration.ts';
import { CommandError, type CommandIO } from '../output.ts';
import type { Instruments } from './serve.ts';

/**
 * Reads the certificate that a webhook begins with.
 *
 * @param clientAuthority the file of `--client-ca`, null without.
 * @returns the certificate, and its files with their whole paths.
 * @throws CommandError 2 where one is not what it should be, 3 where one can't be read.
 */
export async function readFirstCertificate(
  io: CommandIO,
  paths: CertificatePaths,
  clientAuthority: string | null,
): Promise<{ readonly files: CertificateFiles; readonly certificate: ServingCertificate }> {
  const files = {
    certificate: resolve(io.directory, paths.certificate),
    key: resolve(io.directory, paths.key),
    clientAuthority: clientAuthority === null ? null : resolve(io.directory, clientAuthority),
  };
  try {
    return { files, certificate: await readCertificate(files) };
  } catch (error) {
    throw explainCertificateError(error);
  }
}

/** What the command says of a certificate that can't be used; other errors are given back as they are. */
export function explainCertificateError(error: unknown): unknown {
  if (!(error instanceof CertificateError)) return error;
  const next = 'tagpin certificates makes one for development';
  return new CommandError(error.code === 'Unreadable' ? 3 : 2, `webhook: ${error.message}: ${next}`, { cause: error });
}

/**
 * Serves a certificate, and each that takes its place in its files.
 *
 * @returns ends that.
 */
export function followCertificateFiles(
  first: { readonly files: CertificateFiles; readonly certificate: ServingCertificate },
  serve: (certificate: ServingCertificate) => void,
  { log, webhookMetrics }: Instruments,
): () => void {
  const { files, certificate } = first;
  serve(certificate);
  return watchCertificate(files, certificate, {
    renewed(next) {
      serve(next);
      log.info('certificate renewed', { file: files.certificate, expires: next.expires.toISOString() });
    },
    refused(error) {
      webhookMetrics.certificate(null);
      log.error('certificate refused, the last good one stays', { error: describeError(error) });
    },
  });
}
