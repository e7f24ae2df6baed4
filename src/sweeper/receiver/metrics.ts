import type { ReceiverType } from '../../core/receivers/receiver-type.ts';
import type { Metrics } from '../../platform/metrics.ts';

/** How a request ended. */
export type RequestResult =
  | 'accepted'
  /** Genuine, and of nothing that was pushed. */
  | 'ignored'
  | 'handshake'
  /** Nobody that was told the secret sent it, or nobody was told one. */
  | 'unauthorized'
  /** Genuine, and nothing that this sender sends. */
  | 'invalid'
  | 'too large'
  /** Too much at once. */
  | 'limited'
  /** Its sender went away. */
  | 'gone'
  | 'failed';

/** What receivers count. */
export interface ReceiverMetrics {
  readonly request: (type: ReceiverType | 'other', result: RequestResult) => void;
  readonly hint: (result: 'taken' | 'joined' | 'refused' | 'passed') => void;
}

/** Registers the receivers' metrics. */
export function createReceiverMetrics(metrics: Metrics): ReceiverMetrics {
  const requests = metrics.counter({
    name: 'tagpin_receiver_requests_total',
    help: 'Push notifications by type and how they ended.',
    labels: ['type', 'result'],
  });
  const hints = metrics.counter({
    name: 'tagpin_receiver_hints_total',
    help: 'Hints of push notifications: taken, joined to one that waits, refused, passed on to the sweeper.',
    labels: ['result'],
  });
  return { request: (type, result) => requests({ type, result }), hint: (result) => hints({ result }) };
}
