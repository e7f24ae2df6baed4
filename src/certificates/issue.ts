import { generateKeyPair, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import forge from 'node-forge';
import { type CertificatePair, type ParsedPair, parsePair, signerProblem } from './pair.ts';

/** From when to when a certificate holds; certificates count in whole seconds. */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface AuthorityOptions extends Validity {
  /** Its common name, 1 to 64 characters. */
  readonly name: string;
}

export interface ServingOptions extends Validity {
  readonly authority: CertificatePair;
  /** Its common name, 1 to 64 characters, another than the authority's. Clients look at the hosts only. */
  readonly name: string;
  /** DNS names (also `*.example.org`) and IP addresses, one at least. */
  readonly hosts: readonly string[];
}

/** Machines whose clocks are behind trust a new certificate at once. */
const BACKDATED = 60 * 60_000;

/** X.520, ub-common-name. */
const LONGEST_NAME = 64;

/** How RFC 5280 wants new names. Forge's types say class where forge means the type of a value. */
const UTF8 = forge.asn1.Type.UTF8 as unknown as forge.asn1.Class;

/** From an hour before `now` until `milliseconds` after it. */
export function validFor(now: Date, milliseconds: number): Validity {
  return { notBefore: new Date(now.getTime() - BACKDATED), notAfter: new Date(now.getTime() + milliseconds) };
}

/**
 * A new authority: an RSA-2048 key and a self-signed certificate (RFC 5280) that may sign serving certificates only.
 *
 * @throws RangeError for a name or dates that no certificate can hold.
 */
export function issueAuthority(options: AuthorityOptions): Promise<CertificatePair> {
  return issue(options, null, [
    { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
}

/**
 * A new RSA-2048 key and a certificate for a TLS server, signed by an authority. It is never valid when the
 * authority is not.
 *
 * @throws RangeError for names, hosts or dates that no certificate can hold, or an authority that can't sign.
 */
export async function issueServing(options: ServingOptions): Promise<CertificatePair> {
  const { authority, hosts, name } = options;
  if (hosts.length === 0) throw new RangeError('a serving certificate needs a host');
  const parsed = parsePair(authority);
  const problem = parsed.ok ? signerProblem(parsed.pair) : parsed.problem;
  if (!parsed.ok || problem !== null) throw new RangeError(`the authority can not sign: ${problem}`);
  const issuer = { parsed: parsed.pair, forged: forge.pki.certificateFromPem(authority.certificate) };
  const { validFromDate, validToDate } = parsed.pair.certificate;
  const notBefore = options.notBefore > validFromDate ? options.notBefore : validFromDate;
  const notAfter = options.notAfter < validToDate ? options.notAfter : validToDate;
  return issue({ name, notBefore, notAfter }, issuer, [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: hosts.map(alternativeName) },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: keyIdentifierOf(issuer.forged) },
  ]);
}

/** An authority twice: as checked by node:crypto, and as forge needs it to copy the name and the key's identifier. */
interface Issuer {
  readonly parsed: ParsedPair;
  readonly forged: forge.pki.Certificate;
}

async function issue(options: AuthorityOptions, issuer: Issuer | null, extensions: object[]): Promise<CertificatePair> {
  const { name, notBefore, notAfter } = options;
  if (name === '' || name.length > LONGEST_NAME) throw new RangeError(`not a common name: ${JSON.stringify(name)}`);
  if (!(notBefore < notAfter)) throw new RangeError('a certificate must begin before it ends');
  const { publicKey, privateKey: key } = await newKeyPair();
  const certificate = forge.pki.createCertificate();
  const subject = [{ name: 'commonName', value: name, valueTagClass: UTF8 }];
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = serialNumber();
  certificate.validity.notBefore = notBefore;
  certificate.validity.notAfter = notAfter;
  certificate.setSubject(subject);
  certificate.setIssuer(issuer === null ? subject : nameOf(issuer.forged));
  certificate.setExtensions(extensions);
  const signer = issuer === null ? key : issuer.parsed.key.export({ type: 'pkcs8', format: 'pem' }).toString();
  certificate.sign(forge.pki.privateKeyFromPem(signer), forge.md.sha256.create());
  const made = { certificate: unixLines(forge.pki.certificateToPem(certificate)), key };
  const parsed = parsePair(made);
  const by = issuer === null && parsed.ok ? parsed.pair.certificate : issuer?.parsed.certificate;
  // An unusual authority (a name in several parts, say) may come out of forge otherwise than it went in.
  if (!parsed.ok || by === undefined || !parsed.pair.certificate.checkIssued(by)) {
    throw new RangeError('the authority can not sign: its name can not be copied faithfully');
  }
  return made;
}

function newKeyPair() {
  return promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

/** 16 random bytes in hex; the first bits make it positive and keep its length (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString('hex');
}

/** The authority's name. Forge reads UTF-8 as bytes and would encode it once more when it writes. */
function nameOf(authority: forge.pki.Certificate): forge.pki.CertificateField[] {
  return authority.subject.attributes.map((attribute) =>
    attribute.valueTagClass === UTF8 && typeof attribute.value === 'string'
      ? { ...attribute, value: forge.util.decodeUtf8(attribute.value) }
      : attribute,
  );
}

/** The identifier that the authority gives its key, which need not be the hash that forge would take. */
function keyIdentifierOf(authority: forge.pki.Certificate): string {
  const extension: { subjectKeyIdentifier?: string } | undefined = authority.getExtension('subjectKeyIdentifier');
  return extension?.subjectKeyIdentifier === undefined
    ? authority.generateSubjectKeyIdentifier().getBytes()
    : forge.util.hexToBytes(extension.subjectKeyIdentifier);
}

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i;

/** A name in the subjectAltName extension: type 7 an address, type 2 a DNS name. */
function alternativeName(host: string) {
  const problem = hostProblem(host);
  if (problem !== null) throw new RangeError(`${JSON.stringify(host)}: ${problem}`);
  if (isIP(host) === 0) return { type: 2, value: host.toLowerCase() };
  // The URL parser writes every spelling of an IPv6 address in one way, also those that forge can't read.
  return { type: 7, ip: isIP(host) === 4 ? host : new URL(`http://[${host}]`).hostname.slice(1, -1) };
}

/** Why a certificate can't be issued for a host; null where it can. */
export function hostProblem(host: string): string | null {
  if (host === '') return 'a host is empty';
  if (isIP(host) !== 0) return host.includes('%') ? 'an address of a certificate has no zone' : null;
  const labels = host.replace(/^\*\./, '').split('.');
  if (host.length > 253 || !labels.every((label) => LABEL.test(label))) {
    return 'not a DNS name or an IP address (no scheme, port or final dot)';
  }
  return /^[0-9]+$/.test(labels.at(-1) ?? '') ? 'not an IP address' : null;
}

function unixLines(pem: string): string {
  return pem.replaceAll('\r\n', '\n');
}
