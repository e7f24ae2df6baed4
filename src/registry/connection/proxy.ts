import { BlockList, isIP } from 'node:net';
import type { RegistriesPolicy } from '../../core/policy/schema.ts';

/**
 * The proxy through which a URL is asked; null for a direct connection. A proxy looks names up itself, where no address can
 * be checked, so it is used only where the policy says by name which hosts may be asked. The environment's proxies are
 * never used.
 */
export function proxyFor({ allow, proxy }: RegistriesPolicy, url: URL): string | null {
  if (proxy === null || allow === null) return null;
  return proxy.noProxy.some((rule) => isExempt(rule, url)) ? null : proxy.url;
}

/** As Go and curl read NO_PROXY: `*`, a host and what is below it, `.corp`, `*.corp`, each with a port or not, addresses and CIDR ranges. */
function isExempt(rule: string, url: URL): boolean {
  const hostname = url.hostname.replace(/\.$/, '').replace(/^\[|\]$/g, '');
  const text = rule.trim().toLowerCase();
  if (text === '*') return true;
  if (text.includes('/')) return isInRange(text, hostname);
  const port = /^(?:[^:]*|\[.*\]):(?<port>\d+)$/.exec(text)?.groups?.['port'];
  const host = (port === undefined ? text : text.slice(0, -port.length - 1)).replace(/^\[|\]$/g, '');
  if (port !== undefined && port !== portOf(url)) return false;
  if (isIP(host) !== 0 || isIP(hostname) !== 0) return host === hostname;
  const suffix = host.replace(/^\*?\./, '');
  const isBelow = hostname.endsWith(`.${suffix}`);
  return suffix !== '' && (isBelow || (host === suffix && hostname === suffix));
}

function isInRange(range: string, hostname: string): boolean {
  const [address = '', bits = ''] = range.split('/');
  const family = isIP(address);
  if (family === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128) || isIP(hostname) === 0) {
    return false;
  }
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return list.check(hostname, isIP(hostname) === 4 ? 'ipv4' : 'ipv6');
}

function portOf(url: URL): string {
  return url.port === '' ? (url.protocol === 'http:' ? '80' : '443') : url.port;
}
