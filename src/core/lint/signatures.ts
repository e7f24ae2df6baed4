import type { Policy } from '../policy/schema.ts';
import { isNeverAsked, registryOf } from './allowed.ts';
import type { PolicyFinding } from './finding.ts';
import { lintIdentity } from './identities.ts';
import { createEffort, globsCover } from './rules/glob-cover.ts';

/** Finds entries of `verify` that can verify nothing, whose images float, and identities that are wider than they read. */
export function lintSignatures(policy: Policy): readonly PolicyFinding[] {
  return policy.verify.flatMap((entry, index) => {
    const path = ['verify', index];
    const unasked = entry.images.flatMap((glob, at): readonly PolicyFinding[] => {
      if (!isNeverAsked(glob, policy.registries)) return [];
      const what = entry.action === 'deny' ? 'so all of it is refused' : 'so none of it verifies';
      const message = `registries.allow leaves out ${registryOf(glob)}, ${what}: add it there, or remove this`;
      return [{ code: 'NotAllowed', path: [...path, 'images', at], message }];
    });
    const identities = entry.identities.flatMap((identity, at) =>
      lintIdentity(identity, 'whole').map(
        ({ code, field, message }): PolicyFinding => ({ code, path: [...path, 'identities', at, field], message }),
      ),
    );
    return [...unasked, ...floating(policy, entry.images, path), ...identities];
  });
}

/** A signature is of a digest: of an image that is left a tag, what is pulled need not be what was verified. */
function floating(
  { rules, defaults }: Policy,
  images: readonly string[],
  path: readonly (string | number)[],
): readonly PolicyFinding[] {
  const effort = createEffort();
  const finding = (by: string): readonly PolicyFinding[] => {
    const message = `${by}, so these images stay tags, and what is pulled need not be what was signed: pin them`;
    return [{ code: 'NotPinned', path: [...path, 'images'], message }];
  };
  for (const { name, action, match } of rules) {
    // It may pin some of them: then it is not simple any more.
    if (action === 'pin') return [];
    if (action === 'deny') continue;
    const { images: globs, ...others } = match;
    if (Object.values(others).some((condition) => condition !== null)) continue;
    if (globs === null || globsCover(globs, images, 'paths', effort)) {
      return finding(`rule ${JSON.stringify(name)} says ${action}`);
    }
  }
  const { action } = defaults;
  return action === 'ignore' || action === 'warn' ? finding(`defaults.action is ${action}`) : [];
}
