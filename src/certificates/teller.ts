import { describeError, type Facts, type Log, redact } from '../platform/log.ts';
import type { LiveConfiguration } from './live.ts';

/** Tells what goes wrong: each problem once, until it has gone or is another. */
export interface Teller {
  /** Does something; where that fails, it is told. True where it did not. */
  attempt(message: string, what: string, task: () => Promise<void>): Promise<boolean>;
  /** There is this problem now, or none (null). */
  problem(message: string, what: string, problem: string | null): void;
  /** What is to be said of configurations as they are. */
  configurations(live: readonly LiveConfiguration[]): void;
  /** Somebody's caBundle was put right. */
  repaired(configuration: string): void;
  /** The watch of the configurations failed, or works again (null). */
  watch(error: unknown): void;
  /** A problem that there is, as one line; null where there is none. */
  first(): string | null;
}

/** A rotation writes each caBundle twice or three times; somebody who changes it back makes this many soon. */
const MANY_REPAIRS = 6;
const REPAIRS_MILLISECONDS = 60_000;

export function createTeller(log: Pick<Log, 'info' | 'warn' | 'error'>): Teller {
  /** By message and what it is about. */
  const problems = new Map<string, string>();
  const remarks = new Set<string>();
  const repairs = new Map<string, readonly number[]>();

  function problem(message: string, what: string, text: string | null, facts: Facts = {}): void {
    const key = what === '' ? message : `${message}: ${what}`;
    if (text === null) {
      problems.delete(key);
      return;
    }
    const isNew = problems.get(key) !== text;
    problems.set(key, text);
    if (isNew) log.error(message, { ...(what !== '' && { what }), problem: text, ...facts });
  }

  function failed(message: string, what: string, error: unknown): void {
    problem(message, what, redact(error instanceof Error ? error.message : String(error)), {
      error: describeError(error),
    });
  }

  function remark(message: string, what: string, applies: boolean, facts: Facts = {}): void {
    const key = `${message}: ${what}`;
    if (applies && !remarks.has(key)) log.warn(message, { what, ...facts });
    if (applies) remarks.add(key);
    else remarks.delete(key);
  }

  return {
    problem: (message, what, text) => problem(message, what, text),
    async attempt(message, what, task) {
      try {
        await task();
        problem(message, what, null);
        return true;
      } catch (error) {
        failed(message, what, error);
        return false;
      }
    },
    configurations(live) {
      for (const { kind, name, state } of live) {
        const what = `${kind} ${name}`;
        remark('there is no such configuration, and so nobody calls us by it', what, state === null);
        const injector = state?.injector ?? null;
        remark('somebody else writes caBundle here too', what, injector !== null, { annotation: injector });
      }
    },
    repaired(configuration) {
      const now = performance.now();
      const recent = [...(repairs.get(configuration) ?? []), now].filter((at) => now - at < REPAIRS_MILLISECONDS);
      repairs.set(configuration, recent);
      remark('somebody changes caBundle again and again', configuration, recent.length >= MANY_REPAIRS);
    },
    watch(error) {
      const message = 'the webhook configurations can not be watched, and are looked at now and then';
      if (error === null) problem(message, '', null);
      else failed(message, '', error);
    },
    first() {
      const [entry] = problems;
      return entry === undefined ? null : entry.join(': ');
    },
  };
}
