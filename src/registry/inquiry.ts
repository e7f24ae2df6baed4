import type { Credential } from '../core/image/credentials.ts';
import { type Cache, createCache } from '../platform/cache.ts';
import type { HttpAnswer } from '../platform/network/http.ts';
import { readRetryAfter } from '../platform/retry.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { Transport } from './connection/transport.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './error.ts';
import { permitRegistry } from './guard.ts';
import type { Token, TokenRequest, Tokens } from './token.ts';

/** One repository, as one who asks may see it. */
export interface Target {
  readonly endpoint: Endpoint;
  /** Below the registry, without the mirror's prefix. */
  readonly repository: string;
  /** The tag or digest that is meant, for messages with the repository: `library/nginx:1.27`. */
  readonly image: string;
  /** Null to ask anonymously. */
  readonly credential: Credential | null;
  /** The credential's fingerprint. */
  readonly account: string;
  readonly signal: AbortSignal;
}

/** One request below a repository. */
export interface Inquiry {
  readonly method: 'GET' | 'HEAD';
  /** Below the repository, with its query: `manifests/latest`. */
  readonly path: string;
  /** Media types for the `Accept` header. */
  readonly accept: string;
  /** How many bytes of body are read; with more, `TooLarge`. */
  readonly maximumBytes: number;
}

/**
 * Sends a request, signed in as the registry wants it. The status is the caller's to judge, but for 401 and 429. Rejects with
 * `RegistryError`, and with the target's `signal.reason`.
 */
export type Inquire = (target: Target, inquiry: Inquiry) => Promise<HttpAnswer>;

/** What asking is made of. */
export interface InquireOptions {
  readonly transport: Transport;
  readonly tokens: Tokens;
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number;
}

const MOST_CHALLENGES = 1000;
const CHALLENGE_LIFE = 600_000;

/** Makes what asks registries, and remembers how each wants to be asked. */
export function createInquire({ transport, tokens, now }: InquireOptions): Inquire {
  /** How a registry wants to be asked, so that the next image costs no refused request. */
  const challenges: Cache<Challenge> = createCache({
    maximumEntries: MOST_CHALLENGES,
    lifeMilliseconds: CHALLENGE_LIFE,
    now,
  });

  async function ask(target: Target, { method, path, accept, maximumBytes }: Inquiry): Promise<HttpAnswer> {
    const { endpoint, account, signal } = target;
    const permit = permitRegistry(endpoint);
    const url = urlOf(target, path);
    const send = (authorization: string | null) =>
      transport.send({
        permit: { ...permit, url },
        method,
        headers: { accept },
        authorization,
        account,
        maximumBytes,
        signal,
      });

    const key = endpoint.base.origin;
    const first = await signInAhead(target, key);
    let reply = await send(first?.authorization ?? null);
    if (reply.answer.status !== 401) return reply.answer;

    // What another origin wants is not for our credentials to give.
    const offered = reply.isRedirected ? [] : parseChallenges(reply.answer.headers('www-authenticate'));
    const challenge = chooseChallenge(offered, target.credential);
    if (challenge !== null) challenges.set(key, challenge);
    // One more try, with a new token even where one was sent: it may have ended early. Then it is enough.
    if (first?.request !== undefined) tokens.forget(first.request);
    const second = challenge === null || target.credential?.kind === 'bearer' ? null : await signIn(target, challenge);
    if (second !== null && (second.request !== undefined || second.authorization !== first?.authorization)) {
      reply = await send(second.authorization);
    }
    if (reply.answer.status !== 401) return reply.answer;
    throw refusal(target, second);
  }

  /** What the registry wanted last time; where that leads nowhere any more it is asked what it wants now. */
  async function signInAhead(target: Target, key: string): Promise<SignIn | null> {
    try {
      return await signIn(target, challenges.get(key) ?? null);
    } catch (error) {
      const isOutdated = error instanceof RegistryError && ['NotAllowed', 'InvalidResponse'].includes(error.code);
      if (!isOutdated) throw error;
      challenges.delete(key);
      return null;
    }
  }

  async function signIn(target: Target, challenge: Challenge | null): Promise<SignIn | null> {
    const { credential } = target;
    if (credential?.kind === 'bearer') return { authorization: `Bearer ${credential.token}`, token: null };
    if (challenge?.scheme === 'basic' && credential?.kind === 'basic') {
      const text = Buffer.from(`${credential.username}:${credential.password}`, 'utf8').toString('base64');
      return { authorization: `Basic ${text}`, token: null };
    }
    const realm = challenge?.parameters.get('realm');
    if (challenge?.scheme !== 'bearer' || realm === undefined) return null;
    const { prefix } = target.endpoint;
    const request: TokenRequest = {
      ...target,
      realm,
      service: challenge.parameters.get('service') ?? null,
      // The scope is ours to say: a registry could name another's repository to get at a token for it.
      scopes: [`repository:${prefix}${target.repository}:pull`],
    };
    const token = await tokens.get(request);
    return { authorization: `Bearer ${token.value}`, token, request };
  }

  return ask;
}

/** Where a path below a target's repository is. */
export function urlOf({ endpoint, repository }: Target, path: string): URL {
  return new URL(`${endpoint.prefix}${repository}/${path}`, endpoint.base);
}

interface SignIn {
  readonly authorization: string;
  readonly token: Token | null;
  readonly request?: TokenRequest;
}

/** Bearer where there is one; Basic only for who has a password. */
function chooseChallenge(offered: readonly Challenge[], credential: Credential | null): Challenge | null {
  const bearer = offered.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'));
  const basic = credential?.kind === 'basic' ? offered.find(({ scheme }) => scheme === 'basic') : undefined;
  return bearer ?? basic ?? null;
}

function refusal(target: Target, signedIn: SignIn | null): RegistryError {
  const heldBackFrom = signedIn?.token?.heldBackFrom ?? null;
  if (heldBackFrom !== null) {
    return new RegistryError('RealmNotTrusted', { ...factsOf(target), other: heldBackFrom.host });
  }
  return new RegistryError(target.credential === null ? 'SignInWanted' : 'SignInRefused', factsOf(target));
}

/** Why a status is no answer. */
export function statusError(answer: HttpAnswer, target: Target): RegistryError {
  const { status } = answer;
  const facts = factsOf(target);
  if (status === 404 || status === 410) return new RegistryError('Unknown', facts);
  if (status === 402 || status === 403 || status === 451) return new RegistryError('Forbidden', facts);
  // 499 and 522 are those of nginx and Cloudflare for an upstream that did not answer.
  if (status === 408 || status >= 499) {
    const retryAfterMilliseconds = readRetryAfter(answer.header('retry-after'), Date.now());
    return new RegistryError('ServerError', facts, { retryAfterMilliseconds });
  }
  return new RegistryError('NoManifest', facts);
}

/** What a message may name of a target. */
export function factsOf({ endpoint, image }: Target): { host: string; image: string } {
  return { host: endpoint.host, image };
}
