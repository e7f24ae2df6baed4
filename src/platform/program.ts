import { execFile } from 'node:child_process';

/** How a program is run. */
export interface ProgramOptions {
  readonly input: string;
  /** The whole environment; its PATH is also where the program is looked for. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly timeoutMilliseconds: number;
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
  /** A signal of somebody else's ended it. */
  | { readonly kind: 'killed' };

const MISSING: ReadonlySet<unknown> = new Set(['ENOENT', 'EACCES', 'ENOTDIR', 'ENOEXEC']);

/** Runs a program to its end, without a shell. Never rejects; a program that goes beyond its bounds is killed. */
export function runProgram(name: string, args: readonly string[], options: ProgramOptions): Promise<ProgramResult> {
  const { promise, resolve } = Promise.withResolvers<ProgramResult>();
  const child = execFile(
    name,
    args,
    {
      env: options.environment,
      timeout: options.timeoutMilliseconds,
      maxBuffer: options.maximumBytes,
      killSignal: 'SIGKILL',
      windowsHide: true,
    },
    (error, stdout, stderr) => resolve(resultOf(error, stdout, stderr)),
  );
  // A program that does not read its input closes the pipe early.
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input);
  return promise;
}

function resultOf(
  error: (Error & { code?: unknown; killed?: boolean }) | null,
  stdout: string,
  stderr: string,
): ProgramResult {
  if (error === null) return { kind: 'exited', code: 0, stdout, stderr };
  if (typeof error.code === 'number') return { kind: 'exited', code: error.code, stdout, stderr };
  if (MISSING.has(error.code)) return { kind: 'missing' };
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return { kind: 'tooLarge' };
  return { kind: error.killed === true ? 'timedOut' : 'killed' };
}
