import type { EventEmitter } from 'node:events';

/** A process that is asked to end. */
export interface Shutdown {
  /** Aborted by the first SIGTERM or SIGINT; the reason is the signal's name. */
  readonly requested: AbortSignal;
  /** Aborted by a later one: whoever sent it does not want to wait. One more ends the process as signals do. */
  readonly forced: AbortSignal;
  /** Leaves the signals to themselves again. */
  stop(): void;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** A terminal and npm, `timeout` and its group: what is sent once often comes twice. */
const SAME_SIGNAL_MILLISECONDS = 500;

/**
 * Listens for the signals that ask a process to end.
 *
 * @param now a clock that never goes back, in milliseconds.
 */
export function watchSignals(source: EventEmitter, now: () => number): Shutdown {
  const requested = new AbortController();
  const forced = new AbortController();
  let requestedAt = 0;
  const onSignal = (name: string): void => {
    if (!requested.signal.aborted) {
      requestedAt = now();
      return requested.abort(name);
    }
    if (now() - requestedAt < SAME_SIGNAL_MILLISECONDS) return;
    stop();
    forced.abort(name);
  };
  const stop = (): void => {
    for (const name of SIGNALS) source.off(name, onSignal);
  };
  for (const name of SIGNALS) source.on(name, onSignal);
  return { requested: requested.signal, forced: forced.signal, stop };
}
