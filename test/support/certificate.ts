import { generateKeyPairSync, randomBytes } from 'node:crypto';
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

/** Who a client is to a server that believes its certificate's authority. */
export interface TestSubject {
  /** Its common name: to an API server the user. */
  readonly name: string;
  /** Its organizations: to an API server the groups. */
  readonly groups?: readonly string[];
}

/** A certificate for a client: without a subject what an API server would show. */
export function issueTestClient(
  authority: CertificatePair,
  subject: TestSubject = { name: 'kube-apiserver' },
): CertificatePair {
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const issuer = forge.pki.certificateFromPem(authority.certificate);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(keys.publicKey);
  certificate.serialNumber = `01${randomBytes(8).toString('hex')}`;
  certificate.validity.notBefore = new Date(Date.now() - 60_000);
  certificate.validity.notAfter = new Date(Date.now() + DAY);
  certificate.setSubject([
    ...(subject.groups ?? []).map((value) => ({ name: 'organizationName', value })),
    { name: 'commonName', value: subject.name },
  ]);
  certificate.setIssuer(issuer.subject.attributes);
  certificate.setExtensions([
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', clientAuth: true },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(authority.key), forge.md.sha256.create());
  return { certificate: forge.pki.certificateToPem(certificate), key: keys.privateKey };
}
