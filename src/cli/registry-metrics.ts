import type { Metrics } from '../platform/metrics.ts';
import type { ResolverEvent } from '../registry/resolver.ts';

/** A registry near by, one far away, and one that makes everybody wait. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Registers what is counted about registries (product.md, section 9). The resolver bounds how many hosts there are. */
export function createRegistryMetrics(metrics: Metrics): (event: ResolverEvent) => void {
  const requests = metrics.counter({
    name: 'tagpin_registry_requests_total',
    help: 'Requests to registries and token services, by host and status, or why there was none.',
    labels: ['host', 'code'],
  });
  const duration = metrics.histogram({
    name: 'tagpin_registry_request_duration_seconds',
    help: 'From the start of a request to the end of its answer.',
    labels: ['host'],
    buckets: SECONDS,
  });
  const lookups = metrics.counter({
    name: 'tagpin_cache_lookups_total',
    help: 'What the memory of digests knew: hit, stale, miss, negative, or shared with a request under way.',
    labels: ['result'],
  });
  return (event) => {
    switch (event.kind) {
      case 'lookup':
        return lookups({ result: event.result });
      case 'request':
        requests({ host: event.host, code: event.code });
        return duration({ host: event.host }, event.seconds);
    }
  };
}
