import type { RegistriesPolicy } from '../../core/policy/schema.ts';
import { isProxyExempt } from '../../platform/proxy-choice.ts';

/**
 * The proxy through which a URL is asked; null for a direct connection. A proxy looks names up itself, where no address can
 * be checked, so it is used only where the policy says by name which hosts may be asked. The environment's proxies are
 * never used.
 */
export function proxyFor({ allow, proxy }: RegistriesPolicy, url: URL): string | null {
  if (proxy === null || allow === null) return null;
  return proxy.noProxy.some((rule) => isProxyExempt(rule, url)) ? null : proxy.url;
}
