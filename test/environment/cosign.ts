import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FinishedProcess, runProcess } from '../support/process.ts';
import { PROGRAMS, programFile } from './programs.ts';
import type { SigstoreServices } from './sigstore-services.ts';

/** Where cosign keeps a signature: in an image under the tag `sha256-….sig`, or in a bundle that refers to the image. */
export type SignatureFormat = 'legacy' | 'bundle';

/** A key pair in files, the private key as cosign encrypts it. */
export interface CosignKey {
  readonly privateFile: string;
  /** PEM, as it stands in a policy. */
  readonly publicKey: string;
}

/** Who signs, and what vouches for the time. */
export type CosignSigner =
  | { readonly kind: 'key'; readonly key: CosignKey; readonly services?: SigstoreServices }
  | {
      readonly kind: 'identity';
      readonly services: SigstoreServices;
      readonly issuer: string;
      readonly subject: string;
      readonly log: 1 | 2 | null;
      readonly timestamps: boolean;
    };

/** A real cosign in a folder of its own; nothing of it reaches the public services. */
export interface Cosign {
  readonly folder: string;
  /** Runs it to its end, whatever comes of it. */
  run(args: readonly string[]): Promise<FinishedProcess>;
  /** A new key on the curve P-256. */
  generateKey(): Promise<CosignKey>;
  /** Takes over a key that was made elsewhere. */
  importKey(privateKey: KeyObject): Promise<CosignKey>;
  /** Signs an image, `REPOSITORY@DIGEST`. @throws AssertionError where cosign fails. */
  sign(image: string, format: SignatureFormat, signer: CosignSigner, more?: readonly string[]): Promise<void>;
  /** Signs a legacy payload, whatever it says, with a plain signature, and pushes both as this image's. */
  attach(image: string, payload: string, key: CosignKey): Promise<void>;
  /** Attests something of an image, in a bundle. */
  attest(image: string, key: CosignKey): Promise<void>;
  /** Does cosign itself verify an image with a key, no log being asked for? */
  verifies(image: string, format: SignatureFormat, key: CosignKey, more?: readonly string[]): Promise<boolean>;
}

const PASSWORD = 'canary-of-cosign';
const OFFLINE = ['--use-signing-config=false', '--tlog-upload=false'];

/** Opens one for a test. */
export function openCosign(t: { after(end: () => void): void }): Cosign {
  const folder = mkdtempSync(join(tmpdir(), 'tagpin-cosign-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  let files = 0;
  const file = (content: string): string => {
    files += 1;
    const path = join(folder, `file-${files}`);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const run = (args: readonly string[]): Promise<FinishedProcess> =>
    runProcess(programFile(PROGRAMS.cosign), args, {
      directory: folder,
      // Its trust root of the public services is neither needed nor to be fetched.
      environment: { PATH: process.env['PATH'], HOME: folder, COSIGN_PASSWORD: PASSWORD },
    });
  const succeed = async (args: readonly string[]): Promise<void> => {
    const { code, stderr } = await run(args);
    assert.equal(code, 0, `cosign ${args.join(' ')}: ${stderr}`);
  };
  const keyAt = (prefix: string): CosignKey => ({
    privateFile: `${prefix}.key`,
    publicKey: readFileSync(`${prefix}.pub`, 'utf8'),
  });
  const formatFlags = (format: SignatureFormat): readonly string[] =>
    format === 'legacy' ? ['--new-bundle-format=false'] : [];

  function signerFlags(signer: CosignSigner, format: SignatureFormat): readonly string[] {
    switch (signer.kind) {
      case 'key': {
        const { key, services } = signer;
        const where =
          services === undefined
            ? OFFLINE
            : ['--use-signing-config=false', '--rekor-url', services.url, '--trusted-root', file(services.trustedRoot)];
        return ['--key', key.privateFile, ...where];
      }
      case 'identity': {
        const { services, log, timestamps } = signer;
        const token = ['--trusted-root', file(services.trustedRoot), '--identity-token', file(services.token(signer))];
        if (format === 'bundle') {
          return [...token, '--signing-config', file(services.signingConfiguration({ log, timestamps }))];
        }
        // The old format takes no signing configuration, and knows the first version of the log alone.
        const stamps = timestamps ? ['--timestamp-server-url', `${services.url}/api/v1/timestamp`] : [];
        const uploads = log === null ? ['--tlog-upload=false'] : ['--rekor-url', services.url];
        return [...token, '--use-signing-config=false', '--fulcio-url', services.url, ...uploads, ...stamps];
      }
    }
  }

  return {
    folder,
    run,
    async generateKey() {
      files += 1;
      const prefix = join(folder, `key-${files}`);
      await succeed(['generate-key-pair', '--output-key-prefix', prefix]);
      return keyAt(prefix);
    },
    async importKey(privateKey) {
      const source = file(privateKey.export({ format: 'pem', type: 'pkcs8' }) as string);
      await succeed(['import-key-pair', '--yes', '--key', source, '--output-key-prefix', source]);
      return keyAt(source);
    },
    sign: (image, format, signer, more = []) =>
      succeed(['sign', '--yes', ...formatFlags(format), ...signerFlags(signer, format), ...more, image]),
    async attach(image, payload, { privateFile }) {
      const source = file(payload);
      const offline = ['--new-bundle-format=false', ...OFFLINE];
      const signature = `${source}.sig`;
      await succeed(['sign-blob', '--yes', '--key', privateFile, ...offline, '--output-signature', signature, source]);
      await succeed(['attach', 'signature', '--payload', source, '--signature', signature, image]);
    },
    attest(image, { privateFile }) {
      const predicate = ['--predicate', file('{"result":"bad"}'), '--type', 'https://example.com/scanned'];
      return succeed(['attest', '--yes', '--key', privateFile, ...OFFLINE, ...predicate, image]);
    },
    async verifies(image, format, { publicKey }, more = []) {
      const args = [
        'verify',
        '--insecure-ignore-tlog',
        ...formatFlags(format),
        '--key',
        file(publicKey),
        ...more,
        image,
      ];
      return (await run(args)).code === 0;
    },
  };
}
