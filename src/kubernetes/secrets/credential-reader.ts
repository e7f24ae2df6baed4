import { type DockerConfigEntry, parseDockerConfig } from '../../core/image/credentials.ts';
import { asString, property, valueAt } from '../../core/workload/json.ts';
import { pullSecretNames } from '../../core/workload/pull-sources.ts';
import { type Cache, createCache } from '../../platform/cache.ts';
import { createLimiter, type Limiter } from '../../platform/limiter.ts';
import type { KubernetesClient } from '../client.ts';
import type { JsonObject } from '../request/answer.ts';
import { isKubernetesError } from '../request/error.ts';
import { resourcePath } from '../request/resource.ts';

/** What is wrong with an object that credentials were looked for in: its name, and a constant sentence. Never its content. */
export interface CredentialProblem {
  readonly kind: 'Secret' | 'ServiceAccount';
  readonly namespace: string;
  readonly name: string;
  readonly problem: string;
}

/** What reading something by its name came to. `missing`: it is not there; `failed`: the API server gave no answer. */
export type Found<T> =
  | ({ readonly kind: 'read' } & T)
  | { readonly kind: 'missing' }
  /** It is there, and holds nothing that can be used. */
  | { readonly kind: 'unusable' }
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'failed' };

/** Reads Secrets and ServiceAccounts, each by its name. It never rejects, and whoever asks brings a deadline of his own. */
export interface CredentialReader {
  secret(namespace: string, name: string): Promise<Found<{ readonly entries: readonly DockerConfigEntry[] }>>;
  /** The names of a ServiceAccount's own `imagePullSecrets`. */
  serviceAccount(namespace: string, name: string): Promise<Found<{ readonly secrets: readonly string[] }>>;
}

/** How a reader is made. */
export interface CredentialReaderOptions {
  /** Asked for single objects, never for lists. */
  readonly client: Pick<KubernetesClient, 'request'>;
  /** Told of each problem once in ten minutes. */
  readonly observe: (problem: CredentialProblem) => void;
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number;
}

/** A password that was changed counts soon; what could not be read may have been mended by whoever tries again. */
const READ_LIFE = 10_000;
const FAILURE_LIFE = 1000;
/** With what is not kept when it is larger: 32 MB at most. Of real pull secrets the largest have a few kilobytes. */
const MOST_KEPT = 1000;
const LARGEST_KEPT = 32 * 1024;
/** Well within a request's budget, so that what is public can still be asked for without credentials. */
const LOAD_MILLISECONDS = 3000;
const TOLD_LIFE = 600_000;
/** For one namespace: all that one object may name at once, and no namespace keeps the API server from the others'. */
const READS_PER_SECOND = 25;
const READS_AT_ONCE = 4;
const READS_WAITING = 100;
const TURNS_LIFE = 60_000;

const DATA_KEYS: ReadonlyMap<string, string> = new Map([
  ['kubernetes.io/dockerconfigjson', '.dockerconfigjson'],
  ['kubernetes.io/dockercfg', '.dockercfg'],
]);

type Place = Omit<CredentialProblem, 'problem'>;

interface Kept<T> {
  readonly found: Found<T>;
  readonly until: number;
}

/** Makes a reader that keeps for seconds what it read. */
export function createCredentialReader({ client, observe, now }: CredentialReaderOptions): CredentialReader {
  const told = createCache<object>({ maximumEntries: MOST_KEPT, lifeMilliseconds: TOLD_LIFE, now });
  const secrets = createKept<{ readonly entries: readonly DockerConfigEntry[] }>();
  const accounts = createKept<{ readonly secrets: readonly string[] }>();

  const turns = createCache<Limiter>({ maximumEntries: MOST_KEPT, lifeMilliseconds: TURNS_LIFE, now });

  function turnsOf(namespace: string): Limiter {
    const bounds = { concurrency: READS_AT_ONCE, waiting: READS_WAITING, perSecond: READS_PER_SECOND, now };
    const limiter = turns.get(namespace) ?? createLimiter(bounds);
    turns.set(namespace, limiter);
    return limiter;
  }

  function createKept<T>(): Cache<Kept<T>> {
    return createCache({ maximumEntries: MOST_KEPT, lifeMilliseconds: READ_LIFE, now });
  }

  function tell(problem: CredentialProblem): void {
    const key = `${problem.kind} ${problem.namespace}/${problem.name}: ${problem.problem}`;
    if (told.get(key) !== undefined) return;
    told.set(key, {});
    observe(problem);
  }

  async function find<T>(cache: Cache<Kept<T>>, place: Place, read: (object: JsonObject) => Found<T>) {
    const key = `${place.namespace}/${place.name}`;
    const kept = cache.get(key);
    if (kept !== undefined && kept.until > now()) return kept.found;
    const load = async (): Promise<Kept<T>> => {
      const object = await get(place);
      const found = typeof object === 'string' ? { kind: object } : read(object);
      const entry = { found, until: now() + (found.kind === 'read' ? READ_LIFE : FAILURE_LIFE) };
      if (typeof object === 'string' || !isLarge(object)) cache.set(key, entry);
      return entry;
    };
    return (await cache.share(key, Number.NEGATIVE_INFINITY, load).result).found;
  }

  async function get(place: Place): Promise<JsonObject | 'missing' | 'forbidden' | 'failed'> {
    const { kind, namespace, name } = place;
    const resource = kind === 'Secret' ? 'secrets' : 'serviceaccounts';
    try {
      const path = resourcePath({ group: '', version: 'v1', resource, namespace, name });
      const signal = AbortSignal.timeout(LOAD_MILLISECONDS);
      return await turnsOf(namespace).run(() => client.request({ method: 'GET', path, signal }), signal);
    } catch (error) {
      if (isKubernetesError(error, 'NotFound')) return 'missing'; // The kubelet goes on without it too.
      const why = isKubernetesError(error, 'Forbidden') ? 'forbidden' : 'failed';
      tell({ ...place, problem: UNREAD[why] });
      return why;
    }
  }

  return {
    secret(namespace, name) {
      const place = { kind: 'Secret', namespace, name } as const;
      return find(secrets, place, (object) => {
        const { entries, problem } = readDockerSecret(object);
        if (problem !== null) tell({ ...place, problem });
        return entries === null ? { kind: 'unusable' } : { kind: 'read', entries };
      });
    },
    serviceAccount(namespace, name) {
      const place = { kind: 'ServiceAccount', namespace, name } as const;
      return find(accounts, place, (object) => ({ kind: 'read', secrets: pullSecretNames(object) }));
    },
  };
}

const UNREAD = {
  forbidden: 'may not be read: tagpin has no permission to get it',
  failed: 'could not be read: the API server gave no answer in time',
} as const;

/**
 * The entries of a Secret of the types `kubernetes.io/dockerconfigjson` and `kubernetes.io/dockercfg`, null where it has none
 * that can be used. Its problems are constant sentences, since those of the parser name hosts. Credential helpers that it names
 * are never run.
 */
function readDockerSecret(secret: JsonObject): {
  readonly entries: readonly DockerConfigEntry[] | null;
  readonly problem: string | null;
} {
  const unusable = (problem: string) => ({ entries: null, problem });
  const key = DATA_KEYS.get(asString(property(secret, 'type')) ?? '');
  if (key === undefined)
    return unusable('is ignored: its type is neither kubernetes.io/dockerconfigjson nor dockercfg');
  const data = asString(valueAt(secret, ['data', key]));
  if (data === null || data === '') return unusable(`is ignored: it has no ${key}`);
  const parsed = parseDockerConfig(Buffer.from(data, 'base64').toString('utf8'));
  if (!parsed.ok) return unusable(`is ignored: its ${key} is no Docker configuration that can be read`);
  const { entries, ignored } = parsed.config;
  return { entries, problem: ignored.length === 0 ? null : LEFT_OUT };
}

const LEFT_OUT = 'has keys that are left out: they are no hosts, or have wildcards that cover the hosts of others';

function isLarge(object: JsonObject): boolean {
  return JSON.stringify(object).length > LARGEST_KEPT;
}
