import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

/** What every program gets. */
export interface ProgramSetting {
  /** The whole environment; its PATH is also where the program is looked for. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where it runs; where this process runs unless given. */
  readonly directory?: string;
  readonly timeoutMilliseconds: number;
  /** Ends the program, with all that it started, when it is aborted. */
  readonly signal?: AbortSignal;
}

/** How a program is run. */
export interface ProgramOptions extends ProgramSetting {
  readonly input: string | Uint8Array;
  /** How many bytes it may write to each of its outputs. */
  readonly maximumBytes: number;
}

/** How a program ended: with an exit code and what it wrote, or not as it should. */
export type ProgramResult =
  | { readonly kind: 'exited'; readonly code: number; readonly stdout: string; readonly stderr: string }
  /** There is no such program, or it may not be run. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'timedOut' }
  | { readonly kind: 'tooLarge' }
  /** A signal of somebody else's ended it, or that of the options. */
  | { readonly kind: 'killed' };

/** A program that runs. */
export interface RunningProgram {
  readonly child: ChildProcessWithoutNullStreams;
  /** Settles when it has ended and its outputs are closed: the exit code, or why there is none. Never rejects. */
  readonly ended: Promise<number | 'missing' | 'timedOut' | 'killed'>;
  /** Ends it with all that it started; nothing happens where it has ended. */
  kill(): void;
}

const MISSING: ReadonlySet<unknown> = new Set(['ENOENT', 'EACCES', 'ENOTDIR', 'ENOEXEC']);

/** Runs a program to its end, without a shell. Never rejects; a program that goes beyond its bounds is killed. */
export async function runProgram(
  name: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  const running = startProgram(name, args, options);
  const { child } = running;
  let isTooLarge = false;
  const collect = (output: NodeJS.ReadableStream): readonly Buffer[] => {
    const chunks: Buffer[] = [];
    let size = 0;
    output.on('data', (chunk: Buffer) => {
      size += chunk.length;
      isTooLarge ||= size > options.maximumBytes;
      if (isTooLarge) running.kill();
      else chunks.push(chunk);
    });
    return chunks;
  };
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  child.stdin.end(options.input);
  const code = await running.ended;
  if (isTooLarge) return { kind: 'tooLarge' };
  if (typeof code === 'string') return { kind: code };
  return { kind: 'exited', code, stdout: textOf(stdout), stderr: textOf(stderr) };
}

/**
 * Starts a program without a shell, in a process group of its own: what it starts ends with it where it is killed, and a
 * terminal's signals reach this process alone, which passes on what it wants to. The caller reads both outputs.
 */
export function startProgram(name: string, args: readonly string[], setting: ProgramSetting): RunningProgram {
  const { promise: ended, resolve } = Promise.withResolvers<number | 'missing' | 'timedOut' | 'killed'>();
  const { environment, directory, timeoutMilliseconds, signal } = setting;
  const child = spawn(name, args, {
    env: environment,
    ...(directory !== undefined && { cwd: directory }),
    detached: true,
    windowsHide: true,
  });
  let why: 'timedOut' | 'killed' = 'killed';
  const kill = (): void => {
    if (child.pid !== undefined) killGroup(child.pid);
    // A child that left the group may keep the pipes open for as long as it likes.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const timer = setTimeout(() => {
    why = 'timedOut';
    kill();
  }, timeoutMilliseconds);
  signal?.addEventListener('abort', kill, { once: true });
  if (signal?.aborted === true) kill();
  const end = (result: number | 'missing' | 'timedOut' | 'killed'): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', kill);
    resolve(result);
  };
  child.once('error', (error: NodeJS.ErrnoException) => end(MISSING.has(error.code) ? 'missing' : 'killed'));
  child.once('close', (code) => end(code ?? why));
  // A program that does not read its input closes the pipe early.
  child.stdin.on('error', () => {});
  return { child, ended, kill };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody of the group is left.
  }
}

function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8');
}
