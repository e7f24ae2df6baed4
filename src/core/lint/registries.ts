import type { Policy } from '../policy/schema.ts';
import { isNeverAsked, registryOf } from './allowed.ts';
import type { PolicyFinding } from './finding.ts';

/** Finds what is to be pinned from registries that the policy itself leaves out, and settings of hosts that are never asked. */
export function lintRegistries({ rules, registries, defaults }: Policy): readonly PolicyFinding[] {
  const { allow, hosts } = registries;
  const isPinning = defaults.action === 'pin' || rules.some(({ action }) => action === 'pin');
  const findings: PolicyFinding[] = [];
  if (allow?.length === 0 && hosts.length === 0 && isPinning) {
    const message = 'is empty, so no registry is ever asked and nothing is pinned: list the hosts, or remove it';
    return [{ code: 'NotAllowed', path: ['registries', 'allow'], message }];
  }
  for (const [index, { action, match }] of rules.entries()) {
    if (action !== 'pin') continue;
    for (const [at, glob] of (match.images ?? []).entries()) {
      if (!isNeverAsked(glob, registries)) continue;
      const message = `can't be pinned: registries.allow leaves out ${registryOf(glob)}: add it there, or let the rule ignore it`;
      findings.push({ code: 'NotAllowed', path: ['rules', index, 'match', 'images', at], message });
    }
  }
  return [...findings, ...mirrored(hosts)];
}

/** What is asked at a mirror is asked as the mirror's own entry says. */
function mirrored(hosts: Policy['registries']['hosts']): readonly PolicyFinding[] {
  return hosts.flatMap((entry, index) => {
    if (entry.mirror === null) return [];
    const mirror = registryOf(entry.mirror);
    if (mirror === entry.host) return [];
    const given = {
      plainHttp: entry.plainHttp,
      certificateAuthority: entry.certificateAuthority !== null,
      credentials: entry.credentials !== null,
      requestsPerSecond: entry.requestsPerSecond !== null,
      authRealms: entry.authRealms.length > 0,
    };
    const message = `has no effect: ${entry.host} is asked at its mirror: write it into an entry of ${mirror}`;
    return Object.entries(given).flatMap(([key, isGiven]): readonly PolicyFinding[] =>
      isGiven ? [{ code: 'NoEffect', path: ['registries', 'hosts', index, key], message }] : [],
    );
  });
}
