import { BrokenCircuitError, ConsecutiveBreaker, circuitBreaker, ExponentialBackoff, handleWhen } from 'cockatiel';

/** Keeps callers from waiting for what has failed many times in a row. */
export interface Circuit {
  /** Runs a task, or rejects with `CircuitOpen` at once. */
  run<T>(task: () => Promise<T>): Promise<T>;
}

/** The circuit is open: the last tasks all failed, and the next try is a moment away. */
export class CircuitOpen extends Error {
  override readonly name = 'CircuitOpen';
}

/**
 * Makes a circuit that opens after so many failures in a row, and then lets one task try after 1 s, and where that fails
 * too after 2 s, and so on up to 30 s.
 *
 * @param isFailure which errors count; others neither count nor reset.
 */
export function createCircuit(failures: number, isFailure: (error: unknown) => boolean): Circuit {
  const policy = circuitBreaker(handleWhen(isFailure), {
    breaker: new ConsecutiveBreaker(failures),
    halfOpenAfter: new ExponentialBackoff({ initialDelay: 1000, maxDelay: 30_000 }),
  });
  return {
    async run(task) {
      try {
        return await policy.execute(task);
      } catch (error) {
        throw error instanceof BrokenCircuitError ? new CircuitOpen('the last tasks failed', { cause: error }) : error;
      }
    },
  };
}
