import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Credential,
  credentialOf,
  type DockerConfig,
  type Keychain,
  matchCredentials,
  parseDockerConfig,
} from '../core/image/credentials.ts';
import { type Cache, createCache } from '../platform/cache.ts';
import { type ProgramResult, runProgram } from '../platform/process/program.ts';

/** Where a user's Docker configuration is, and how its credential helpers are asked. */
export interface DockerKeychainOptions {
  /** `DOCKER_CONFIG` names the folder; `PATH` is where helpers are found. Helpers get all of it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whose `.docker` counts where `DOCKER_CONFIG` is not set. */
  readonly homeDirectory: string;
  /** Is told once what is wrong, in a sentence without secrets. Images are then asked for without those credentials. */
  readonly observe?: (problem: string) => void;
  /** How long a helper may take: 20000. */
  readonly helperMilliseconds?: number;
  /** A clock that never goes back, in milliseconds: `performance.now`. */
  readonly now?: () => number;
}

/** What a helper said, until when that holds. */
interface HelperAnswer {
  readonly credential: Credential | null;
  readonly until: number;
}

/** Some helpers start a cloud's whole command line. */
const HELPER_MILLISECONDS = 20_000;
/** Helpers' tokens live for an hour and more, but say nothing of it; what fails may soon be repaired. */
const ANSWER_LIFE = 300_000;
const FAILURE_LIFE = 30_000;
const MOST_ANSWERS = 1000;
/** A user and a token, of which the longest, those of clouds, have a few kilobytes. */
const LARGEST_ANSWER = 64 * 1024;
const LARGEST_FILE = 1024 * 1024;
/** How long a changed file may go unnoticed. */
const LOOK_MILLISECONDS = 250;
/** The name becomes a part of a program's name, so that it must not lead into another folder. */
const HELPER_NAME = /^[a-z0-9-]+$/;
const NO_CREDENTIALS: DockerConfig = { entries: [], helpers: new Map(), store: null, ignored: [] };

/**
 * Makes the keychain of the command line: `config.json` as Docker reads it, with the credential helpers that it names
 * (https://github.com/docker/docker-credential-helpers), asked before its own entries. The file is read again when it
 * has changed. It never rejects.
 */
export function createDockerKeychain(options: DockerKeychainOptions): Keychain {
  const { environment, homeDirectory, helperMilliseconds = HELPER_MILLISECONDS } = options;
  const now = options.now ?? (() => performance.now());
  const path = join(environment['DOCKER_CONFIG'] || join(homeDirectory, '.docker'), 'config.json');
  const answers: Cache<HelperAnswer> = createCache({
    maximumEntries: MOST_ANSWERS,
    lifeMilliseconds: ANSWER_LIFE,
    now,
  });
  let read = { state: '', config: NO_CREDENTIALS };
  let looked = { at: Number.NEGATIVE_INFINITY, config: Promise.resolve(NO_CREDENTIALS) };
  const told = new Set<string>();

  const observe = (problem: string): void => {
    if (!told.has(problem)) options.observe?.(problem);
    told.add(problem);
  };

  /** Questions come by the thousand, and each would look at the file. */
  function currentConfig(): Promise<DockerConfig> {
    if (now() - looked.at >= LOOK_MILLISECONDS) looked = { at: now(), config: readConfig() };
    return looked.config;
  }

  async function readConfig(): Promise<DockerConfig> {
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const state = `${mtimeMs} ${size} ${ino}`;
      if (state === read.state) return read.config;
      told.clear();
      const config = size > LARGEST_FILE ? refuse('it is larger than 1 MiB') : parse(await readFile(path, 'utf8'));
      read = { state, config };
      return config;
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      // Nobody has to be signed in anywhere.
      return code === 'ENOENT' || code === 'ENOTDIR' ? NO_CREDENTIALS : refuse(`it can not be read (${code})`);
    }
  }

  function parse(text: string): DockerConfig {
    const parsed = parseDockerConfig(text);
    if (!parsed.ok) return refuse(parsed.problem);
    for (const reason of parsed.config.ignored) observe(`${path}: ${reason}`);
    return parsed.config;
  }

  function refuse(problem: string): DockerConfig {
    observe(`${path} is not used: ${problem}`);
    return NO_CREDENTIALS;
  }

  async function askHelper(helper: string, host: string): Promise<HelperAnswer> {
    const server = host === 'docker.io' ? 'https://index.docker.io/v1/' : host;
    const program = `docker-credential-${helper}`;
    const result = await runProgram(program, ['get'], {
      input: server,
      environment,
      timeoutMilliseconds: helperMilliseconds,
      maximumBytes: LARGEST_ANSWER,
    });
    const answer = readAnswer(result);
    if (typeof answer === 'string') observe(`no credentials for ${host}: ${program} ${answer}`);
    const [credential, life] = typeof answer === 'string' ? [null, FAILURE_LIFE] : [answer, ANSWER_LIFE];
    return { credential, until: now() + life };
  }

  async function fromHelper({ helpers, store }: DockerConfig, host: string): Promise<Credential | null> {
    const helper = helpers.get(host) ?? store;
    if (helper === null) return null;
    if (!HELPER_NAME.test(helper)) {
      observe(`${path} names a credential helper for ${host} that is not lower-case letters, digits and "-"`);
      return null;
    }
    const key = `${helper} ${host}`;
    const known = answers.get(key);
    if (known !== undefined && known.until > now()) return known.credential;
    const answer = await answers.share(key, Number.NEGATIVE_INFINITY, () => askHelper(helper, host)).result;
    answers.set(key, answer);
    return answer.credential;
  }

  return async (reference) => {
    const config = await currentConfig();
    const helped = await fromHelper(config, reference.registry);
    return [...(helped === null ? [] : [helped]), ...matchCredentials(config, reference)];
  };
}

/** A credential, null where the helper has none, or what went wrong. What it wrote may be secret and is not repeated. */
function readAnswer(result: ProgramResult): Credential | null | string {
  switch (result.kind) {
    case 'missing':
      return 'is not on the PATH, or can not be run';
    case 'timedOut':
      return 'did not answer in time';
    case 'tooLarge':
      return 'answered with more than is read';
    case 'killed':
      return 'was ended by a signal';
    case 'exited':
      if (result.code === 0) return readFields(result.stdout);
      return /credentials not found/i.test(result.stdout + result.stderr)
        ? null
        : `failed with exit code ${result.code}`;
  }
}

function readFields(text: string): Credential | null | string {
  try {
    const value: unknown = JSON.parse(text);
    const fields: Readonly<Record<string, unknown>> = typeof value === 'object' && value !== null ? { ...value } : {};
    const { Username: username = '', Secret: secret = '' } = fields;
    if (typeof username === 'string' && typeof secret === 'string') return credentialOf(username, secret);
  } catch {
    // The error would quote the text.
  }
  return 'answered with what is not understood';
}
