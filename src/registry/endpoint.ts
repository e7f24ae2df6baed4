import { shortDigest } from '../core/image/digest.ts';
import { byDigest, effectiveTag, type ImageReference } from '../core/image/reference.ts';
import { isAllowedHost } from '../core/policy/match.ts';
import type { RegistriesPolicy, RegistryHostPolicy } from '../core/policy/schema.ts';
import type { OwnConnection, RegistrySettings } from './connection/own.ts';
import { RegistryError } from './error.ts';

/** Where a registry is asked. */
export interface Endpoint {
  /** The host that is asked, as policies name it: the registry itself, or its mirror. */
  readonly host: string;
  /** What its paths start from: `https://registry-1.docker.io/v2/`. */
  readonly base: URL;
  /** What stands before the repository, for a mirror below a path: `hub/`, or nothing. */
  readonly prefix: string;
  readonly entry: RegistryHostPolicy | null;
  /** What somebody else than the policy says of it. */
  readonly own: OwnConnection | null;
}

/** Docker Hub's name is not where its registry is. */
const API_HOSTS: ReadonlyMap<string, string> = new Map([['docker.io', 'registry-1.docker.io']]);

/**
 * Finds where a registry is asked: there, or at the mirror that its entry names, as the mirror's own entry says. A mirror's
 * mirror is not followed.
 *
 * @param registry a canonical registry, or a host of a URL in the same form.
 * @returns the endpoint; throws `HostNotAllowed` where the policy's list leaves it out.
 */
export function findEndpoint(settings: RegistrySettings, registry: string): Endpoint {
  const [host = registry, ...path] = findEntry(settings, registry)?.mirror?.split('/') ?? [];
  if (!isAllowedHost(settings, registry) || !isAllowedHost(settings, host)) {
    throw new RegistryError('HostNotAllowed', { host: registry });
  }
  const entry = findEntry(settings, host);
  const own = settings.own ?? null;
  const isPlain = entry?.plainHttp === true || (own?.host === host && own.plainHttp);
  return {
    host,
    base: new URL(`${isPlain ? 'http' : 'https'}://${API_HOSTS.get(host) ?? host}/v2/`),
    prefix: path.map((part) => `${part}/`).join(''),
    entry,
    own,
  };
}

/** The entry of a host under `registries.hosts`; a host without one is asked with the defaults. */
export function findEntry(settings: RegistriesPolicy, host: string): RegistryHostPolicy | null {
  return settings.hosts.find((entry) => entry.host === host) ?? null;
}

/** The name under which a URL's host stands in a policy: with its port unless that is 443, as in references. */
export function hostOf(url: URL): string {
  const hostname = url.hostname.replace(/\.$/, '');
  return url.port === '' ? hostname : `${hostname}:${url.port}`;
}

/** The reference as the mirror knows it, so that the mirror gets its own credentials and nobody else's. */
export function atMirror(reference: ImageReference, { host, prefix }: Endpoint): ImageReference {
  if (host === reference.registry) return reference;
  const repository = `${prefix}${reference.repository}`;
  const name = `${host}/${repository}`;
  const text = `${name}${reference.tag === null ? '' : `:${reference.tag}`}`;
  const plain = { ...reference, text, name, registry: host, repository, digest: null };
  return reference.digest === null ? plain : { ...byDigest(plain, reference.digest), tag: reference.tag };
}

/** `library/nginx:1.27`, for messages that name the registry already. */
export function imageOf(reference: ImageReference): string {
  const { repository, digest } = reference;
  return digest === null ? `${repository}:${effectiveTag(reference)}` : `${repository}@${shortDigest(digest)}`;
}
