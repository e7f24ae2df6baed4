import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

/** What a process is started with. */
export interface ProcessOptions {
  /** The whole environment; the test's own where it is absent. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly directory?: string;
  /** Its standard input, which is empty otherwise. */
  readonly input?: string | Buffer;
  /** After so many milliseconds it is killed. Without, it may run as long as the test. */
  readonly timeout?: number;
}

/** How a process ended, and everything it wrote. */
export interface FinishedProcess {
  /** Its exit code; 128 and the signal's number where a signal ended it, as a shell counts. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that a test started. */
export interface RunningProcess {
  readonly pid: number;
  /** Settles when it has ended and everything that it wrote has been read. */
  readonly finished: Promise<FinishedProcess>;
  /** What it has written so far, stdout and stderr as they came. */
  output(): string;
  /**
   * The first match in what it writes, now or later.
   *
   * @throws Error with its output when it ends, or 30 seconds pass, without a match.
   */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): void;
  /** Asks it to end, and after 10 seconds kills it. Nothing that it started is left when this settles. */
  stop(): Promise<FinishedProcess>;
}

// Linux can end a child together with its parent, but Node can't ask for that. So every program has a group of its own, in
// which a second process waits for the end of a pipe whose other end only the test holds. However the test ends, by
// SIGKILL too, the kernel closes the pipe, and the waiting process kills the group. Having a group of its own also keeps
// the terminal's Ctrl-C away: it ends the test, and through the pipe what the test started, in one way for all.
// The shell becomes the program by exec, so its pid, signals and exit code are the program's own.
const SUPERVISOR = `{ read -r _ <&3; kill -KILL 0; } </dev/null >/dev/null 2>&1 & exec "$@" 3<&-`;

/** The arguments for `/bin/sh`, spawned `detached` and with a pipe as fd 3, that run a program which ends with us. */
export function supervised(command: string, args: readonly string[]): string[] {
  return ['-c', SUPERVISOR, 'sh', command, ...args];
}

const PATIENCE = 30_000;
const GRACE = 10_000;

/** Starts a program that does not outlive the test, however the test ends. */
export function startProcess(command: string, args: readonly string[], options: ProcessOptions = {}): RunningProcess {
  const child = spawn('/bin/sh', supervised(command, args), {
    cwd: options.directory,
    env: options.environment,
    detached: true,
    timeout: options.timeout,
    killSignal: 'SIGKILL',
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command}: could not be started in ${options.directory ?? process.cwd()}`);
  // A program that does not read all of its input closes the pipe early: its exit code tells whether that was right.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input);
  const written: { readonly stream: 'stdout' | 'stderr'; readonly data: Buffer }[] = [];
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (data: Buffer) => written.push({ stream, data }));
  }
  child.once('exit', () => killGroup(pid));
  const textOf = (...streams: readonly string[]): string =>
    Buffer.concat(written.filter(({ stream }) => streams.includes(stream)).map(({ data }) => data)).toString();
  const output = (): string => textOf('stdout', 'stderr');
  const finished = once(child, 'close').then(([code, signal]: readonly unknown[]) => ({
    code: typeof code === 'number' ? code : 128 + constants.signals[signal as NodeJS.Signals],
    stdout: textOf('stdout'),
    stderr: textOf('stderr'),
  }));

  return {
    pid,
    finished,
    output,
    signal: (name) => void child.kill(name),
    async waitFor(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      const look = (): void => {
        const match = pattern.exec(output());
        if (match !== null) resolve(match);
      };
      const giveUp = (why: string): void => reject(new Error(`${command} ${why} without ${pattern}:\n${output()}`));
      const timer = setTimeout(() => giveUp(`ran ${PATIENCE / 1000} s`), PATIENCE);
      const ended = (): void => {
        look();
        giveUp('ended');
      };
      child.stdout.on('data', look);
      child.stderr.on('data', look);
      child.once('close', ended);
      look();
      if (child.exitCode !== null || child.signalCode !== null) void finished.then(ended);
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
        child.stdout.off('data', look);
        child.stderr.off('data', look);
        child.off('close', ended);
      }
    },
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => killGroup(pid), GRACE);
      try {
        return await finished;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** Runs a program to its end, a minute at most. */
export function runProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<FinishedProcess> {
  return startProcess(command, args, { timeout: 60_000, ...options }).finished;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // Nobody was left in it.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
