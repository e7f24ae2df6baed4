import { ACCEPTED_CONFIG_MAP, POLICY_CONFIG_MAP, POLICY_KEY, policyErrorLine } from '../../core/policy/manifest.ts';
import type { Policy } from '../../core/policy/schema.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { readConfigMap } from '../../kubernetes/config-maps.ts';
import { type AcceptedPolicy, decidePolicy, type SubmittedPolicy } from '../../webhook/policy/policy-state.ts';
import { explainKubernetesError } from '../options/cluster-options.ts';
import { CommandError } from '../output.ts';

/** Where tagpin is installed, and its policy with it. */
export const OWN_NAMESPACE = 'tagpin-system';

/** The policy that the webhook of a cluster has in force, as far as its ConfigMaps tell. */
export interface ClusterPolicy {
  readonly policy: Policy;
  /** What people should know of where it comes from, one line each. */
  readonly notices: readonly string[];
}

const READ_MILLISECONDS = 30_000;

/**
 * Reads the policy of a cluster: that of the ConfigMap; where that is bad, the one that was accepted last; without any, the
 * defaults.
 *
 * @param what the command, as it begins its messages.
 * @throws CommandError 3 where it can't be read, or is bad and none was accepted before.
 */
export async function readClusterPolicy(
  client: Pick<KubernetesClient, 'request'>,
  what: string,
): Promise<ClusterPolicy> {
  const read = async (name: string) => {
    try {
      const signal = AbortSignal.timeout(READ_MILLISECONDS);
      return await readConfigMap(client, { namespace: OWN_NAMESPACE, name, key: POLICY_KEY }, signal);
    } catch (error) {
      throw explainKubernetesError(error, `${what}: the policy`);
    }
  };
  const map = await read(POLICY_CONFIG_MAP);
  const submitted: SubmittedPolicy =
    map === null ? { kind: 'absent', forMilliseconds: Number.POSITIVE_INFINITY } : { kind: 'present', text: map.text };
  let decision = decidePolicy(submitted, { kind: 'unread' }, null);
  if (decision.inForce === null) {
    const stored = await read(ACCEPTED_CONFIG_MAP);
    const text = stored?.text ?? null;
    const accepted: AcceptedPolicy = text === null ? { kind: 'none' } : { kind: 'text', text };
    decision = decidePolicy(submitted, accepted, null);
  }
  const { inForce, errors } = decision;
  const place = `ConfigMap ${OWN_NAMESPACE}/${POLICY_CONFIG_MAP}`;
  const problems = errors.map((error) => `${place}: ${policyErrorLine(error)}`);
  if (inForce === null) {
    const [first = place] = problems;
    throw new CommandError(
      3,
      `${what}: ${first}: the policy is bad, and none was accepted before: mend it, or use --policy FILE`,
    );
  }
  switch (inForce.origin) {
    case 'configmap':
      return { policy: inForce.policy, notices: [] };
    case 'accepted':
      return {
        policy: inForce.policy,
        notices: [...problems, `${place} is bad: the policy that was accepted last holds`],
      };
    case 'defaults': {
      const why = errors.length > 0 ? `${place} is bad` : `there is no ${place}`;
      return { policy: inForce.policy, notices: [...problems, `${why}: the defaults hold`] };
    }
  }
}
