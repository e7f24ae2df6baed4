/**
 * Waits for a promise, but not past a signal.
 *
 * The promise is left alone: where several wait for the same work, one that gives up must not end it for the others.
 *
 * @returns what the promise gives; rejects with `signal.reason` as soon as the signal is aborted.
 */
export async function withSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {}); // Nobody may be left to hear of it.
    throw signal.reason;
  }
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
