import { ACCEPTED_CONFIG_MAP, POLICY_CONFIG_MAP, POLICY_KEY, policyErrorLine } from '../../core/policy/manifest.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { readConfigMap, watchConfigMap, writeConfigMap } from '../../kubernetes/config-maps.ts';
import type { RecordedEvent } from '../../kubernetes/events.ts';
import type { ReflectorEvent } from '../../kubernetes/watch.ts';
import { describeError } from '../../platform/log.ts';
import { type PolicyNews, type PolicySource, startPolicySource } from '../../webhook/policy/policy-source.ts';
import type { Instruments } from './serve.ts';

/** The longest list of problems that a log line and an Event get. */
const MOST_PROBLEMS = 5;

/** Follows the policy's ConfigMap: what it says is in force as soon as the watch tells it. */
export function openClusterPolicy(
  options: Instruments & {
    readonly client: KubernetesClient;
    readonly ownNamespace: string;
    readonly observe: (event: ReflectorEvent) => void;
    readonly record: (event: RecordedEvent) => void;
  },
): PolicySource {
  const { client, ownNamespace: namespace, observe, record, log, webhookMetrics } = options;
  const submitted = { namespace, name: POLICY_CONFIG_MAP, key: POLICY_KEY };
  const accepted = { namespace, name: ACCEPTED_CONFIG_MAP, key: POLICY_KEY };
  const configMap = `${namespace}/${POLICY_CONFIG_MAP}`;

  function tell(news: PolicyNews): void {
    switch (news.kind) {
      case 'in force': {
        const { policy, origin } = news;
        webhookMetrics.policySource(origin);
        log.info('policy in force', { configMap, source: origin, rules: policy.rules.length });
        return;
      }
      case 'valid':
        webhookMetrics.policy('valid');
        return;
      case 'refused': {
        const { errors, inForce } = news;
        webhookMetrics.policy('invalid');
        if (inForce !== null) webhookMetrics.policySource(inForce);
        const problems = errors.slice(0, MOST_PROBLEMS).map(policyErrorLine);
        const message =
          inForce === null
            ? 'policy refused, and none was accepted before it: not ready'
            : 'policy refused, the last good one stays in force';
        log.error(message, { configMap, problems });
        record({
          regarding: {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            namespace,
            name: POLICY_CONFIG_MAP,
            uid: reflector.get(configMap)?.uid,
          },
          type: 'Warning',
          reason: 'PolicyRefused',
          action: 'ReadPolicy',
          note: `${message}: ${problems.join('; ')}`,
        });
        return;
      }
      case 'gone':
        log.warn('the policy was deleted: the defaults hold soon, unless it comes back', {
          configMap,
          seconds: news.milliseconds / 1000,
        });
        return;
      case 'failed':
        log.warn(`the accepted policy could not be ${news.doing === 'read' ? 'read' : 'stored'}, trying again`, {
          configMap: `${namespace}/${ACCEPTED_CONFIG_MAP}`,
          error: describeError(news.error),
        });
        return;
    }
  }

  const reflector = watchConfigMap({ client, wanted: submitted, changed: () => source.changed(), observe: observed });
  const source = startPolicySource({
    submitted: () => (reflector.isSynced() ? (reflector.get(configMap) ?? null) : undefined),
    readAccepted: (signal) => readConfigMap(client, accepted, signal),
    storeAccepted: (text, before, signal) => writeConfigMap(client, accepted, { text, before }, signal),
    tell,
    now: () => performance.now(),
  });

  function observed(event: ReflectorEvent): void {
    observe(event);
    // No ConfigMap is no change of one.
    if (event.kind === 'listed') source.changed();
  }

  return {
    ...source,
    stop() {
      reflector.stop();
      source.stop();
    },
  };
}
