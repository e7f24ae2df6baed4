import { BlockList, isIP } from 'node:net';

/**
 * The proxy that the environment names for a URL, as curl and git read it: `https_proxy`, `http_proxy` (small letters only: a CGI
 * request sets the others), `all_proxy`, `no_proxy`. Null for a direct connection.
 */
export function environmentProxy(environment: Readonly<Record<string, string | undefined>>, url: URL): string | null {
  const first = (...names: string[]): string | null =>
    names.map((name) => environment[name]?.trim()).find((value) => value !== undefined && value !== '') ?? null;
  const own = url.protocol === 'http:' ? first('http_proxy') : first('https_proxy', 'HTTPS_PROXY');
  const proxy = own ?? first('all_proxy', 'ALL_PROXY');
  if (proxy === null || isExemptFrom(first('no_proxy', 'NO_PROXY') ?? '', url)) return null;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** Is a URL asked without a proxy by a list as in NO_PROXY, between commas or white space? */
export function isExemptFrom(list: string, url: URL): boolean {
  return list.split(/[\s,]+/).some((rule) => rule !== '' && isProxyExempt(rule, url));
}

/**
 * Is a URL asked without a proxy by this rule? As Go and curl read NO_PROXY: `*`, a host and what is below it, `.corp`, `*.corp`,
 * each with a port or not, addresses and CIDR ranges.
 */
export function isProxyExempt(rule: string, url: URL): boolean {
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
