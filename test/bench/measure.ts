import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';

/** One run of load against one server. */
export interface Load {
  readonly requestsPerSecond: number;
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
  /** Processor time that the server spent for each request. */
  readonly cpuMicroseconds: number;
  /** Answers that were not 200, time-outs and broken connections. */
  readonly failures: number;
}

export interface LoadOptions {
  /** `host:port` of an https server. */
  readonly address: string;
  readonly path: string;
  readonly body: string;
  readonly connections: number;
  readonly seconds: number;
  /** The server's process. */
  readonly pid: number;
}

/** Sends one body again and again over kept connections, as an API server does. */
export async function load(options: LoadOptions): Promise<Load> {
  const before = cpuSeconds(options.pid);
  const result = await autocannon({
    url: `https://${options.address}${options.path}`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: options.body,
    connections: options.connections,
    duration: options.seconds,
    // Another client than the one under test: its trust is not what is measured.
    tlsOptions: { rejectUnauthorized: false },
  });
  const spent = cpuSeconds(options.pid) - before;
  return {
    requestsPerSecond: result.requests.total / result.duration,
    p50Milliseconds: result.latency.p50,
    p99Milliseconds: result.latency.p99,
    cpuMicroseconds: (spent / result.requests.total) * 1e6,
    failures: result.non2xx + result.errors + result.timeouts,
  };
}

/** The middle one of several figures, and how far they spread. */
export interface Spread {
  readonly median: number;
  readonly minimum: number;
  readonly maximum: number;
}

export function spread(figures: readonly number[]): Spread {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    minimum: at(0),
    maximum: at(sorted.length - 1),
  };
}

/** User and system time that a process has used (`proc(5)`; Linux counts 100 ticks a second for programs). */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Resident memory of a process now, and at its highest. */
export function residentMegabytes(pid: number): { readonly now: number; readonly highest: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
  return { now: kilobytes('VmRSS') / 1024, highest: kilobytes('VmHWM') / 1024 };
}
