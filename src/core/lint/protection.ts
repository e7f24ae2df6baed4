import type { Policy } from '../policy/schema.ts';
import type { PolicyFinding } from './finding.ts';

/** Finds entries of `sweep.protect` that protect nothing, since what they name is no property of their kind. */
export function lintProtection({ sweep }: Pick<Policy, 'sweep'>): readonly PolicyFinding[] {
  return sweep.protect.flatMap((entry, index) => {
    const { kind } = entry;
    if (kind === null || kind === 'Application') return [];
    const keys = (['project', 'repository', 'branch', 'path'] as const).filter((key) => entry[key] !== null);
    return keys.map((key): PolicyFinding => {
      const message = `protects nothing: only an Application has a ${key}, and the kind is ${kind}: remove one of the two`;
      return { code: 'MatchesNothing', path: ['sweep', 'protect', index, key], message };
    });
  });
}
