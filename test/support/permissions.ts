import assert from 'node:assert/strict';
import type { ControlPlane } from '../environment/control-plane.ts';
import type { Rendered } from './chart.ts';

/** What a ServiceAccount of `tagpin-system` may do, as the API server itself judges it. */
export interface Permissions {
  /** `get secrets/NAME NAMESPACE`, `create leases.coordination.k8s.io NAMESPACE`, `patch namespaces/NAME`. */
  may(question: string): Promise<boolean>;
  /** The rules of a namespace that not everybody has, as `verbs resources names`, sorted. */
  rules(namespace: string): Promise<readonly string[]>;
  /** Those of these questions that it may. */
  allowed(questions: readonly string[]): Promise<readonly string[]>;
  /** A kubeconfig to act as it. */
  readonly kubeconfig: string;
}

/** Asks about a ServiceAccount. @param account its name. */
export async function permissionsOf(plane: ControlPlane, account: string): Promise<Permissions> {
  const user = `system:serviceaccount:tagpin-system:${account}`;
  const groups = ['system:serviceaccounts', 'system:serviceaccounts:tagpin-system', 'system:authenticated'];
  const kubeconfig = await plane.kubeconfigFor(user, groups);

  async function review(kind: string, spec: object, as?: string): Promise<Rendered> {
    const path = `/apis/authorization.k8s.io/v1/${kind.toLowerCase()}s`;
    const input = JSON.stringify({ apiVersion: 'authorization.k8s.io/v1', kind, spec });
    const options = { input, ...(as !== undefined && { kubeconfig: as }) };
    const { code, stdout, stderr } = await plane.kubectl(['create', '--raw', path, '-f', '-'], options);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout).status;
  }

  async function rulesOf(namespace: string, as: string): Promise<readonly string[]> {
    const { resourceRules } = await review('SelfSubjectRulesReview', { namespace }, as);
    return resourceRules.map((rule: Rendered) => {
      const targets = rule.resources.flatMap((resource: string) =>
        rule.apiGroups.map((group: string) => (group === '' ? resource : `${resource}.${group}`)),
      );
      const parts: readonly (readonly string[])[] = [rule.verbs, targets, rule.resourceNames ?? []];
      return parts
        .map((each) => each.join(','))
        .join(' ')
        .trim();
    });
  }

  async function may(question: string): Promise<boolean> {
    const [verb = '', what = '', namespace = ''] = question.split(' ');
    const [target = '', name = ''] = what.split('/');
    const [resource = '', ...group] = target.split('.');
    const resourceAttributes = { verb, resource, group: group.join('.'), namespace, name };
    return (await review('SubjectAccessReview', { user, groups, resourceAttributes })).allowed;
  }

  return {
    may,
    async rules(namespace) {
      const everybody = new Set(
        await rulesOf(namespace, await plane.kubeconfigFor('somebody', ['system:authenticated'])),
      );
      return (await rulesOf(namespace, kubeconfig)).filter((rule) => !everybody.has(rule)).toSorted();
    },
    async allowed(questions) {
      const answers = await Promise.all(questions.map(async (each) => ((await may(each)) ? [each] : [])));
      return answers.flat();
    },
    kubeconfig,
  };
}
