import type { Metrics } from '../platform/metrics.ts';
import type { ExchangeReport } from './exchange.ts';

/** What the webhook counts. */
export interface WebhookMetrics {
  readonly exchange: (report: ExchangeReport) => void;
  readonly policy: (state: 'valid' | 'invalid') => void;
  /** Where the policy in force comes from. */
  readonly policySource: (source: PolicySourceName) => void;
  /** A serving certificate was read, valid until then, or could not be. */
  readonly certificate: (expires: Date | null) => void;
}

/** Where policies come from: a file, the ConfigMap, what was accepted of it earlier, nowhere. */
const POLICY_SOURCES = ['file', 'configmap', 'accepted', 'defaults'] as const;
type PolicySourceName = (typeof POLICY_SOURCES)[number];

/** From a pin, from the cache (p99 under 10 ms), over one registry round trip or several, up to the longest timeout. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Registers the webhook's metrics (product.md, section 9). */
export function createWebhookMetrics(metrics: Metrics): WebhookMetrics {
  const reviews = metrics.counter({
    name: 'tagpin_reviews_total',
    help: 'Requests of POST /mutate by decision: allowed, patched, denied, or why there was none.',
    labels: ['decision'],
  });
  const duration = metrics.histogram({
    name: 'tagpin_review_duration_seconds',
    help: 'From the headers of a request to its answer.',
    labels: [],
    buckets: SECONDS,
  });
  const images = metrics.counter({
    name: 'tagpin_images_total',
    help: 'Images of reviews that were no dry run, by outcome.',
    labels: ['outcome'],
  });
  const verifications = metrics.counter({
    name: 'tagpin_verifications_total',
    help: 'What verify entries of the policy said of images of reviews that were no dry run: verified, unverified, failed (nobody could tell), floating (no digest).',
    labels: ['result'],
  });
  const policyValid = metrics.gauge({
    name: 'tagpin_policy_valid',
    help: '1 while the policy that was read last is the one in force, 0 while an older one is.',
    labels: [],
  });
  const policySource = metrics.gauge({
    name: 'tagpin_policy_source',
    help: '1 for where the policy in force comes from: file, configmap, accepted (the ConfigMap is bad), defaults (there is none).',
    labels: ['source'],
  });
  const expiry = metrics.gauge({
    name: 'tagpin_certificate_expiry_timestamp_seconds',
    help: 'Until when the certificate that is served is valid.',
    labels: [],
  });
  const reloads = metrics.counter({
    name: 'tagpin_certificate_loads_total',
    help: 'How often the serving certificate was read, by result.',
    labels: ['result'],
  });
  return {
    exchange({ outcome, result, seconds }) {
      reviews({ decision: outcome });
      duration({}, seconds);
      for (const image of result?.record?.images ?? []) {
        images({ outcome: image.outcome });
        for (const each of image.verified ?? []) verifications({ result: each.result });
      }
    },
    policy: (state) => policyValid({}, state === 'valid' ? 1 : 0),
    policySource(source) {
      for (const each of POLICY_SOURCES) policySource({ source: each }, each === source ? 1 : 0);
    },
    certificate(expires) {
      reloads({ result: expires === null ? 'failed' : 'served' });
      if (expires !== null) expiry({}, expires.getTime() / 1000);
    },
  };
}
