import type { ElectionEvent } from '../../kubernetes/lease.ts';
import { describeError, type Log } from '../../platform/log.ts';

/** Tells who leads. */
export function electionLog(log: Log): (event: ElectionEvent) => void {
  return (event) => {
    switch (event.kind) {
      case 'elected':
        return log.info('leads');
      case 'lost':
        return log.warn('leads no more', { why: event.why });
      case 'follows':
        return log.info('another leads', { leader: event.leader });
      case 'failed':
        return log.warn('the Lease could not be read or written, trying again', { error: describeError(event.error) });
      case 'workFailed':
        return log.error('sweeping ended by itself', { error: describeError(event.error) });
    }
  };
}
