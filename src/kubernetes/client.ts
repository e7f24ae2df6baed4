import { existsSync, readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import type { RequestOptions } from 'node:https';
import { delimiter, dirname, join, resolve } from 'node:path';
import { KubeConfig, loadYaml, type RequestContext, type User, Watch } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';
import { withSignal } from '../platform/deadline.ts';
import { type JsonObject, readRetryAfterOf, statusError } from './request/answer.ts';
import { Connections, type TlsOptions } from './request/connections.ts';
import { isKubernetesError, KubernetesError } from './request/error.ts';
import { acceptOf, type Credentials, createRequests, type KubernetesRequest } from './request/requests.ts';

/** What is watched. */
export interface WatchRequest {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly representation?: 'object' | 'metadata';
  /** How long nothing may come, not even a bookmark. */
  readonly quietMilliseconds: number;
}

/** An API server, and who we are to it. */
export interface KubernetesClient {
  readonly server: string;
  /** Of the kubeconfig's context, or of the Pod that we run in; null where neither says one. */
  readonly namespace: string | null;
  /**
   * Sends a request, and again where the server says that it has too much to do; a GET also where the connection broke.
   *
   * @throws KubernetesError, or `signal.reason`.
   */
  request(request: KubernetesRequest): Promise<JsonObject>;
  /**
   * Watches until the server ends it, which it does every few minutes.
   *
   * @param event must not throw. @throws KubernetesError, or `signal.reason`.
   */
  watch(request: WatchRequest, event: (type: string, object: JsonObject) => void, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Where a cluster is looked for. */
export interface ClusterOptions {
  /** `KUBECONFIG`, `HOME`, `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` count. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Instead of those of `KUBECONFIG`. */
  readonly kubeconfig?: string | undefined;
  /** Instead of the current one. */
  readonly context?: string | undefined;
  /** A burst of so many is let through at once: 50. */
  readonly requestsPerSecond?: number;
  /** For one request, its answer read whole: 30000. */
  readonly timeoutMilliseconds?: number;
  /** Where a Pod finds its identity. */
  readonly serviceAccountFolder?: string;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const REQUESTS_PER_SECOND = 50;
const TIMEOUT = 30_000;
/** Credentials are read again so often: tokens and certificates in files are renewed long before they end. */
const CREDENTIALS_LIFE = 10_000;

/**
 * Finds the cluster as kubectl does: the named kubeconfig, those of `KUBECONFIG`, `~/.kube/config`, the Pod's own identity.
 * Nothing is sent yet.
 *
 * @throws KubernetesError `NoCluster` or `BadKubeconfig`.
 */
export function openKubernetesClient(options: ClusterOptions): KubernetesClient {
  const config = loadConfig(options);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new KubernetesError('BadKubeconfig', 'the kubeconfig has no cluster for its context');
  const { server, proxyUrl } = cluster;
  if (!/^https?:$/.test(URL.parse(server)?.protocol ?? '')) {
    throw new KubernetesError('BadKubeconfig', `the server of the kubeconfig is no URL: ${JSON.stringify(server)}`);
  }
  const connections = new Connections(new URL(server).origin, proxyUrl ?? null);
  let current = config;
  let credentials: { readonly at: number; readonly read: Promise<Credentials> } | null = null;

  function currentCredentials(): Promise<Credentials> {
    if (credentials === null || performance.now() - credentials.at >= CREDENTIALS_LIFE) {
      const read = readCredentials(current);
      credentials = { at: performance.now(), read };
      read.catch(() => {
        if (credentials?.read === read) credentials = null;
      });
    }
    return credentials.read;
  }

  const forget = (): void => {
    credentials = null;
    // The library keeps what plugins and files gave for a while, or for ever.
    const { clusters, users, contexts, currentContext } = config;
    current = new KubeConfig();
    current.loadFromOptions({ clusters, users, contexts, currentContext });
  };
  const request = createRequests({
    server,
    connections,
    credentials: currentCredentials,
    refused: forget,
    requestsPerSecond: options.requestsPerSecond ?? REQUESTS_PER_SECOND,
    timeoutMilliseconds: options.timeoutMilliseconds ?? TIMEOUT,
  });

  return {
    server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace?.trim() || null,

    request,

    async watch(wanted, event, signal) {
      const { headers, tls } = await withSignal(currentCredentials(), signal);
      const what = `WATCH ${wanted.path}`;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      let retryAfter: number | null = null;
      const hear = (answer: IncomingHttpHeaders): void => {
        retryAfter = readRetryAfterOf(answer);
      };
      const watch = new Watch(
        new WatchConfig(
          config,
          { ...headers, accept: acceptOf(wanted.representation, 'object') },
          connections.forWatches(tls, hear),
        ),
      );
      // Declared private, and 30 s: less than the minute between two bookmarks.
      watch['requestTimeoutMs'] = wanted.quietMilliseconds;
      let isOver = false;
      const end = (settle: () => void): void => {
        if (isOver) return;
        isOver = true;
        settle();
        // The request can be ended when there is an answer, or none will come.
        void starting.then((ending) => ending.abort()).catch(() => {});
      };
      const take = (type: string, object: JsonObject): void => {
        if (isOver) return;
        if (type === 'ERROR') end(() => reject(statusError(object, 500, what)));
        else event(type, object);
      };
      const done = (error: unknown): void =>
        end(() => ((error ?? null) === null ? resolve() : reject(watchError(error, what, retryAfter, connections))));
      const starting = watch.watch(wanted.path, { ...wanted.query }, take, done);
      starting.catch(done);
      const stop = (): void => end(() => reject(signal.reason));
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      try {
        await promise;
      } catch (error) {
        if (isKubernetesError(error, 'Unauthorized')) forget();
        throw error;
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },

    close: () => connections.close(),
  };
}

/** What says where the cluster is, in kubectl's order; the first that is there decides. */
function loadConfig(options: ClusterOptions): KubeConfig {
  const { environment, kubeconfig, context } = options;
  const config = new KubeConfig();
  const files = kubeconfigFiles(environment, kubeconfig);
  if (files.length > 0) {
    for (const file of files.map(readKubeconfig)) addMissing(config, file);
  } else {
    loadServiceAccount(config, environment, options.serviceAccountFolder ?? SERVICE_ACCOUNT);
  }
  if (context !== undefined) config.setCurrentContext(context);
  const wanted = config.getCurrentContext();
  if (!config.getContextObject(wanted)) {
    const names = config.getContexts().map(({ name }) => name);
    const problem = wanted ? `has no context ${JSON.stringify(wanted)}` : 'names no current context';
    throw new KubernetesError('BadKubeconfig', `the kubeconfig ${problem}; it has: ${names.join(', ') || 'none'}`);
  }
  return config;
}

function kubeconfigFiles(environment: ClusterOptions['environment'], named: string | undefined): readonly string[] {
  if (named !== undefined) return [named];
  // As kubectl does: files of the list that are not there do not count.
  const listed = (environment['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '' && existsSync(file));
  if (listed.length > 0) return listed;
  const own = join(environment['HOME'] ?? '/', '.kube', 'config');
  return existsSync(own) ? [own] : [];
}

function readKubeconfig(file: string): KubeConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const problem = code === 'ENOENT' ? 'there is no such file' : `the file can not be read (${code})`;
    throw new KubernetesError('BadKubeconfig', `${file}: ${problem}`, { cause });
  }
  try {
    const config = new KubeConfig();
    config.loadFromString(text);
    config.clusters = config.clusters.map((one) => ({ ...one, server: one.server.replace(/\/+$/, '') }));
    config.users = withTokenFiles(config.users, text, dirname(file));
    config.makePathsAbsolute(dirname(file));
    return config;
  } catch {
    // The error would quote the text, which holds keys and tokens.
    throw new KubernetesError('BadKubeconfig', `${file}: it is no kubeconfig`);
  }
}

/** The library does not read `tokenFile`, and would ask as nobody. As kubectl has it, the file counts more than `token`. */
function withTokenFiles(users: readonly User[], text: string, folder: string): User[] {
  const written = loadYaml<{ readonly users?: readonly { name: string; user?: { tokenFile?: unknown } }[] }>(
    text,
  ).users;
  return users.map(({ token, ...user }) => {
    const tokenFile = written?.find(({ name }) => name === user.name)?.user?.tokenFile;
    if (typeof tokenFile !== 'string') return { ...user, ...(token !== undefined && { token }) };
    return { ...user, authProvider: { name: 'tokenFile', config: { tokenFile: resolve(folder, tokenFile) } } };
  });
}

/** Of several files the first that names something decides. */
function addMissing(config: KubeConfig, { clusters, users, contexts, currentContext }: KubeConfig): void {
  const isNew = (known: readonly { readonly name: string }[]) => (one: { readonly name: string }) =>
    !known.some(({ name }) => name === one.name);
  config.clusters.push(...clusters.filter(isNew(config.clusters)));
  config.users.push(...users.filter(isNew(config.users)));
  config.contexts.push(...contexts.filter(isNew(config.contexts)));
  if (!config.currentContext) config.currentContext = currentContext;
}

function loadServiceAccount(config: KubeConfig, environment: ClusterOptions['environment'], folder: string): void {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = environment;
  const tokenFile = join(folder, 'token');
  if (host === '' || !existsSync(tokenFile)) {
    const tried = 'no --kubeconfig, no file of KUBECONFIG, no ~/.kube/config, and this is no Pod with a ServiceAccount';
    throw new KubernetesError('NoCluster', `nothing says where the cluster is: ${tried}`);
  }
  const namespaceFile = join(folder, 'namespace');
  const name = 'in-cluster';
  config.loadFromOptions({
    clusters: [
      {
        name,
        caFile: join(folder, 'ca.crt'),
        server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
        skipTLSVerify: false,
      },
    ],
    users: [{ name, authProvider: { name: 'tokenFile', config: { tokenFile } } }],
    contexts: [
      {
        name,
        cluster: name,
        user: name,
        ...(existsSync(namespaceFile) && { namespace: readFileSync(namespaceFile, 'utf8') }),
      },
    ],
    currentContext: name,
  });
}

/** The library makes a new agent, and so a new connection, for each request: we only take what it found out. */
async function readCredentials(config: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    // Its message may quote what a credential plugin printed.
    throw new KubernetesError('BadKubeconfig', 'the credentials of the kubeconfig can not be had', { cause });
  }
  const { ca, cert, key, rejectUnauthorized, servername, auth } = options;
  const basic = auth ? { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
  return {
    headers: { ...basic, ...trimmed(options.headers as Record<string, string> | undefined) },
    tls: { ca, cert, key, rejectUnauthorized, servername } as TlsOptions,
  };
}

/** Editors end the last line of a file with a token, too. */
function trimmed(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.trim()]));
}

/** The library's watch with our credentials and connections. */
class WatchConfig extends KubeConfig {
  readonly #headers: Readonly<Record<string, string>>;
  readonly #dispatcher: Dispatcher;

  constructor(config: KubeConfig, headers: Readonly<Record<string, string>>, dispatcher: Dispatcher) {
    super();
    this.loadFromOptions(config);
    this.#headers = headers;
    this.#dispatcher = dispatcher;
  }

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    for (const [name, value] of Object.entries(this.#headers)) context.setHeaderParam(name, value);
    context.setDispatcher(this.#dispatcher);
  }
}

function watchError(error: unknown, what: string, retryAfter: number | null, connections: Connections): unknown {
  if (error instanceof Error && 'statusCode' in error) {
    return statusError({}, Number(error.statusCode), what, retryAfter);
  }
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new KubernetesError('Timeout', `${what}: nothing came for too long`);
  }
  return connections.explain(error, what);
}
