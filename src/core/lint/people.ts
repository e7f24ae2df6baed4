import { compileGlob } from '../policy/grammar/glob.ts';
import type { Policy } from '../policy/schema.ts';
import type { PolicyFinding } from './finding.ts';

/** A person, a workload of a team, and a deployer: nobody of them is a controller of Kubernetes' own. */
const ORDINARY = [
  'jane@example.com',
  'system:serviceaccount:shop:default',
  'system:serviceaccount:argocd:argocd-application-controller',
];

/** Finds globs of `defaults.systemUsers` that let anybody past what denies. */
export function lintSystemUsers({ defaults }: Pick<Policy, 'defaults'>): readonly PolicyFinding[] {
  return defaults.systemUsers.flatMap((glob, index) => {
    // Without a wildcard somebody is meant.
    const user = glob.includes('*') ? ORDINARY.find(compileGlob(glob)) : undefined;
    if (user === undefined) return [];
    const message = `${JSON.stringify(glob)} is also ${user}, for whom rules that deny would only be reported: name Kubernetes' own controllers`;
    return [{ code: 'SystemUsers', path: ['defaults', 'systemUsers', index], message }];
  });
}
