import { isIP } from 'node:net';
import { isAllowedHost } from '../core/policy/match.ts';
import type { RegistryHostPolicy } from '../core/policy/schema.ts';
import { classifyAddress, isInternalName } from './connection/address.ts';
import {
  type ClientCertificate,
  joinAuthorities,
  type OwnConnection,
  type RegistrySettings,
} from './connection/own.ts';
import { type Endpoint, findEntry, hostOf } from './endpoint.ts';
import { RegistryError } from './error.ts';

/** Leave to send a request to a URL's host, and on which terms. */
export interface Permit {
  readonly url: URL;
  /** The host as policies name it. */
  readonly host: string;
  /** May it be at a private address? Only what the policy lists; checked again when the connection stands. */
  readonly privateAddresses: boolean;
  /** PEM, added to the system's; null for the system's alone. */
  readonly certificateAuthority: string | null;
  readonly clientCertificate: ClientCertificate | null;
  readonly requestsPerSecond: number | null;
}

/** Leave to ask a token service. */
export interface RealmPermit extends Permit {
  /** May it be shown the registry's credentials? */
  readonly credentials: boolean;
}

/** Token services on another host than their registry, known to belong to it. Others are named by `authRealms`. */
const KNOWN_REALMS: ReadonlyMap<string, string> = new Map([
  ['docker.io', 'auth.docker.io'],
  ['registry-1.docker.io', 'auth.docker.io'],
  ['registry.gitlab.com', 'gitlab.com'],
]);

/**
 * Leave to ask a registry.
 *
 * @returns the permit; throws `PrivateAddress` and `ForbiddenAddress`.
 */
export function permitRegistry(endpoint: Endpoint): Permit {
  return permit(endpoint.base, endpoint.host, endpoint.entry, endpoint.own);
}

/**
 * Leave to go where an answer redirects to. It may not leave TLS, unless the policy lists the new host with `plainHttp`, and
 * is checked like a registry that an image names.
 *
 * @param from the URL that answered.
 * @param location the header, resolved against `from`.
 * @returns the permit; throws `NotAllowed` reasons, and `NotUnderstood` for what is no URL.
 */
export function permitRedirect(settings: RegistrySettings, from: Permit, location: string | null): Permit {
  const url = location === null || location.length > 8192 ? null : URL.parse(location, from.url.href);
  if (url === null) throw new RegistryError('NotUnderstood', { host: from.host });
  if (url.origin === from.url.origin && !hasUser(url)) return { ...from, url };
  const host = hostOf(url);
  const entry = findEntry(settings, host);
  const isPlain = url.protocol === 'http:' && from.url.protocol === 'http:' && entry?.plainHttp === true;
  if ((url.protocol !== 'https:' && !isPlain) || hasUser(url)) {
    throw new RegistryError('RedirectNotSafe', { host: from.host });
  }
  if (!isAllowedHost(settings, host)) {
    throw new RegistryError('RedirectNotAllowed', { host: from.host, other: nameOf(url) });
  }
  try {
    return permit(url, host, entry, settings.own ?? null);
  } catch (cause) {
    throw new RegistryError('RedirectNotAllowed', { host: from.host, other: nameOf(url) }, { cause });
  }
}

/**
 * Leave to ask the token service that a registry names (CVE-2020-15157 and its kin: a realm must not be able to collect
 * credentials, or to reach into the network).
 *
 * The registry's credentials go to its own host and port, to a known pair such as Docker Hub's, and to its `authRealms`.
 * Others are asked anonymously, where the policy allows their hosts.
 *
 * @returns the permit; throws `NotAllowed` reasons.
 */
export function permitRealm(settings: RegistrySettings, endpoint: Endpoint, realm: string): RealmPermit {
  const { host: registry, base, entry, own: connection } = endpoint;
  const url = realm.length > 8192 ? null : URL.parse(realm);
  const isPlain = url?.protocol === 'http:' && base.protocol === 'http:';
  if (url === null || (url.protocol !== 'https:' && !isPlain) || hasUser(url)) {
    throw new RegistryError('RealmNotSafe', { host: registry });
  }
  url.hash = '';
  if (url.origin === base.origin) return { ...permit(url, registry, entry, connection), credentials: true };

  const host = hostOf(url);
  const own = findEntry(settings, host);
  const other = nameOf(url);
  try {
    // A realm that the registry's entry names may be private, as a realm only, and is likely of the same authority.
    if (entry?.authRealms.includes(host) === true) {
      const { certificateAuthority, requestsPerSecond } = own ?? { ...entry, requestsPerSecond: null };
      return {
        ...permit(url, host, { ...entry, certificateAuthority, requestsPerSecond }, connection),
        credentials: true,
      };
    }
    const isKnown = KNOWN_REALMS.get(registry) === host && url.protocol === 'https:';
    if (!isKnown && (!isAllowedHost(settings, host) || (isPlain && own?.plainHttp !== true))) {
      throw new RegistryError('HostNotAllowed', { host });
    }
    return { ...permit(url, host, own, connection), credentials: isKnown };
  } catch (cause) {
    throw new RegistryError('RealmNotAllowed', { host: registry, other }, { cause });
  }
}

/** The address is checked here where the host is one, in any spelling: the URL parser has made it canonical. */
function permit(url: URL, host: string, entry: RegistryHostPolicy | null, own: OwnConnection | null): Permit {
  const hostname = url.hostname.replace(/\.$/, '').replace(/^\[|\]$/g, '');
  const address = isIP(hostname) === 0 ? 'public' : classifyAddress(hostname);
  if (address === 'forbidden') throw new RegistryError('ForbiddenAddress', { host });
  if (entry === null && (address === 'private' || isInternalName(hostname))) {
    throw new RegistryError('PrivateAddress', { host });
  }
  return {
    url,
    host,
    privateAddresses: entry !== null,
    certificateAuthority: joinAuthorities(entry?.certificateAuthority ?? null, own?.certificateAuthority ?? null),
    clientCertificate: own?.host === host ? own.clientCertificate : null,
    requestsPerSecond: entry?.requestsPerSecond ?? null,
  };
}

function hasUser(url: URL): boolean {
  return url.username !== '' || url.password !== '';
}

/** A host for a message, unless it is an address. */
function nameOf(url: URL): string | null {
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  return isIP(hostname) === 0 ? hostOf(url) : null;
}
