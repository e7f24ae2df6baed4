import { setTimeout as sleep } from 'node:timers/promises';

/** How long to wait for something; 30 seconds where nothing is said. */
export interface EventuallyOptions {
  readonly seconds?: number;
}

/**
 * Asks until the answer is neither false, null nor undefined, and gives it. A probe that throws is asked again.
 *
 * @throws Error that names what did not come, with what the probe threw last.
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T> | T,
  { seconds = 30 }: EventuallyOptions = {},
): Promise<Exclude<T, false | null | undefined>> {
  const end = performance.now() + seconds * 1000;
  for (let cause: unknown; ; ) {
    try {
      const answer = await probe();
      if (answer !== false && answer !== null && answer !== undefined) {
        return answer as Exclude<T, false | null | undefined>;
      }
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > end) {
      const why = cause instanceof Error ? `: ${cause.message}` : '';
      throw new Error(`not within ${seconds} s: ${what}${why}`, { cause });
    }
    await sleep(50);
  }
}
