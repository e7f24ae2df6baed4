import { createPrivateKey, X509Certificate } from 'node:crypto';
import { pemProblem } from '../../core/policy/grammar/pem.ts';
import type { ConnectionSource } from '../../core/target/connection.ts';
import { type Cache, createCache } from '../../platform/cache.ts';
import type { KubernetesClient } from '../client.ts';
import { isKubernetesError } from '../request/error.ts';
import { readSecretValues } from './secret-values.ts';

/** What the Secrets hold by which an object says how its registry is connected to. */
export interface ConnectionValues {
  /** PEM. */
  readonly certificateAuthority: string | null;
  /** Both PEM. */
  readonly clientCertificate: { readonly certificate: string; readonly key: string } | null;
  /** URL, with its user and password. */
  readonly proxy: string | null;
}

/** The values of a Secret; or why there are none, as a sentence that has nothing of its content. */
export type FoundSecret =
  | { readonly kind: 'read'; readonly values: Readonly<Record<string, string>> }
  /** It is for somebody to mend. */
  | { readonly kind: 'unusable'; readonly problem: string }
  /** It may be known a little later. */
  | { readonly kind: 'failed'; readonly problem: string };

export type FoundConnection =
  | { readonly kind: 'read'; readonly values: ConnectionValues }
  | Exclude<FoundSecret, { kind: 'read' }>;

/** Reads the Secrets that OCIRepositories name, each by its name and in their own namespace. It never rejects. */
export interface ObjectSecrets {
  secret(namespace: string, name: string): Promise<FoundSecret>;
  connection(source: ConnectionSource): Promise<FoundConnection>;
}

/** How they are read. */
export interface ObjectSecretsOptions {
  readonly client: Pick<KubernetesClient, 'request'>;
  /** tagpin's own: nothing is read there for what an object names. */
  readonly ownNamespace: string;
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number;
}

/** One question after the other wants them; what was changed counts soon. */
const LIFE_MILLISECONDS = 10_000;
const MOST_KEPT = 200;
/** Characters; what is larger is read for every question, and seldom is: 13 MB at most are kept. */
const LARGEST_KEPT = 64 * 1024;
/** The largest bundles of certificates, those of systems, have a quarter of a million characters; a Secret may have 1 MiB. */
const LARGEST_PEM = 384 * 1024;
const READ_MILLISECONDS = 5000;

/** Makes what reads them, and keeps for seconds what it read. */
export function createObjectSecrets({ client, ownNamespace, now }: ObjectSecretsOptions): ObjectSecrets {
  const kept: Cache<FoundSecret> = createCache({ maximumEntries: MOST_KEPT, lifeMilliseconds: LIFE_MILLISECONDS, now });

  async function read(namespace: string, name: string): Promise<FoundSecret> {
    try {
      const values = await readSecretValues(client, { namespace, name }, AbortSignal.timeout(READ_MILLISECONDS));
      return values === null ? unusable(`Secret ${name} is not there`) : { kind: 'read', values };
    } catch (error) {
      if (error instanceof RangeError) return unusable(`Secret ${name} is not there: that is no name`);
      if (isKubernetesError(error, 'Forbidden')) {
        return unusable(`Secret ${name} may not be read: tagpin has no permission to get it`);
      }
      return { kind: 'failed', problem: `Secret ${name} could not be read: the API server gave no answer in time` };
    }
  }

  async function secret(namespace: string, name: string): Promise<FoundSecret> {
    if (namespace === ownNamespace) {
      return unusable(`Secret ${name} is in tagpin's own namespace, where none is read for what an object names`);
    }
    const key = `${namespace}/${name}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const found = await kept.share(key, Number.NEGATIVE_INFINITY, () => read(namespace, name)).result;
    if (found.kind === 'read' && sizeOf(found.values) <= LARGEST_KEPT) kept.set(key, found);
    return found;
  }

  return {
    secret,
    async connection({ namespace, certificateSecret, proxySecret }) {
      const named = async (name: string | null) => (name === null ? NOTHING : await secret(namespace, name));
      const certificates = await named(certificateSecret);
      if (certificates.kind !== 'read') return inField('spec.certSecretRef', certificates);
      const proxies = await named(proxySecret);
      if (proxies.kind !== 'read') return inField('spec.proxySecretRef', proxies);
      const tls = certificateSecret === null ? NO_TLS : readCertificates(certificates.values);
      if (typeof tls === 'string') return unusable(`spec.certSecretRef: Secret ${certificateSecret} ${tls}`);
      const proxy = proxySecret === null ? null : readProxy(proxies.values);
      if (proxy !== null && 'problem' in proxy) {
        return unusable(`spec.proxySecretRef: Secret ${proxySecret} ${proxy.problem}`);
      }
      return { kind: 'read', values: { ...tls, proxy: proxy?.url ?? null } };
    },
  };
}

function sizeOf(values: Readonly<Record<string, string>>): number {
  return Object.entries(values).reduce((size, [key, value]) => size + key.length + value.length, 0);
}

const NOTHING: FoundSecret = { kind: 'read', values: {} };
const NO_TLS = { certificateAuthority: null, clientCertificate: null } as const;

function inField<Found extends { readonly problem: string }>(field: string, found: Found): Found {
  return { ...found, problem: `${field}: ${found.problem}` };
}

function unusable(problem: string): { readonly kind: 'unusable'; readonly problem: string } {
  return { kind: 'unusable', problem };
}

/** What a `certSecretRef` holds, by the names that Flux has for it and by its older ones; or what is wrong with it. */
function readCertificates(values: Readonly<Record<string, string>>): Omit<ConnectionValues, 'proxy'> | string {
  const first = (...names: string[]): string | null =>
    names.map((name) => values[name]).find((value) => value !== undefined && value.trim() !== '') ?? null;
  const authority = first('ca.crt', 'caFile');
  const certificate = first('tls.crt', 'certFile');
  const key = first('tls.key', 'keyFile');
  if ([authority, certificate, key].some((text) => text !== null && text.length > LARGEST_PEM)) {
    return 'holds more than is read of certificates';
  }
  if (authority === null && certificate === null && key === null) {
    return 'holds neither ca.crt nor tls.crt and tls.key';
  }
  if ((certificate === null) !== (key === null)) return 'holds only one of tls.crt and tls.key: it takes both';
  if (authority !== null && !isCertificate(authority)) return 'has a ca.crt that is no PEM certificate';
  if (certificate === null || key === null) return { certificateAuthority: authority, clientCertificate: null };
  if (!isCertificate(certificate)) return 'has a tls.crt that is no PEM certificate';
  if (!isKeyOf(certificate, key)) return 'has a tls.key that is not the PEM key of its tls.crt';
  return { certificateAuthority: authority, clientCertificate: { certificate, key } };
}

function isCertificate(text: string): boolean {
  return pemProblem(text, 'CERTIFICATE') === null;
}

function isKeyOf(certificate: string, key: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** What a `proxySecretRef` holds: a URL, and a user with a password where it needs them. */
function readProxy(values: Readonly<Record<string, string>>): { readonly url: string } | { readonly problem: string } {
  const { address = '', username = '', password = '' } = values;
  const url = URL.parse(address.trim());
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    return { problem: 'has no address that is a URL such as http://proxy.example:3128' };
  }
  if (username !== '') {
    url.username = encodeURIComponent(username);
    url.password = encodeURIComponent(password);
  }
  return { url: url.origin.replace('//', `//${userOf(url)}`) };
}

function userOf({ username, password }: URL): string {
  if (username === '') return '';
  return `${username}${password === '' ? '' : `:${password}`}@`;
}
