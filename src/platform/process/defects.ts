import { describeError, type Log } from '../log.ts';

/** What watches over a process for what nobody caught. */
export interface Defects {
  /** Aborted by an exception: the state is unknown then, so the process should end, in order. */
  readonly signal: AbortSignal;
  stop(): void;
}

/** Logs what nobody caught. A rejection harms nobody but its own work; an exception asks for the end. */
export function watchDefects(log: Log): Defects {
  const ended = new AbortController();
  const onRejection = (error: unknown): void => log.error('a rejection nobody caught', { error: describeError(error) });
  const onException = (error: unknown): void => {
    log.error('an exception nobody caught', { error: describeError(error) });
    ended.abort();
  };
  process.on('unhandledRejection', onRejection).on('uncaughtException', onException);
  return {
    signal: ended.signal,
    stop() {
      process.off('unhandledRejection', onRejection).off('uncaughtException', onException);
    },
  };
}
