import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { asObject, asString, elements, type JsonObject, property } from '../../core/workload/json.ts';
import { withSignal } from '../../platform/deadline.ts';

/** Google's keys as they were fetched. */
export interface FetchedKeys {
  /** The body: a key set (RFC 7517). */
  readonly text: string;
  /** For how long they may be kept, as `Cache-Control` says; null where it says nothing. */
  readonly maxAgeMilliseconds: number | null;
}

/** GET of a key set. Rejects where there is none. */
export type FetchKeys = (url: URL, signal: AbortSignal) => Promise<FetchedKeys>;

/** Whom Google must vouch for. */
export interface GoogleAccount {
  readonly audience: string;
  readonly email: string;
}

/** What a token is worth. Why it is worth nothing is for the log. */
export type CheckedToken =
  | { readonly kind: 'good'; readonly account: GoogleAccount }
  | { readonly kind: 'bad'; readonly problem: string }
  /** The keys are not to be had now: the sender should try again. */
  | { readonly kind: 'unknown'; readonly problem: string };

/** Checks the tokens that Pub/Sub sends (https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions). */
export interface GoogleTokens {
  check(token: string, accounts: readonly GoogleAccount[]): Promise<CheckedToken>;
}

/** Where Google's keys are. */
const GOOGLE_KEYS = 'https://www.googleapis.com/oauth2/v3/certs';
const ISSUERS = new Set(['https://accounts.google.com', 'accounts.google.com']);
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const FETCH_MILLISECONDS = 5 * SECOND;
/** Keys that are missing are looked for again, but not as often as somebody makes up key ids. */
const SHORTEST_KEEP = 5 * MINUTE;
const LONGEST_KEEP = 24 * HOUR;
const AFTER_FAILURE = 10 * SECOND;
/** By which clocks may differ. */
const SKEW = 60 * SECOND;
const LONGEST_TOKEN = 8192;
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

interface Keys {
  readonly byId: ReadonlyMap<string, KeyObject>;
  readonly fetchedAt: number;
  readonly goodUntil: number;
}

/**
 * Makes what checks tokens. Google's keys are fetched when they are first needed, kept as long as Google says, and fetched again
 * for a key that is not among them.
 *
 * @param now milliseconds since 1970.
 */
export function createGoogleTokens(options: {
  readonly fetchKeys: FetchKeys;
  readonly now: () => number;
  /** Ends fetches. */
  readonly signal: AbortSignal;
}): GoogleTokens {
  const { fetchKeys, now, signal } = options;
  let keys: Keys | null = null;
  let failedAt = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | null = null;

  async function fetch(): Promise<void> {
    try {
      const ended = AbortSignal.any([signal, AbortSignal.timeout(FETCH_MILLISECONDS)]);
      const answer = await withSignal(fetchKeys(new URL(GOOGLE_KEYS), ended), ended);
      const byId = readKeys(answer.text);
      if (byId.size === 0) throw new Error('there are no keys in the answer');
      const keep = Math.min(Math.max(answer.maxAgeMilliseconds ?? HOUR, SHORTEST_KEEP), LONGEST_KEEP);
      keys = { byId, fetchedAt: now(), goodUntil: now() + keep };
    } catch {
      failedAt = now();
    } finally {
      fetching = null;
    }
  }

  async function keyOf(id: string): Promise<KeyObject | null | 'no keys'> {
    const isStale = keys === null || now() >= keys.goodUntil;
    const isUnknown = keys !== null && !keys.byId.has(id) && now() >= keys.fetchedAt + SHORTEST_KEEP;
    if ((isStale || isUnknown) && now() >= failedAt + AFTER_FAILURE) {
      fetching ??= fetch();
      await fetching;
    }
    if (keys === null || now() >= keys.fetchedAt + LONGEST_KEEP) return 'no keys';
    return keys.byId.get(id) ?? null;
  }

  return {
    async check(token, accounts) {
      const parts = token.length <= LONGEST_TOKEN && TOKEN.test(token) ? token.split('.') : [];
      const [head = '', body = '', signature = ''] = parts;
      const header = decode(head);
      // Only what the keys are for: a token that names another algorithm is no token of Google's.
      if (header === null || header['alg'] !== 'RS256' || header['crit'] !== undefined) return bad('it is not RS256');
      const key = await keyOf(asString(header['kid']) ?? '');
      if (key === 'no keys') return { kind: 'unknown', problem: "Google's keys could not be fetched" };
      if (key === null) return bad('its key is none of Google');
      const isSigned = verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'));
      const claims = decode(body);
      if (!isSigned || claims === null) return bad('its signature is wrong');
      return judge(claims, accounts, now());
    },
  };
}

function judge(claims: JsonObject, accounts: readonly GoogleAccount[], now: number): CheckedToken {
  const { iss, aud, email, email_verified: isVerified, exp, iat } = claims;
  if (typeof iss !== 'string' || !ISSUERS.has(iss)) return bad('Google did not issue it');
  if (typeof exp !== 'number' || now >= exp * SECOND + SKEW) return bad('it has expired');
  if (typeof iat !== 'number' || now < iat * SECOND - SKEW) return bad('it is of the future');
  if (isVerified !== true) return bad('its e-mail address is not verified');
  const account = accounts.find((one) => one.audience === aud && one.email === email);
  return account === undefined ? bad('its audience or account is another') : { kind: 'good', account };
}

function readKeys(text: string): ReadonlyMap<string, KeyObject> {
  const keys = new Map<string, KeyObject>();
  for (const key of elements(property(JSON.parse(text), 'keys'))) {
    const { kid, kty, n, e, alg } = asObject(key) ?? {};
    if (typeof kid !== 'string' || kty !== 'RSA' || typeof n !== 'string' || typeof e !== 'string') continue;
    if (alg === undefined || alg === 'RS256') keys.set(kid, createPublicKey({ format: 'jwk', key: { kty, n, e } }));
  }
  return keys;
}

function decode(part: string): JsonObject | null {
  try {
    return asObject(JSON.parse(Buffer.from(part, 'base64url').toString('utf8')));
  } catch {
    return null;
  }
}

function bad(problem: string): CheckedToken {
  return { kind: 'bad', problem };
}
