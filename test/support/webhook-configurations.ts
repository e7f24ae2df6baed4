import type { Manifest } from './admission.ts';

/** A webhook of a configuration under test. */
export interface TestWebhook {
  readonly name: string;
  /** `https://…`; by default the Service of `deploy/`. */
  readonly url?: string;
  readonly failurePolicy?: 'Fail' | 'Ignore';
  /** The label `NAME: enabled` of namespaces that it is called for; by default it is never called. */
  readonly label?: string;
}

/** A webhook configuration with these webhooks, which want ConfigMaps: nothing that the API server needs for itself. */
export function webhookConfiguration(
  kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration',
  name: string,
  webhooks: readonly TestWebhook[],
): Manifest {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: { name },
    webhooks: webhooks.map(({ name: webhook, url, failurePolicy = 'Fail', label = 'nowhere' }) => ({
      name: webhook,
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      failurePolicy,
      namespaceSelector: { matchLabels: { [label]: 'enabled' } },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
      clientConfig: url === undefined ? { service: { name: 'tagpin-webhook', namespace: 'tagpin-system' } } : { url },
    })),
  };
}
