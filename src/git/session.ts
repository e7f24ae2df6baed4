import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type ProgramResult, type RunningProgram, runProgram, startProgram } from '../platform/process/program.ts';
import { explainGit, GitError } from './error.ts';

/** Variables of a process. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** How a session is begun. */
export interface SessionOptions {
  /** The process' own: PATH, proxies and authorities are taken from it; everything but what steers git where `own` is set. */
  readonly environment: Variables;
  /** Whose configuration and keys are used: `none`, or the user's `own`. */
  readonly identity: 'none' | 'own';
  /** The repository, as messages show it. */
  readonly repository: string;
  /** Of each run that talks to the remote. */
  readonly timeoutMilliseconds: number;
  readonly signal: AbortSignal | null;
}

/** How one command of git is run. */
export interface GitRun {
  readonly input?: string | Uint8Array;
  /** More of the environment, without secrets. */
  readonly variables?: Variables;
  /** Whether it may talk to the remote: then it takes the time that remotes get. */
  readonly network?: 'remote';
  /** The most that it writes: 1 MiB. */
  readonly maximumBytes?: number;
  /** Ends this run. */
  readonly signal?: AbortSignal;
}

/** How git is set up for one piece of work: a folder that nobody else sees and that is gone afterwards. */
export interface GitSession {
  readonly folder: string;
  readonly repository: string;
  /** Writes a file into the folder, for us alone. @returns its path. */
  file(name: string, content: string | Uint8Array): Promise<string>;
  /** Lines of git's configuration, kept in a file of the folder: here secrets may stand. */
  configure(lines: readonly string[]): void;
  /** For programs that git starts; no secrets here. */
  set(variables: Variables): void;
  /** Texts that must not be seen anywhere. */
  hide(...secrets: readonly string[]): void;
  readonly secrets: readonly string[];
  /** Runs git and gives whatever came of it. @throws GitError where it is not there or ran too long. */
  attempt(args: readonly string[], run?: GitRun): Promise<Finished>;
  /** Runs git and gives its output. @throws GitError also where it ends with another code than 0. */
  git(args: readonly string[], run?: GitRun): Promise<string>;
  /** Starts a git that answers for as long as it is asked. */
  start(args: readonly string[], variables: Variables): RunningProgram;
  /** Runs another program in the same surroundings. */
  program(name: string, args: readonly string[], input?: string): Promise<ProgramResult>;
  end(): Promise<void>;
}

/** A run that ended by itself. */
export type Finished = Extract<ProgramResult, { kind: 'exited' }>;

const LOCAL_MILLISECONDS = 60_000;
/** As long as an edit of many files may take. */
const ANSWERING_MILLISECONDS = 10 * 60_000;
const OUTPUT_BYTES = 1 << 20;
const PREFIX = 'tagpin-git-';
/** What the administrator says of the network, in any case. */
const NETWORK: ReadonlySet<string> = new Set([
  'git_ssl_cainfo',
  'git_ssl_capath',
  'http_proxy',
  'https_proxy',
  'all_proxy',
  'no_proxy',
]);

/**
 * What no repository, no user's and no system's configuration can change: nothing of a repository is run, no submodule or
 * redirect followed, nobody asked, nothing done in the background. Values of the environment are above those of files.
 */
const SETTINGS: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.symlinks', 'false'],
  ['core.attributesFile', '/dev/null'],
  ['core.bigFileThreshold', '16m'],
  ['core.quotePath', 'true'],
  ['http.followRedirects', 'false'],
  ['http.sslVerify', 'true'],
  // A remote that hangs: less than a byte a second for half a minute.
  ['http.lowSpeedLimit', '1'],
  ['http.lowSpeedTime', '30'],
  ['transfer.credentialsInUrl', 'die'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['fetch.unpackLimit', '1'],
  ['fetch.writeCommitGraph', 'false'],
  ['push.recurseSubmodules', 'no'],
  ['push.followTags', 'false'],
  ['push.gpgSign', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['protocol.allow', 'never'],
];

/** Nothing asked of the user: the empty value also takes away the helpers of files that are read before. */
const UNATTENDED: readonly (readonly [string, string])[] = [
  ['core.askPass', ''],
  ['credential.helper', ''],
  ['commit.gpgSign', 'false'],
];

/** Begins a piece of work with git. The caller ends it, whatever happens. */
export async function openSession(options: SessionOptions): Promise<GitSession> {
  await sweep();
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const configuration: string[] = [];
  const secrets: string[] = [];
  let variables: Variables = {};
  let isWritten = false;

  async function file(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, content, { mode: 0o600, flag: 'w' });
    return path;
  }

  function environmentOf(run: GitRun): Variables {
    // Beside the user's own configuration that of the session is read too: it says what commits are signed with.
    const own = [['include.path', join(folder, 'gitconfig')]] as const;
    const settings = [...SETTINGS, ...(options.identity === 'own' ? own : UNATTENDED)];
    return {
      ...inherited(options.environment, options.identity),
      ...(options.identity === 'none' && { HOME: folder, XDG_CONFIG_HOME: folder, GIT_CONFIG_NOSYSTEM: '1' }),
      ...(options.identity === 'none' && { GIT_CONFIG_GLOBAL: join(folder, 'gitconfig') }),
      LC_ALL: 'C',
      GIT_TERMINAL_PROMPT: '0',
      GIT_OPTIONAL_LOCKS: '0',
      GIT_NO_REPLACE_OBJECTS: '1',
      GIT_NO_LAZY_FETCH: '1',
      GIT_LITERAL_PATHSPECS: '1',
      GIT_PROTOCOL_FROM_USER: '0',
      // Fetching on its own what is missing is talking to the remote, too.
      GIT_ALLOW_PROTOCOL: run.network === 'remote' ? 'https:http:ssh' : 'none',
      GIT_CONFIG_COUNT: String(settings.length),
      ...Object.fromEntries(settings.map(([key], index) => [`GIT_CONFIG_KEY_${index}`, key])),
      ...Object.fromEntries(settings.map(([, value], index) => [`GIT_CONFIG_VALUE_${index}`, value])),
      ...variables,
      ...run.variables,
    };
  }

  async function attempt(args: readonly string[], run: GitRun = {}): Promise<Finished> {
    if (!isWritten) await file('gitconfig', `${configuration.join('\n')}\n`);
    isWritten = true;
    const result = await runProgram('git', args, {
      input: run.input ?? '',
      environment: environmentOf(run),
      directory: folder,
      timeoutMilliseconds: run.network === 'remote' ? options.timeoutMilliseconds : LOCAL_MILLISECONDS,
      maximumBytes: run.maximumBytes ?? OUTPUT_BYTES,
      signal: AbortSignal.any([options.signal, run.signal].filter((signal) => signal !== null && signal !== undefined)),
    });
    options.signal?.throwIfAborted();
    run.signal?.throwIfAborted();
    return finished(result, options.repository);
  }

  return {
    folder,
    repository: options.repository,
    secrets,
    file,
    attempt,
    configure(lines) {
      configuration.push(...lines);
      isWritten = false;
    },
    set(more) {
      variables = { ...variables, ...more };
    },
    hide(...more) {
      secrets.push(...more.filter((secret) => secret !== ''));
    },
    async git(args, run) {
      const { code, stdout, stderr } = await attempt(args, run);
      if (code !== 0) throw explainGit(stderr, { repository: options.repository, secrets });
      return stdout;
    },
    start: (args, more) =>
      startProgram('git', args, {
        environment: environmentOf({ variables: more }),
        directory: folder,
        timeoutMilliseconds: ANSWERING_MILLISECONDS,
        ...(options.signal !== null && { signal: options.signal }),
      }),
    program: (name, args, input = '') =>
      runProgram(name, args, {
        input,
        environment: environmentOf({}),
        directory: folder,
        timeoutMilliseconds: LOCAL_MILLISECONDS,
        maximumBytes: OUTPUT_BYTES,
        ...(options.signal !== null && { signal: options.signal }),
      }),
    end: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Of the process' environment what git may have. */
function inherited(environment: Variables, identity: 'none' | 'own'): Variables {
  const isWanted = (name: string): boolean =>
    identity === 'own' ? !/^(?:GIT_(?!SSH(?:_COMMAND|_VARIANT)?$)|SSH_ASKPASS|LC_|LANG)/.test(name) : isNeeded(name);
  const kept = Object.entries(environment).filter(([name]) => isWanted(name));
  // What the PATH names relative to some folder would be looked for in ours.
  const path = environment['PATH']
    ?.split(delimiter)
    .filter((each) => each.startsWith('/'))
    .join(delimiter);
  return { ...Object.fromEntries(kept), PATH: path };
}

function isNeeded(name: string): boolean {
  return name === 'TMPDIR' || NETWORK.has(name.toLowerCase());
}

function finished(result: ProgramResult, repository: string): Finished {
  switch (result.kind) {
    case 'exited':
      return result;
    case 'missing':
      throw new GitError('NoGit', { what: 'git' });
    case 'timedOut':
      throw new GitError('TimedOut', { repository });
    case 'tooLarge':
      throw new GitError('TooLarge', { repository });
    case 'killed':
      throw new GitError('GitFailed', { repository, what: 'somebody ended it' });
  }
}

let swept: Promise<void> | null = null;

/** Folders of processes that ended without tidying up hold secrets: they go with the first session of the next one. */
function sweep(): Promise<void> {
  swept ??= removeLeftovers(tmpdir()).catch(() => {});
  return swept;
}

async function removeLeftovers(parent: string): Promise<void> {
  const began = Date.now() - performance.now();
  for (const name of await readdir(parent)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined) continue;
    const path = join(parent, name);
    const [folder, living] = await Promise.all([stat(path).catch(() => null), stat(`/proc/${pid}`).catch(() => null)]);
    // In a container the number of whoever was there before is often ours, too.
    const isOver = living === null || (Number(pid) === process.pid && (folder?.birthtimeMs ?? began) < began);
    if (folder !== null && folder.uid === process.getuid?.() && isOver)
      await rm(path, { recursive: true, force: true });
  }
}

/** A folder that nobody else may look into. */
export async function makePrivate(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}
