import type { RequestListener } from 'node:http';
import { describeError, type Log } from '../../platform/log.ts';
import { createApp } from '../../webhook/app.ts';
import { createAuditLog } from '../../webhook/audit-log.ts';
import { BodyMemory } from '../../webhook/body.ts';
import { createExchange, type ExchangeReport } from '../../webhook/exchange.ts';
import { DEFAULT_GATE, Gate } from '../../webhook/limits.ts';
import type { WebhookMetrics } from '../../webhook/metrics.ts';
import type { Mutate } from '../../webhook/mutate.ts';

/** What answers the admission port: reviews by path, with one gate and one memory for all, an audit line for each of `/mutate`. */
export function createListener(
  reviews: { readonly '/mutate': Mutate; readonly '/validate-policy': Mutate },
  told: { readonly metrics: WebhookMetrics; readonly log: Log; readonly callers: 'claimed' | 'verified' },
): RequestListener {
  const { metrics, log, callers } = told;
  const audit = createAuditLog(callers, (message, facts) => log.record(message, facts));
  const gate = new Gate(DEFAULT_GATE);
  const memory = new BodyMemory();
  const failed = (uid: string, error: unknown): void =>
    log.error('a review failed', { uid, error: describeError(error) });
  const report = (exchange: ExchangeReport): void => {
    metrics.exchange(exchange);
    const record = exchange.result?.record ?? null;
    if (record !== null) audit(record, exchange.seconds);
  };
  return createApp(
    {
      '/mutate': createExchange({ review: reviews['/mutate'], gate, memory, report, failed }),
      '/validate-policy': createExchange({
        review: reviews['/validate-policy'],
        gate,
        memory,
        report: () => {},
        failed,
      }),
    },
    (error) => log.error('a request failed', { error: describeError(error) }),
  );
}
