import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';
import { issueAuthority, issueServing, validFor } from '../../src/certificates/issue.ts';
import type { CertificatePair } from '../../src/certificates/pair.ts';

const DAY = 24 * 60 * 60_000;

/** An authority, and a certificate of it that serves `localhost` and `127.0.0.1`. */
export interface TestCertificates {
  readonly authority: CertificatePair;
  readonly serving: CertificatePair;
}

/** Makes an authority and a serving certificate; each call makes others. */
export async function issueTestCertificates(name = 'tagpin test'): Promise<TestCertificates> {
  const authority = await issueAuthority({ name: `${name} authority`, ...validFor(new Date(), DAY) });
  return { authority, serving: await issueTestServing(authority, name) };
}

/** Another serving certificate of an authority, valid for so many milliseconds from now. */
export function issueTestServing(authority: CertificatePair, name: string, life = DAY): Promise<CertificatePair> {
  return issueServing({ authority, name, hosts: ['localhost', '127.0.0.1'], ...validFor(new Date(), life) });
}

/** A certificate for a client: what an API server would show. */
export function issueTestClient(authority: CertificatePair): CertificatePair {
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const issuer = forge.pki.certificateFromPem(authority.certificate);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(keys.publicKey);
  certificate.serialNumber = '0102';
  certificate.validity.notBefore = new Date(Date.now() - 60_000);
  certificate.validity.notAfter = new Date(Date.now() + DAY);
  certificate.setSubject([{ name: 'commonName', value: 'kube-apiserver' }]);
  certificate.setIssuer(issuer.subject.attributes);
  certificate.setExtensions([
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', clientAuth: true },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(authority.key), forge.md.sha256.create());
  return { certificate: forge.pki.certificateToPem(certificate), key: keys.privateKey };
}
