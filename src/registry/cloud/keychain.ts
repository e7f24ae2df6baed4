import type { Credential, Keychain } from '../../core/image/credentials.ts';
import { type Cache, createCache } from '../../platform/cache.ts';
import { createAmazonIdentity } from './amazon.ts';
import { createAzureIdentity } from './azure.ts';
import { createGoogleIdentity } from './google.ts';
import type { CloudIdentity, Environment, SignIn } from './identity.ts';

/** A cloud gave no credential. The problem is a sentence without secrets. */
export interface CloudProblem {
  readonly cloud: CloudIdentity['name'];
  /** The registry that was to be asked. */
  readonly host: string;
  readonly problem: string;
}

/** Which identities there may be, and who is told where one fails. */
export interface CloudKeychainOptions {
  /** The process's own; AWS's client reads the same by itself. */
  readonly environment: Environment;
  readonly observe?: (problem: CloudProblem) => void;
  /** All three clouds. */
  readonly identities?: readonly CloudIdentity[];
  /** A clock that never goes back, in milliseconds: `performance.now`. */
  readonly now?: () => number;
}

interface Known {
  readonly credential: Credential | null;
  readonly until: number;
}

/** Images name hosts, so what is kept for each is bounded, and so is what is under way. */
const MOST_KEYS = 1000;
const MOST_AT_ONCE = 32;
const LONGEST_LIFE = 12 * 3600_000;
const SIGN_IN_MILLISECONDS = 15_000;
/** What fails may soon be repaired, but not by asking for every image. */
const FAILURE_LIFE = 30_000;
/** Renewed before the end by this share of the life, but by no more than five minutes. */
const RENEWAL_SHARE = 0.2;
const LONGEST_RENEWAL = 300_000;

/**
 * Makes the keychain of the identity that a cloud gives this process (IRSA, EKS Pod Identity, GKE's and Azure's workload
 * identity), for that cloud's registries only. Nothing is asked for another registry, nor where the environment shows no
 * such identity. It never rejects: where a cloud gives nothing there is no credential, and the observer hears why.
 */
export function createCloudKeychain(options: CloudKeychainOptions): Keychain {
  const { environment, observe } = options;
  const now = options.now ?? (() => performance.now());
  const identities = options.identities ?? [
    createAmazonIdentity({ environment }),
    createGoogleIdentity({ environment }),
    createAzureIdentity({ environment }),
  ];
  const known: Cache<Known> = createCache({ maximumEntries: MOST_KEYS, lifeMilliseconds: LONGEST_LIFE, now });

  async function signIn(identity: CloudIdentity, host: string): Promise<Known> {
    if (!(await identity.isPresent())) return { credential: null, until: Number.POSITIVE_INFINITY };
    const answer: SignIn = await identity.signIn(host, AbortSignal.timeout(SIGN_IN_MILLISECONDS));
    if (!answer.ok) {
      observe?.({ cloud: identity.name, host, problem: answer.problem });
      return { credential: null, until: now() + FAILURE_LIFE };
    }
    const { credential, lifeMilliseconds } = answer;
    const renewal = Math.min(lifeMilliseconds * RENEWAL_SHARE, LONGEST_RENEWAL);
    return { credential, until: now() + lifeMilliseconds - renewal };
  }

  return async ({ registry: host }) => {
    for (const identity of identities) {
      const scope = identity.keyOf(host);
      if (scope === null) continue;
      const key = `${identity.name} ${scope}`;
      let found = known.get(key);
      if (found === undefined || found.until <= now()) {
        if (known.loading >= MOST_AT_ONCE) return [];
        found = await known.share(key, Number.NEGATIVE_INFINITY, () => signIn(identity, host)).result;
        known.set(key, found);
      }
      return found.credential === null ? [] : [found.credential];
    }
    return [];
  };
}
