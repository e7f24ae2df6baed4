import { isIP } from 'node:net';
import { isProxyExempt } from '../../platform/network/proxy-choice.ts';
import { hostOf } from '../endpoint.ts';
import { RegistryError } from '../error.ts';
import { classifyAddress, isInternalName } from './address.ts';
import type { RegistrySettings } from './own.ts';

/** A proxy, and where it may be. */
export interface ProxyReach {
  /** With its user and password, where it needs them. */
  readonly url: string;
  /** May it be at a private address? */
  readonly privateAddresses: boolean;
}

/**
 * The proxy through which a URL is asked; null for a direct connection. A proxy looks names up itself, where no address can
 * be checked, so the policy's is used only where that says by name which hosts may be asked. One that an object names may be at a
 * private address only where the policy lists its host, and says by name which hosts may be asked. The environment's proxies are
 * never used.
 *
 * @returns the proxy; throws `PrivateProxy`.
 */
export function proxyFor(settings: RegistrySettings, url: URL): ProxyReach | null {
  const { allow, proxy, own } = settings;
  if (own !== undefined && own.proxy !== null) return ownProxy(settings, own.proxy, own.host);
  if (proxy === null || allow === null) return null;
  if (proxy.noProxy.some((rule) => isProxyExempt(rule, url))) return null;
  return { url: proxy.url, privateAddresses: true };
}

function ownProxy({ allow, hosts }: RegistrySettings, url: string, registry: string): ProxyReach {
  const parsed = new URL(url);
  const hostname = parsed.hostname.replace(/\.$/, '').replace(/^\[|\]$/g, '');
  // Without a port a policy's host is that of HTTPS.
  const name = `${hostOf(parsed)}${parsed.protocol === 'http:' && parsed.port === '' ? ':80' : ''}`;
  const privateAddresses = allow !== null && hosts.some(({ host }) => host === name);
  const address = isIP(hostname) !== 0 ? classifyAddress(hostname) : isInternalName(hostname) ? 'private' : 'public';
  if (address === 'forbidden' || (address === 'private' && !privateAddresses)) {
    throw new RegistryError('PrivateProxy', { host: registry });
  }
  return { url, privateAddresses };
}
