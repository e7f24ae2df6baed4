import { parseHost } from './host.ts';
import type { Path } from './yaml/problem.ts';

/** A problem and the path of what it is about. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
}

/**
 * Finds what is wrong between the parts of a policy though each may be well formed: names and hosts that repeat, settings that
 * need another. It reads the raw document, so that these are told together with everything else.
 */
export function findContradictions(policy: unknown): readonly Finding[] {
  const registries = field(policy, 'registries');
  return [
    ...repeated(policy, ['rules'], 'name', 'rule', (name) => name),
    ...repeated(policy, ['verify'], 'name', 'entry', (name) => name),
    ...repeated(registries, ['registries', 'hosts'], 'host', 'entry', canonicalHost),
    ...proxyWithoutAllow(registries),
    ...verifyEntries(field(policy, 'verify')),
    ...emptyProtections(field(field(policy, 'sweep'), 'protect')),
  ];
}

function repeated(
  holder: unknown,
  path: readonly string[],
  key: string,
  what: string,
  canonical: (text: string) => string,
): readonly Finding[] {
  const seen = new Set<string>();
  return items(field(holder, path.at(-1) ?? '')).flatMap((item, index) => {
    const written = field(item, key);
    if (typeof written !== 'string') return [];
    const name = canonical(written);
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [{ path: [...path, index, key], message: `an earlier ${what} has the ${key} ${JSON.stringify(written)}` }];
  });
}

function proxyWithoutAllow(registries: unknown): readonly Finding[] {
  // Behind a proxy no address can be checked before it is asked, so the names must be.
  const isAlone = field(registries, 'proxy') !== undefined && field(registries, 'allow') === undefined;
  return isAlone
    ? [{ path: ['registries', 'proxy'], message: 'a proxy goes only with registries.allow: list the hosts' }]
    : [];
}

function verifyEntries(verify: unknown): readonly Finding[] {
  return items(verify).flatMap((entry, index) => {
    const identities = items(field(entry, 'identities'));
    if (items(field(entry, 'keys')).length === 0 && identities.length === 0) {
      return [{ path: ['verify', index], message: 'it needs keys or identities: whose signature counts?' }];
    }
    return identities.flatMap((identity, at) => identityParts(identity, ['verify', index, 'identities', at]));
  });
}

function identityParts(identity: unknown, path: Path): readonly Finding[] {
  return ['issuer', 'subject'].flatMap((part) => {
    const written = [part, `${part}Pattern`].filter((key) => field(identity, key) !== undefined);
    return written.length === 1 ? [] : [{ path, message: `it needs either ${part} or ${part}Pattern` }];
  });
}

function emptyProtections(protect: unknown): readonly Finding[] {
  return items(protect).flatMap((entry, index) =>
    typeof entry === 'object' && entry !== null && Object.keys(entry).length === 0
      ? [{ path: ['sweep', 'protect', index], message: 'it names nothing: give a kind, project, repository or labels' }]
      : [],
  );
}

function canonicalHost(written: string): string {
  const parsed = parseHost(written);
  return parsed.ok ? parsed.host : written;
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
