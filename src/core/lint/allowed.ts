import { isAllowedHost } from '../policy/match.ts';
import type { RegistriesPolicy } from '../policy/schema.ts';

/**
 * May no registry of a glob of images be asked? Only a registry that is written out can be judged: of one with a wildcard the
 * answer is no.
 */
export function isNeverAsked(glob: string, registries: RegistriesPolicy): boolean {
  if (registries.allow === null) return false;
  const registry = glob.split('/', 1)[0] ?? '';
  return !registry.includes('*') && !isAllowedHost(registries, registry);
}

/** `ghcr.io` of `ghcr.io/acme/**`. */
export function registryOf(glob: string): string {
  return glob.split('/', 1)[0] ?? '';
}
