import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

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

/** One question that was answered, without what would be a secret. */
export interface TokenRequest {
  readonly method: string;
  readonly user: string | null;
  readonly scopes: readonly string[];
}

/** An authorisation server as registries send their clients to. */
export interface TokenServer {
  /** `localhost:PORT`: some clients refuse to be sent to an address of loopback. */
  readonly host: string;
  /** What the registry names as its realm. */
  readonly realm: string;
  /** The key set (RFC 7517) that the registry has to trust. */
  readonly keySet: object;
  readonly requests: readonly TokenRequest[];
  close(): Promise<void>;
}

const LIFE_SECONDS = 300;

/**
 * Starts an authorisation server on loopback, after
 * https://distribution.github.io/distribution/spec/auth/token/ (GET) and .../oauth/ (POST). Its tokens are JSON Web Tokens
 * (RFC 7519) signed by a key of its own, so that a registry that was not made by us can check them.
 */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
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
        exp: now + LIFE_SECONDS,
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

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://token.invalid');
    const form = request.method === 'POST' ? new URLSearchParams(await text(request)) : url.searchParams;
    const user = request.method === 'POST' ? userOfForm(form, options) : userOfHeader(request, options);
    const scopes = form.getAll('scope').flatMap((scope) => scope.split(' '));
    if (url.pathname !== '/token') return send(response, 404, {});
    if (form.get('service') !== options.service) return send(response, 400, { error: 'invalid_request' });
    if (user === 'refused') return send(response, 401, { error: 'invalid_grant' });
    requests.push({ method: request.method ?? '', user: user.name, scopes });
    const token = issueToken(user.name, scopes);
    const name = request.method === 'POST' ? 'access_token' : 'token';
    return send(response, 200, { [name]: token, expires_in: LIFE_SECONDS, issued_at: new Date().toISOString() });
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  return {
    host,
    realm: `http://${host}/token`,
    keySet: { keys: [{ ...jwk, kid: keyId, use: 'sig', alg: 'ES256' }] },
    requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

type User = { readonly name: string | null } | 'refused';

function userOfHeader(request: IncomingMessage, { passwords }: TokenServerOptions): User {
  const header = request.headers.authorization;
  if (header === undefined) return { name: null };
  const [, user = '', password = ''] =
    /^([^:]*):(.*)$/.exec(Buffer.from(header.replace(/^Basic /i, ''), 'base64').toString()) ?? [];
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

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64url');
}
