import { homedir } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatDuration, parseDuration } from '../../core/duration.ts';
import type { Keychain } from '../../core/image/credentials.ts';
import type { Digest } from '../../core/image/digest.ts';
import type { Platform } from '../../core/image/platform.ts';
import type { ImageReference } from '../../core/image/reference.ts';
import type { Resolution } from '../../core/image/resolution.ts';
import { DEFAULT_POLICY, type Policy } from '../../core/policy/schema.ts';
import { createLimiter } from '../../platform/limiter.ts';
import type { Inspection, TagList } from '../../registry/catalog/catalog.ts';
import { createDockerKeychain } from '../../registry/docker-config.ts';
import { createResolver, type Resolver } from '../../registry/resolver.ts';
import { type CommandIO, writeLine } from '../output.ts';
import { readPolicy } from '../policy/policy-file.ts';

/** What commands that ask registries are told about them. */
export interface RegistryOptions {
  readonly policy?: string;
  /** Milliseconds for each image. */
  readonly timeout: number;
}

/** What is needed to ask registries from the command line. */
export interface OpenResolver {
  readonly resolver: Resolver;
  readonly policy: Policy;
  /** The credentials of the Docker configuration. */
  readonly keychain: Keychain;
  /**
   * What a reference means now, or on one platform. Any number may be asked at once: each waits its turn, and has the whole
   * timeout from then on.
   */
  ask(reference: ImageReference, platform?: Platform): Promise<Resolution>;
  /** The tags of a repository. */
  listTags(repository: ImageReference): Promise<TagList>;
  /** What an image is, and when it was built. */
  inspect(reference: ImageReference, platforms: readonly Platform[]): Promise<Inspection>;
  /** Is an image an index that lists this manifest? Null where the registry does not tell. Turns as for `ask`. */
  lists(index: ImageReference, manifest: Digest): Promise<boolean | null>;
  close(): Promise<void>;
}

/** The resolver lets 8 go to each registry at a time; this is enough for four of them. */
const ASKED_AT_ONCE = 32;
const LONGEST_TIMEOUT = 24 * 60 * 60_000;

/** Adds `--policy`, for its registries unless it is said otherwise, and `--timeout` to a command. */
export function registryOptions(
  command: Command,
  policy = 'a policy, for its registries: plain HTTP, authorities, allow list, proxy, mirrors',
): Command {
  return command
    .option('--policy <file>', policy)
    .addOption(
      new Option('--timeout <duration>', 'how long one image may take, such as 10s or 1m')
        .argParser(parseTimeout)
        .default(30_000, '30s'),
    );
}

/** The policy of `--policy`, or the defaults. Errors as of `readPolicy`. */
export async function readRegistryPolicy(io: CommandIO, options: RegistryOptions): Promise<Policy> {
  return options.policy === undefined ? DEFAULT_POLICY : await readPolicy(io, options.policy);
}

/** Reads the policy and makes ready to ask. Nothing is asked, and no credential is read, before the first question. */
export async function openResolver(io: CommandIO, options: RegistryOptions): Promise<OpenResolver> {
  return openRegistries(io, await readRegistryPolicy(io, options), options);
}

/** Makes ready to ask by a policy that was read already. */
export function openRegistries(io: CommandIO, policy: Policy, options: Pick<RegistryOptions, 'timeout'>): OpenResolver {
  const keychain = createDockerKeychain({
    environment: io.environment,
    homeDirectory: io.environment['HOME'] ?? homedir(),
    // A helper that hangs must not outlast the image that was asked for.
    helperMilliseconds: options.timeout,
    observe: (problem) => writeLine(io.stderr, `tagpin: ${problem}`),
  });
  const resolver = createResolver({ settings: () => policy.registries, flightMilliseconds: options.timeout });
  const turns = createLimiter({
    concurrency: ASKED_AT_ONCE,
    waiting: Number.POSITIVE_INFINITY,
    perSecond: null,
    now: () => performance.now(),
  });
  const anytime = new AbortController().signal;

  const questionOf = (reference: ImageReference) => {
    return { reference, keychain, signal: AbortSignal.timeout(options.timeout) };
  };

  function ask(reference: ImageReference, platform?: Platform): Promise<Resolution> {
    return turns.run(() => {
      const question = questionOf(reference);
      return platform === undefined ? resolver.resolve(question) : resolver.resolvePlatform({ ...question, platform });
    }, anytime);
  }

  async function lists(index: ImageReference, entry: Digest): Promise<boolean | null> {
    const answer = await turns.run(() => resolver.resolveEntry({ ...questionOf(index), entry }), anytime);
    if (answer.kind === 'resolved') return true;
    return answer.code === 'NoMatchingPlatform' ? false : null;
  }

  return {
    resolver,
    policy,
    keychain,
    ask,
    lists,
    listTags: (repository) => resolver.listTags(questionOf(repository)),
    inspect: (reference, platforms) =>
      turns.run(() => resolver.inspect({ ...questionOf(reference), platforms }), anytime),
    close: () => resolver.close(),
  };
}

function parseTimeout(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === null) throw new InvalidArgumentError('Write a duration, such as 10s, 500ms or 1m30s.');
  if (milliseconds < 1 || milliseconds > LONGEST_TIMEOUT) {
    throw new InvalidArgumentError(`It is between 1ms and ${formatDuration(LONGEST_TIMEOUT)}.`);
  }
  return milliseconds;
}
