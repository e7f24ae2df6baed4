import type { Credential } from '../core/image/credentials.ts';
import { type Cache, createCache } from '../platform/cache.ts';
import { withSignal } from '../platform/deadline.ts';
import type { HttpAnswer } from '../platform/network/http.ts';
import { ANONYMOUS } from './answers/fingerprint.ts';
import type { RegistrySettings } from './connection/own.ts';
import type { Transport } from './connection/transport.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './error.ts';
import { permitRealm, type RealmPermit } from './guard.ts';

/** What a token is asked for. */
export interface TokenRequest {
  readonly endpoint: Endpoint;
  /** As the registry's challenge names it. */
  readonly realm: string;
  readonly service: string | null;
  readonly scopes: readonly string[];
  /** `repository:tag`, for messages. */
  readonly image: string;
  readonly credential: Credential | null;
  /** The credential's fingerprint. */
  readonly account: string;
  readonly signal: AbortSignal;
}

/** A token for the registry, and whether the credential was shown for it. */
export interface Token {
  readonly value: string;
  /** The token service, where it was not trusted with the credential; null where nothing was held back. */
  readonly heldBackFrom: RealmPermit | null;
}

/** Gets tokens from the services that registries name, and keeps them while they last. */
export interface Tokens {
  /** A token, remembered or new. Rejects with `RegistryError`. */
  get(request: TokenRequest): Promise<Token>;
  /** Forgets a token that the registry did not take. */
  forget(request: TokenRequest): void;
}

/** What tokens are made of. */
export interface TokensOptions {
  readonly settings: () => RegistrySettings;
  readonly transport: Transport;
  /** A clock that never goes back: a token's life counts from when it came, whatever the service's clock says. */
  readonly now: () => number;
  /** How long all requests for one token may take, whoever waits for it. */
  readonly flightMilliseconds: number;
}

interface KeptToken extends Token {
  readonly until: number;
}

const CLIENT_ID = 'tagpin';
const MOST_TOKENS = 5000;
const LARGEST_ANSWER = 64 * 1024;
/** What the distribution's specification says a token lasts where nothing is said. */
const DEFAULT_LIFE_SECONDS = 60;
const LONGEST_LIFE_SECONDS = 3600;
/** Renewed early, so that none ends on its way. */
const SHARE_OF_LIFE = 0.8;
/** A header's worth, and only what a header may hold. */
const TOKEN = /^[\x21-\x7e]{1,12288}$/;

/** Makes the keeper of tokens (distribution's `spec/auth/token.md` and `oauth.md`). */
export function createTokens({ settings, transport, now, flightMilliseconds }: TokensOptions): Tokens {
  const kept: Cache<KeptToken> = createCache({
    maximumEntries: MOST_TOKENS,
    lifeMilliseconds: LONGEST_LIFE_SECONDS * 1000,
    now,
  });

  async function fetchToken(request: TokenRequest): Promise<KeptToken> {
    const permit = permitRealm(settings(), request.endpoint, request.realm);
    const credential = permit.credentials ? request.credential : null;
    const heldBackFrom = credential === request.credential ? null : permit;
    const signal = AbortSignal.timeout(flightMilliseconds);
    const shown = { ...request, credential, signal };
    const received = now();
    const asked =
      credential?.kind === 'identity'
        ? postForm(permit, shown, credential.token)
        : getWithBasic(permit, shown, credential);
    const answer = await asked.catch((error: unknown) => {
      throw signal.aborted ? new RegistryError('TimedOut', permit, { cause: error }) : error;
    });
    const { value, lifeSeconds } = readToken(answer, request, heldBackFrom);
    const token: KeptToken = { value, heldBackFrom, until: received + lifeSeconds * 1000 * SHARE_OF_LIFE };
    kept.set(keyOf(request), token);
    return token;
  }

  async function getWithBasic(
    permit: RealmPermit,
    request: TokenRequest,
    credential: Credential | null,
  ): Promise<HttpAnswer> {
    const url = new URL(permit.url);
    if (request.service !== null) url.searchParams.set('service', request.service);
    for (const scope of request.scopes) url.searchParams.append('scope', scope);
    url.searchParams.set('client_id', CLIENT_ID);
    if (credential?.kind === 'basic') url.searchParams.set('account', credential.username);
    const { answer } = await transport.send({
      permit: { ...permit, url },
      method: 'GET',
      headers: { accept: 'application/json' },
      authorization: basic(credential),
      account: credential === null ? ANONYMOUS : request.account,
      maximumBytes: LARGEST_ANSWER,
      signal: request.signal,
    });
    return answer;
  }

  /** OAuth 2.0; services that do not know it answer 404 or 405 and get the refresh token as the password of `<token>`. */
  async function postForm(permit: RealmPermit, request: TokenRequest, refreshToken: string): Promise<HttpAnswer> {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: CLIENT_ID,
      scope: request.scopes.join(' '),
      ...(request.service === null ? {} : { service: request.service }),
    });
    const { answer } = await transport.send({
      permit,
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      authorization: null,
      account: request.account,
      body: form.toString(),
      maximumBytes: LARGEST_ANSWER,
      signal: request.signal,
    });
    if (answer.status !== 404 && answer.status !== 405) return answer;
    return await getWithBasic(permit, request, { kind: 'basic', username: '<token>', password: refreshToken });
  }

  return {
    async get(request) {
      const key = keyOf(request);
      const known = kept.get(key);
      if (known !== undefined && known.until > now()) return known;
      const { result } = kept.share(key, Number.NEGATIVE_INFINITY, () => fetchToken(request));
      return await withSignal(result, request.signal);
    },
    forget: (request) => kept.delete(keyOf(request)),
  };
}

/** Everything that makes a token another one; the registry too, so that none gets a token that another one's service gave. */
function keyOf({ endpoint, realm, service, scopes, account }: TokenRequest): string {
  return JSON.stringify([endpoint.base.origin, realm, service, scopes, account]);
}

function basic(credential: Credential | null): string | null {
  if (credential?.kind !== 'basic') return null;
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`, 'utf8').toString('base64')}`;
}

function readToken(
  answer: HttpAnswer,
  { endpoint: { host }, image, credential }: TokenRequest,
  heldBackFrom: RealmPermit | null,
): { value: string; lifeSeconds: number } {
  const { status, body } = answer;
  if (status === 400 || status === 401 || status === 403) {
    if (heldBackFrom !== null) throw new RegistryError('RealmNotTrusted', { host, other: heldBackFrom.host });
    throw new RegistryError(credential === null ? 'SignInWanted' : 'SignInRefused', { host, image });
  }
  if (status === 408 || status >= 499) throw new RegistryError('ServerError', { host });
  if (status !== 200) throw new RegistryError('NotUnderstood', { host });
  const fields = parseFields(body);
  const value = fields['token'] ?? fields['access_token'];
  if (typeof value !== 'string' || !TOKEN.test(value)) throw new RegistryError('NotUnderstood', { host });
  const seconds = Number(fields['expires_in'] ?? DEFAULT_LIFE_SECONDS);
  const lifeSeconds = seconds > 0 ? Math.min(seconds, LONGEST_LIFE_SECONDS) : DEFAULT_LIFE_SECONDS;
  return { value, lifeSeconds };
}

function parseFields(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
