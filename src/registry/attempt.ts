import type { Credential, Keychain } from '../core/image/credentials.ts';
import type { ImageReference } from '../core/image/reference.ts';
import type { ResolutionFailureCode } from '../core/image/resolution.ts';
import { withSignal } from '../platform/deadline.ts';
import { atMirror, type Endpoint } from './endpoint.ts';
import { isWorthAnotherTry, moreTelling, RegistryError } from './error.ts';
import type { Target } from './inquiry.ts';

/** What is asked about a repository, by whom, and until when; each time anew. */
export interface RepositoryQuestion {
  readonly reference: ImageReference;
  /** Credentials to try in order; without any is tried last. It must not reject. */
  readonly keychain: Keychain;
  readonly signal: AbortSignal;
}

/** Why there is no answer: a code, and a sentence for people. */
export interface RepositoryFailure {
  readonly kind: 'failed';
  readonly code: ResolutionFailureCode;
  readonly message: string;
}

/** What attempts are made of. */
export interface AttemptOptions {
  readonly endpointOf: (registry: string) => Endpoint | RegistryError;
  /** Credentials that a cloud gives this process, tried after the question's own. */
  readonly cloud: Keychain | null;
  readonly fingerprint: (credential: Credential | null) => string;
}

/**
 * Asks with one credential after the other, as the resolver does, and without any last, until one is answered or what is wrong
 * hangs on none of them.
 *
 * @param image what the messages name.
 * @param load asks with one credential; it rejects with `RegistryError`.
 * @returns what it gave, or why no credential brought an answer. Rejects for programming errors only.
 */
export type Attempt = <Answer>(
  question: RepositoryQuestion,
  image: string,
  load: (target: Target) => Promise<Answer>,
) => Promise<Answer | RepositoryFailure>;

/** Makes what asks so. */
export function createAttempt({ endpointOf, cloud, fingerprint }: AttemptOptions): Attempt {
  return async function attempt<Answer>(
    { reference, keychain, signal }: RepositoryQuestion,
    image: string,
    load: (target: Target) => Promise<Answer>,
  ): Promise<Answer | RepositoryFailure> {
    const endpoint = endpointOf(reference.registry);
    if (endpoint instanceof RegistryError) return failed(endpoint);
    const { repository } = reference;
    const asked = atMirror(reference, endpoint);
    let failure: RegistryError | null = null;
    try {
      for (const chain of [keychain, cloud ?? NOBODY, ANONYMOUS]) {
        for (const credential of await withSignal(chain(asked), signal)) {
          try {
            const account = fingerprint(credential);
            return await load({ endpoint, repository, image, credential, account, signal });
          } catch (error) {
            if (!(error instanceof RegistryError)) throw error;
            failure = moreTelling(failure, error);
            if (!isWorthAnotherTry(error)) return failed(error);
          }
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      failure = null;
    }
    return failed(failure ?? new RegistryError('TimedOut', { host: endpoint.host }));
  };
}

type Chain = (reference: ImageReference) => Promise<readonly (Credential | null)[]>;
const NOBODY: Chain = async () => [];
const ANONYMOUS: Chain = async () => [null];

function failed({ code, message }: RegistryError): RepositoryFailure {
  return { kind: 'failed', code, message };
}
