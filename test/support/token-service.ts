import { createHash, generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto';
import type { Answer } from './faults.ts';

/** Who may do what at a registry, and how they prove who they are. */
export interface TokenServerOptions {
  /** The registry's `service` and `issuer`, which it expects in its tokens. */
  readonly service: string;
  readonly issuer: string;
  /** Passwords by user. */
  readonly passwords: Readonly<Record<string, string>>;
  /** Users by refresh token (an identity token, in Docker's words). */
  readonly refreshTokens?: Readonly<Record<string, string>>;
  /** The actions that a user has on a repository; null is who shows no credential. */
  readonly actions: (user: string | null, repository: string) => readonly string[];
}

/** What the tokens of a token service are like. */
export interface TokenServiceOptions extends TokenServerOptions {
  /** How long a token lasts: 300. Null leaves it out of the answer, which means 60. */
  readonly lifeSeconds?: number | null;
}

/** A request for a token, read whole. */
export interface TokenQuestion {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** One question that was answered, without what would be a secret. */
export interface TokenRequest {
  readonly method: string;
  readonly user: string | null;
  readonly scopes: readonly string[];
}

/** What a token lets its bearer do. */
export interface TokenAccess {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** A user by name, anybody, or somebody who shows a wrong password. */
export type User = { readonly name: string | null } | 'refused';

/** What answers at `/token`. */
export interface TokenService {
  /** The key set (RFC 7517) that a registry has to trust. */
  readonly keySet: object;
  readonly requests: readonly TokenRequest[];
  readonly answer: (question: TokenQuestion) => Answer;
  /** What a token of this service allows; null where it is none, or its time is over. */
  readToken(token: string): readonly TokenAccess[] | null;
}

const LIFE_SECONDS = 300;
const DEFAULT_LIFE_SECONDS = 60;

/**
 * Makes a token service, after https://distribution.github.io/distribution/spec/auth/token/ (GET) and .../oauth/ (POST). Its
 * tokens are JSON Web Tokens (RFC 7519) signed by a key of its own, so that a registry that was not made by us can check them.
 */
export function createTokenService(options: TokenServiceOptions): TokenService {
  const { lifeSeconds = LIFE_SECONDS } = options;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  const keyId = createHash('sha256').update(JSON.stringify(jwk)).digest('hex').slice(0, 16);
  const requests: TokenRequest[] = [];

  const issueToken = (user: string | null, scopes: readonly string[]): string => {
    const now = Math.floor(Date.now() / 1000);
    return signed({
      header: { typ: 'JWT', alg: 'ES256', kid: keyId },
      claims: {
        iss: options.issuer,
        sub: user ?? '',
        aud: options.service,
        iat: now,
        nbf: now,
        exp: now + (lifeSeconds ?? DEFAULT_LIFE_SECONDS),
        jti: randomUUID(),
        access: scopes.flatMap((scope) => {
          const [, name = '', asked = ''] = /^repository:(.+):([^:]+)$/.exec(scope) ?? [];
          const allowed = options.actions(user, name);
          return name === ''
            ? []
            : [{ type: 'repository', name, actions: asked.split(',').filter((action) => allowed.includes(action)) }];
        }),
      },
    });
  };
  const signed = (token: { readonly header: object; readonly claims: object }): string => {
    const content = [token.header, token.claims].map((part) => base64(JSON.stringify(part))).join('.');
    const signature = sign('sha256', Buffer.from(content), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return `${content}.${signature.toString('base64url')}`;
  };

  const answer = ({ method, path, authorization, body }: TokenQuestion): Answer => {
    const url = new URL(path, 'http://token.invalid');
    const form = method === 'POST' ? new URLSearchParams(body) : url.searchParams;
    const user = method === 'POST' ? userOfForm(form, options) : userOfHeader(authorization, options);
    const scopes = form.getAll('scope').flatMap((scope) => scope.split(' '));
    if (url.pathname !== '/token') return json(404, {});
    if (form.get('service') !== options.service) return json(400, { error: 'invalid_request' });
    if (user === 'refused') return json(401, { error: 'invalid_grant' });
    requests.push({ method, user: user.name, scopes });
    const token = issueToken(user.name, scopes);
    const life = lifeSeconds === null ? {} : { expires_in: lifeSeconds, issued_at: new Date().toISOString() };
    return json(200, { [method === 'POST' ? 'access_token' : 'token']: token, ...life });
  };

  return {
    keySet: { keys: [{ ...jwk, kid: keyId, use: 'sig', alg: 'ES256' }] },
    requests,
    answer,
    readToken(token) {
      const [header = '', claims = '', signature = ''] = token.split('.');
      const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
      const isOurs = verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'));
      if (!isOurs) return null;
      const content = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { exp: number; access: TokenAccess[] };
      return content.exp * 1000 > Date.now() ? content.access : null;
    },
  };
}

/** Who a Basic `Authorization` header is; a refresh token is a password of the user `<token>`. */
export function userOfHeader(
  header: string | undefined,
  { passwords, refreshTokens = {} }: Pick<TokenServerOptions, 'passwords' | 'refreshTokens'>,
): User {
  if (header === undefined) return { name: null };
  const text = Buffer.from(header.replace(/^Basic /i, ''), 'base64').toString();
  const [, user = '', password = ''] = /^([^:]*):(.*)$/.exec(text) ?? [];
  if (user === '<token>') {
    const name = refreshTokens[password];
    return name === undefined ? 'refused' : { name };
  }
  return Object.hasOwn(passwords, user) && passwords[user] === password ? { name: user } : 'refused';
}

function userOfForm(form: URLSearchParams, { passwords, refreshTokens = {} }: TokenServerOptions): User {
  const user = form.get('username') ?? '';
  const token = form.get('refresh_token') ?? '';
  const name = refreshTokens[token];
  if (form.get('grant_type') === 'refresh_token' && name !== undefined) return { name };
  const isKnown = Object.hasOwn(passwords, user) && passwords[user] === form.get('password');
  return form.get('grant_type') === 'password' && isKnown ? { name: user } : 'refused';
}

function json(status: number, value: object): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(value)) };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64url');
}
