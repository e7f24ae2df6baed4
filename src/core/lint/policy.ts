import type { Policy } from '../policy/schema.ts';
import type { PolicyFinding } from './finding.ts';
import { lintSystemUsers } from './people.ts';
import { lintProtection } from './protection.ts';
import { lintRegistries } from './registries.ts';
import { lintRules } from './rules/rules.ts';
import { lintSignatures } from './signatures.ts';

/** Everything of a valid policy that can't act, or does more than it says, as far as the policy alone tells. */
export function lintPolicy(policy: Policy): readonly PolicyFinding[] {
  return [
    ...lintSystemUsers(policy),
    ...lintRules(policy),
    ...lintRegistries(policy),
    ...lintSignatures(policy),
    ...lintProtection(policy),
  ];
}
