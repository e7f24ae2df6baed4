import type { Credential } from '../core/image/credentials.ts';
import { type Digest, digestAlgorithm, parseDigest } from '../core/image/digest.ts';
import { type Cache, createCache } from '../platform/cache.ts';
import type { HttpAnswer } from '../platform/http.ts';
import { readRetryAfter } from '../platform/retry.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { Transport } from './connection/transport.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './error.ts';
import { permitRegistry } from './guard.ts';
import {
  ACCEPT_MANIFESTS,
  hashOf,
  isManifestType,
  isRetiredType,
  LARGEST_MANIFEST,
  type Manifest,
  matchesDigest,
  mediaTypeOf,
  parseManifest,
} from './manifest.ts';
import { MOST_PAGES, MOST_TAGS, PAGE, readNextPage, readTagPage } from './tag-list.ts';
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

/** What a tag or a digest is. */
export interface Described {
  readonly digest: Digest;
  readonly mediaType: string;
}

/** What a registry can be asked (distribution-spec, pull). All reject with `RegistryError`, and with `signal.reason`. */
export interface RegistryClient {
  /** The digest of a manifest: by HEAD, and where that does not tell by GET. */
  describe(target: Target, reference: string): Promise<Described>;
  /** A manifest by its digest. */
  fetchManifest(target: Target, digest: Digest): Promise<Manifest>;
  /** A blob by its digest, of at most 8 MiB. */
  fetchBlob(target: Target, digest: Digest): Promise<Buffer>;
  /** All tags of a repository, at most 50,000, in the registry's order. */
  listTags(target: Target): Promise<readonly string[]>;
}

/** What a client is made of. */
export interface ClientOptions {
  readonly transport: Transport;
  readonly tokens: Tokens;
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number;
}

const MOST_CHALLENGES = 1000;
const CHALLENGE_LIFE = 600_000;

/** Makes a client. */
export function createClient({ transport, tokens, now }: ClientOptions): RegistryClient {
  /** How a registry wants to be asked, so that the next image costs no refused request. */
  const challenges: Cache<Challenge> = createCache({
    maximumEntries: MOST_CHALLENGES,
    lifeMilliseconds: CHALLENGE_LIFE,
    now,
  });

  async function ask(target: Target, method: 'GET' | 'HEAD', path: string, accept: string): Promise<HttpAnswer> {
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
        maximumBytes: LARGEST_MANIFEST,
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

  return {
    async describe(target, reference) {
      const path = `manifests/${reference}`;
      const head = await ask(target, 'HEAD', path, ACCEPT_MANIFESTS);
      const told = describeHead(head, reference, target);
      if (told !== null) return told;
      // Some answer HEAD with nothing of use, or refuse it: registry.redhat.io, Nexus, proxies. GET tells which it is.
      if (isBusy(head)) throw statusError(head, target);
      const answer = await ask(target, 'GET', path, ACCEPT_MANIFESTS);
      if (answer.status !== 200) throw statusError(answer, target);
      return describeBody(answer, reference, target);
    },
    async fetchManifest(target, digest) {
      const answer = await ask(target, 'GET', `manifests/${digest}`, ACCEPT_MANIFESTS);
      if (answer.status !== 200) throw statusError(answer, target);
      if (!matchesDigest(answer.body, digest)) throw new RegistryError('WrongDigest', factsOf(target));
      return readManifest(answer, target);
    },
    async fetchBlob(target, digest) {
      const answer = await ask(target, 'GET', `blobs/${digest}`, '*/*');
      if (answer.status !== 200) throw statusError(answer, target);
      if (!matchesDigest(answer.body, digest)) throw new RegistryError('WrongDigest', factsOf(target));
      return answer.body;
    },
    async listTags(target) {
      const tags: string[] = [];
      const seen = new Set<string>();
      let query = `n=${PAGE}`;
      for (let pages = 0; pages < MOST_PAGES; pages += 1) {
        const path = `tags/list${query === '' ? '' : `?${query}`}`;
        const answer = await ask(target, 'GET', path, 'application/json');
        // Some refuse a page that is larger than they like, and choose one themselves.
        if (pages === 0 && query !== '' && REFUSES_PAGE.has(answer.status)) {
          query = '';
          continue;
        }
        if (answer.status !== 200) throw statusError(answer, target);
        const page = readTagPage(answer.body);
        if (page === null) throw new RegistryError('NoTagList', factsOf(target));
        tags.push(...page);
        if (tags.length > MOST_TAGS) throw new RegistryError('TooManyTags', factsOf(target));
        const next = readNextPage(answer.headers('link'), urlOf(target, path));
        if (next.kind === 'none') return tags;
        if (next.kind === 'elsewhere') throw new RegistryError('PagesElsewhere', factsOf(target));
        if (seen.has(next.query)) throw new RegistryError('PagesWithoutEnd', factsOf(target));
        seen.add(next.query);
        query = next.query;
      }
      throw new RegistryError('TooManyTags', factsOf(target));
    },
  };
}

/** Statuses with which ECR (405) and Quay (400) answer to more tags than they give at once. */
const REFUSES_PAGE: ReadonlySet<number> = new Set([400, 405, 422]);

function urlOf({ endpoint, repository }: Target, path: string): URL {
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

/** What a HEAD tells; null where it does not. */
function describeHead(head: HttpAnswer, reference: string, target: Target): Described | null {
  if (head.status !== 200) return null;
  const mediaType = mediaTypeOf(head.header('content-type'));
  if (isRetiredType(mediaType)) throw new RegistryError('OldManifest', factsOf(target));
  if (Number(head.header('content-length') ?? 0) > LARGEST_MANIFEST) {
    throw new RegistryError('TooLarge', factsOf(target));
  }
  const digest = parseDigest(head.header('docker-content-digest') ?? '');
  const asked = parseDigest(reference);
  if (digest === null || !isManifestType(mediaType) || (asked !== null && asked !== digest)) return null;
  return { digest, mediaType };
}

/** What a GET tells: the hash of the raw bytes, and where the registry names a digest too it must be that. */
function describeBody(answer: HttpAnswer, reference: string, target: Target): Described {
  const { mediaType } = readManifest(answer, target);
  const named = answer.headers('docker-content-digest');
  const header = parseDigest(named[0] ?? '');
  const asked = parseDigest(reference);
  const expected = asked ?? header;
  const digest = hashOf(answer.body, expected === null ? 'sha256' : digestAlgorithm(expected));
  const isSound =
    digest !== null &&
    (asked === null || asked === digest) &&
    (named.length === 0 || (named.length === 1 && header !== null && matchesDigest(answer.body, header)));
  if (!isSound) throw new RegistryError('WrongDigest', factsOf(target));
  return { digest, mediaType };
}

function readManifest(answer: HttpAnswer, target: Target): Manifest {
  const manifest = parseManifest(answer.body, mediaTypeOf(answer.header('content-type')));
  if (manifest === 'retired') throw new RegistryError('OldManifest', factsOf(target));
  if (manifest === null) throw new RegistryError('NoManifest', factsOf(target));
  return manifest;
}

/** A server that names when to come back is not asked again at once. */
function isBusy(answer: HttpAnswer): boolean {
  return answer.status === 503 && answer.header('retry-after') !== null;
}

function statusError(answer: HttpAnswer, target: Target): RegistryError {
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

function factsOf({ endpoint, image }: Target): { host: string; image: string } {
  return { host: endpoint.host, image };
}
