import { setTimeout as sleep } from 'node:timers/promises';
import { ACCEPTED_CONFIG_MAP, POLICY_CONFIG_MAP, POLICY_KEY, policyErrorLine } from '../../core/policy/manifest.ts';
import type { Policy } from '../../core/policy/schema.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { readConfigMap } from '../../kubernetes/config-maps.ts';
import {
  ABSENCE_MILLISECONDS,
  type AcceptedPolicy,
  DEFAULT_TEXT,
  decidePolicy,
  type PolicyInForce,
} from '../../webhook/policy/policy-state.ts';

/** The policy that a sweep goes by, or why there is none. */
export type SweepPolicy =
  | {
      readonly ok: true;
      readonly policy: Policy;
      readonly origin: PolicyInForce['origin'];
      readonly errors: readonly string[];
    }
  | { readonly ok: false; readonly errors: readonly string[] };

/**
 * Makes what reads the policy before each sweep: that of the ConfigMap; where that is bad, the last good one; where there is no
 * ConfigMap, the defaults, but not before it has stayed away for a moment: whoever replaces it does not mean that nothing is
 * protected in between.
 *
 * What it gives rejects with KubernetesError, and with `signal.reason`.
 */
export function createSweepPolicy(
  client: Pick<KubernetesClient, 'request'>,
  namespace: string,
): (signal: AbortSignal) => Promise<SweepPolicy> {
  let inForce: PolicyInForce | null = null;
  const read = (name: string, signal: AbortSignal) =>
    readConfigMap(client, { namespace, name, key: POLICY_KEY }, signal);

  return async (signal) => {
    let map = await read(POLICY_CONFIG_MAP, signal);
    const stored = await read(ACCEPTED_CONFIG_MAP, signal);
    const text = stored?.text ?? null;
    const accepted: AcceptedPolicy = text === null ? { kind: 'none' } : { kind: 'text', text };
    const hadOne = inForce === null ? text !== null && text !== DEFAULT_TEXT : inForce.origin !== 'defaults';
    if (map === null && hadOne) {
      await sleep(ABSENCE_MILLISECONDS, undefined, { signal });
      map = await read(POLICY_CONFIG_MAP, signal);
    }
    const decision = decidePolicy(
      map === null ? { kind: 'absent', forMilliseconds: ABSENCE_MILLISECONDS } : { kind: 'present', text: map.text },
      accepted,
      inForce,
    );
    inForce = decision.inForce;
    const errors = decision.errors.map(
      (error) => `ConfigMap ${namespace}/${POLICY_CONFIG_MAP}: ${policyErrorLine(error)}`,
    );
    return inForce === null
      ? { ok: false, errors }
      : { ok: true, policy: inForce.policy, origin: inForce.origin, errors };
  };
}
