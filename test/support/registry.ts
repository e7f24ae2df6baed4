import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Digest } from '../../src/core/image/digest.ts';
import { type Answer, type Fault, Faults, type FaultTarget, sendWith } from './faults.ts';
import { buildImage, buildIndex, contentOf, type ImageSource, type ManifestFormat } from './manifests.ts';
import { type Access, accessOf, answerQuestion, errorAnswer } from './registry-routes.ts';
import { RegistryStore } from './registry-store.ts';
import {
  createTokenService,
  type TokenAccess,
  type TokenRequest,
  type TokenService,
  userOfHeader,
} from './token-service.ts';

/** How a test registry is started. Without any, it speaks plain HTTP and asks nobody who they are. */
export interface RegistryOptions {
  /** How clients sign in: not at all, with a password for every request, or with tokens from a token service. */
  readonly auth?: 'none' | 'basic' | 'token';
  /** Passwords by user: `{ robot: 'secret' }` unless given. */
  readonly passwords?: Readonly<Record<string, string>>;
  /** Users by refresh token (`identitytoken`). */
  readonly refreshTokens?: Readonly<Record<string, string>>;
  /** What a user may do in a repository, null being anybody. Unless given, users may all and anybody nothing. */
  readonly actions?: (user: string | null, repository: string) => readonly string[];
  /** Where tokens come from: `/token` of the registry itself, or of another port. */
  readonly tokensFrom?: 'registry' | 'elsewhere';
  /** How long tokens last; null leaves it out of the answer. */
  readonly tokenSeconds?: number | null;
  /** HTTPS with this key and certificate (PEM). */
  readonly tls?: { readonly key: string; readonly certificate: string };
  /** How long each answer takes at least. */
  readonly latencyMilliseconds?: number;
  /** A free port unless given. */
  readonly port?: number;
}

/** One request that arrived, without what would be a secret. */
export interface RegistryRequest {
  readonly method: string;
  /** The path with its query. */
  readonly path: string;
  /** The host that the client believes it asks, which tells the registry's port from the token service's. */
  readonly host: string;
  readonly accept: string;
  /** The scheme of its Authorization header in lower case; null where there was none. */
  readonly authorization: string | null;
}

/** An OCI registry on loopback that does what it is told to, also to misbehave. */
export interface TestRegistry {
  /** `127.0.0.1:PORT`, as it stands in image names. */
  readonly host: string;
  /** `http://127.0.0.1:PORT`, or https. */
  readonly url: string;
  /** The `127.0.0.1:PORT` that tokens come from. */
  readonly tokenHost: string;
  /** All requests so far, also those for tokens. */
  readonly requests: readonly RegistryRequest[];
  /** The questions that the token service answered, with their scopes. */
  readonly tokenRequests: readonly TokenRequest[];
  /** How many connections were opened so far. */
  connections(): number;
  /** Puts an image there, under a tag unless that is null. Each is another image unless it has the same label. */
  pushImage(repository: string, tag: string | null, source?: Partial<ImageSource>): Digest;
  /** Puts an index there with an image for each platform, such as `linux/amd64`. */
  pushIndex(repository: string, tag: string | null, platforms: readonly string[], source?: IndexSource): Digest;
  /** Puts any bytes there as a manifest, right or wrong. */
  pushManifest(repository: string, tag: string | null, mediaType: string, body: string | Buffer): Digest;
  moveTag(repository: string, tag: string, digest: Digest): void;
  removeTag(repository: string, tag: string): void;
  removeManifest(repository: string, digest: Digest): void;
  /** Lets a fault happen from now on, until the function that is returned takes it away. */
  fault(fault: Fault, target?: FaultTarget): () => void;
  /** Forgets the requests so far. */
  clearRequests(): void;
  /** Ends all connections, also hanging ones. */
  close(): Promise<void>;
}

/** What the images of an index are built from. */
export interface IndexSource {
  readonly format?: ManifestFormat;
  readonly label?: string;
}

const SERVICE = 'test-registry';
const ANY_ACTION = ['pull', 'push', 'delete'];

/** Starts a registry on a free port of loopback. */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const { auth = 'none', passwords = { robot: 'secret' }, tls } = options;
  const actions = options.actions ?? ((user) => (user === null ? [] : ANY_ACTION));
  const store = new RegistryStore();
  const faults = new Faults();
  const requests: RegistryRequest[] = [];
  const tokens = createTokenService({
    service: SERVICE,
    issuer: SERVICE,
    passwords,
    refreshTokens: options.refreshTokens ?? {},
    actions,
    lifeSeconds: options.tokenSeconds === undefined ? 300 : options.tokenSeconds,
  });
  let connections = 0;
  let pushed = 0;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests.push(describe(request));
    const hits = faults.take(request);
    if (options.latencyMilliseconds !== undefined) await delay(options.latencyMilliseconds);
    await sendWith(hits, await answer(request), request, response);
  };

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const method = request.method ?? '';
    const url = new URL(request.url ?? '/', 'http://registry.invalid');
    const body = await buffer(request);
    if (url.pathname === '/token') {
      const { authorization } = request.headers;
      return tokens.answer({ method, path: request.url ?? '/', authorization, body: body.toString() });
    }
    const refused = refuse(request, url);
    if (refused !== null) return refused;
    const { accept = '', 'content-type': contentType = '' } = request.headers;
    return answerQuestion(store, { method, url, accept, contentType, body });
  };

  /** The answer to who may not do this; null to who may. */
  const refuse = (request: IncomingMessage, url: URL): Answer | null => {
    if (auth === 'none') return null;
    const { authorization } = request.headers;
    const access = accessOf(request.method ?? '', url.pathname);
    if (auth === 'basic') {
      const user = userOfHeader(authorization, { passwords });
      const isKnown = user !== 'refused' && user.name !== null;
      if (user !== 'refused' && (access === null ? isKnown : mayDo(user.name, access))) return null;
      return isKnown ? errorAnswer(403, 'DENIED') : unauthorized(`Basic realm="${SERVICE}"`);
    }
    const granted = readBearer(authorization, tokens);
    if (granted !== null && (access === null || allows(granted, access))) return null;
    const wanted = access?.action === 'push' ? 'pull,push' : access?.action;
    const scope = access === null ? '' : `,scope="repository:${access.repository}:${wanted}"`;
    return unauthorized(`Bearer realm="${scheme}://${tokenHost}/token",service="${SERVICE}"${scope}`);
  };
  const mayDo = (user: string | null, { repository, action }: Access): boolean =>
    actions(user, repository).includes(action);

  const listen = async (port: number): Promise<Server> => {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      handle(request, response).catch(() => response.destroy());
    };
    const server =
      tls === undefined ? createServer(listener) : createTlsServer({ key: tls.key, cert: tls.certificate }, listener);
    server.on('connection', () => (connections += 1));
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  };
  const server = await listen(options.port ?? 0);
  const elsewhere = options.tokensFrom === 'elsewhere' ? await listen(0) : null;
  const scheme = tls === undefined ? 'http' : 'https';
  const host = hostOf(server);
  const tokenHost = hostOf(elsewhere ?? server);
  const newLabel = (): string => `image ${(pushed += 1)}`;

  return {
    host,
    url: `${scheme}://${host}`,
    tokenHost,
    requests,
    tokenRequests: tokens.requests,
    connections: () => connections,
    pushImage(repository, tag, { format = 'oci', platform = 'linux/amd64', label = newLabel(), ...more } = {}) {
      const { manifest, blobs } = buildImage({ format, platform, label, ...more });
      for (const blob of blobs) store.addBlob(repository, blob);
      store.addManifest(repository, tag, manifest);
      return manifest.digest;
    },
    pushIndex(repository, tag, platforms, { format = 'oci', label = newLabel() } = {}) {
      const entries = platforms.map((platform) => ({ platform, ...buildImage({ format, platform, label }) }));
      for (const { manifest, blobs } of entries) {
        for (const blob of blobs) store.addBlob(repository, blob);
        store.addManifest(repository, null, manifest);
      }
      const index = buildIndex(format, entries);
      store.addManifest(repository, tag, index);
      return index.digest;
    },
    pushManifest(repository, tag, mediaType, body) {
      const manifest = contentOf(mediaType, Buffer.from(body));
      store.addManifest(repository, tag, manifest);
      return manifest.digest;
    },
    moveTag: (repository, tag, digest) => store.setTag(repository, tag, digest),
    removeTag: (repository, tag) => store.removeTag(repository, tag),
    removeManifest: (repository, digest) => void store.removeManifest(repository, digest),
    fault: (fault, target) => faults.arm(fault, target),
    clearRequests() {
      requests.length = 0;
    },
    async close() {
      await Promise.all([server, ...(elsewhere === null ? [] : [elsewhere])].map(closeServer));
    },
  };
}

function readBearer(authorization: string | undefined, tokens: TokenService): readonly TokenAccess[] | null {
  const token = /^bearer (.+)$/i.exec(authorization ?? '')?.[1];
  return token === undefined ? null : tokens.readToken(token);
}

function allows(granted: readonly TokenAccess[], { repository, action }: Access): boolean {
  return granted.some(({ name, actions }) => name === repository && actions.includes(action));
}

function unauthorized(challenge: string): Answer {
  return errorAnswer(401, 'UNAUTHORIZED', { 'www-authenticate': challenge });
}

function describe(request: IncomingMessage): RegistryRequest {
  const { host = '', accept = '', authorization } = request.headers;
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    host,
    accept,
    authorization: authorization?.split(' ')[0]?.toLowerCase() ?? null,
  };
}

function hostOf(server: Server): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
