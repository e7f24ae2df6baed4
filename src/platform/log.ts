import { pino } from 'pino';

/** The levels of `--log-level`; each also writes those after it. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a line tells besides its message. Long texts are cut, and what looks like a secret is taken out. */
export type Facts = Readonly<Record<string, unknown>>;

/** Writes JSON lines: a constant message (`msg`), and facts under names that do not change. */
export interface Log {
  debug(message: string, facts?: Facts): void;
  info(message: string, facts?: Facts): void;
  warn(message: string, facts?: Facts): void;
  error(message: string, facts?: Facts): void;
  /** A line that is written whatever the level, up to 50 ms later, with facts as they are: the caller bounds them. */
  record(message: string, facts: Facts): void;
  /** Writes what waits. */
  flush(): void;
}

/** A write for each line costs more than most of what is told, so lines of `record` wait for others. */
const BATCH_MILLISECONDS = 50;
/** A pipe's buffer under Linux. */
const BATCH_CHARACTERS = 65_536;
const LONGEST_TEXT = 2048;

/** Makes a log. Every call of `write` gets one or several whole lines. */
export function createLog(level: LogLevel, write: (lines: string) => void): Log {
  let waiting = '';
  let timer: NodeJS.Timeout | null = null;

  function flush(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const lines = waiting;
    waiting = '';
    if (lines !== '') write(lines);
  }

  const clock = isoClock();
  const now = {
    write(line: string): void {
      waiting += line;
      flush();
    },
  };
  const lines = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: clean },
    },
    now,
  );
  return {
    debug: (message, facts = {}) => lines.debug(facts, message),
    info: (message, facts = {}) => lines.info(facts, message),
    warn: (message, facts = {}) => lines.warn(facts, message),
    error: (message, facts = {}) => lines.error(facts, message),
    // The form of the other lines, for a third of what they cost.
    record(message, facts) {
      const fields = JSON.stringify(facts).slice(1, -1);
      const comma = fields === '' ? '' : ',';
      waiting += `{"level":"info","time":"${clock()}",${fields}${comma}"msg":${JSON.stringify(message)}}\n`;
      if (waiting.length >= BATCH_CHARACTERS) flush();
      else timer ??= setTimeout(flush, BATCH_MILLISECONDS);
    },
    flush,
  };
}

/** The time as text, made once for a millisecond. */
function isoClock(): () => string {
  let time = 0;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== time) text = new Date(now).toISOString();
    time = now;
    return text;
  };
}

/** An exception as facts: name, message, code, where it was thrown, and its causes. */
export function describeError(error: unknown, depth = 0): Facts {
  if (!(error instanceof Error)) return { message: cut(redact(String(error))) };
  const { name, message, stack, cause } = error;
  const frames = stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  return {
    name,
    message: cut(redact(message)),
    ...('code' in error && { code: String(error.code) }),
    ...(frames.length > 0 && { stack: frames.slice(0, MOST_FRAMES).map((frame) => frame.trim()) }),
    ...(cause !== undefined && depth < MOST_CAUSES && { cause: describeError(cause, depth + 1) }),
  };
}

const MOST_FRAMES = 8;
const MOST_CAUSES = 3;

/**
 * Takes out what may be a secret: credentials of an Authorization header or of a URL, and queries, which carry tokens. Of a
 * long text only the beginning is returned.
 */
export function redact(text: string): string {
  return text
    .slice(0, LONGEST_READ)
    .replaceAll(/\b(bearer|basic)\s+[\w+/=.~-]{6,}/gi, '$1 [redacted]')
    .replaceAll(/(:\/\/)[^\s/@]*@/g, '$1[redacted]@')
    .replaceAll(/(:\/\/[^\s?"'<>]*)\?[^\s"'<>]*/g, '$1?[redacted]');
}

/** Far more than is kept, so that what is cut off here could be no part of a secret that is still shown. */
const LONGEST_READ = 8192;

function clean(facts: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(facts).map(([key, value]) => [key, cleanValue(value)]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

function cleanValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleanValue);
  return typeof value === 'string' ? cut(redact(value)) : value;
}

function cut(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}
