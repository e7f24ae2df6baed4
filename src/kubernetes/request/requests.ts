import { setTimeout as sleep } from 'node:timers/promises';
import { request as send } from 'undici';
import { withSignal } from '../../platform/deadline.ts';
import { createLimiter } from '../../platform/limiter.ts';
import { type JsonObject, readAnswer, readWarnings } from './answer.ts';
import type { Connections, TlsOptions } from './connections.ts';
import { isKubernetesError, isPassing, KubernetesError } from './error.ts';

/** How a PATCH is meant (https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply). */
export type PatchKind = 'json' | 'merge' | 'strategic' | 'apply';

/** One request to the API server. */
export interface KubernetesRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Of `resourcePath`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** With PATCH, and only there. */
  readonly patch?: PatchKind;
  /** `metadata`: objects without spec and status, a fraction of the size (PartialObjectMetadata). */
  readonly representation?: 'object' | 'metadata';
  /** Takes the warnings that came with the answer, those of admission webhooks among them. */
  readonly warnings?: (texts: readonly string[]) => void;
  readonly signal?: AbortSignal;
}

/** Who we are to the API server, as of now. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
}

/** Where requests go, and how many. */
export interface RequestsOptions {
  readonly server: string;
  readonly connections: Connections;
  readonly credentials: () => Promise<Credentials>;
  /** The server did not know who we are: what was read may be out of date. */
  readonly refused: () => void;
  readonly requestsPerSecond: number;
  readonly timeoutMilliseconds: number;
}

const AT_ONCE = 16;
const MOST_WAITING = 10_000;
const MOST_TRIES = 4;
/** Who waits longer has no time left; who is asked to, hears of it as an error. */
const LONGEST_WAIT = 10_000;
const FIRST_WAIT = 100;

const CONTENT_TYPES: Readonly<Record<PatchKind, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/**
 * Makes the function that sends requests, so many a second and at once, and again where the server says that it has too much to
 * do or that it did not know us; a GET also where the connection broke or the server had a problem.
 *
 * It throws KubernetesError, or `signal.reason`.
 */
export function createRequests(options: RequestsOptions): (wanted: KubernetesRequest) => Promise<JsonObject> {
  const { server, connections, credentials, refused, requestsPerSecond, timeoutMilliseconds: timeout } = options;
  const turns = createLimiter({
    concurrency: AT_ONCE,
    waiting: MOST_WAITING,
    perSecond: requestsPerSecond,
    now: () => performance.now(),
  });
  const never = new AbortController().signal;

  async function attempt(wanted: KubernetesRequest, signal: AbortSignal): Promise<JsonObject> {
    const what = `${wanted.method} ${wanted.path}`;
    const ending = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
    try {
      const { headers, tls } = await withSignal(credentials(), ending);
      const sent = send(urlOf(server, wanted), {
        method: wanted.method,
        headers: { ...headers, ...contentHeaders(wanted) },
        body: wanted.body === undefined ? null : encodeBody(wanted.body),
        dispatcher: connections.forRequests(tls),
        signal: ending,
      });
      // undici heeds its signal only when there is a connection.
      const answer = await withSignal(sent, ending);
      wanted.warnings?.(readWarnings(answer.headers['warning']));
      return await readAnswer(answer, what);
    } catch (error) {
      signal.throwIfAborted();
      if (ending.aborted) throw new KubernetesError('Timeout', `${what}: no answer within ${timeout / 1000} s`);
      throw connections.explain(error, what);
    }
  }

  return async (wanted) => {
    const { signal = never } = wanted;
    for (let tries = 1; ; tries += 1) {
      try {
        // Those before us may take their time to give up.
        return await withSignal(
          turns.run(() => attempt(wanted, signal), signal),
          signal,
        );
      } catch (error) {
        const wait = tries < MOST_TRIES ? waitBeforeRetry(error, wanted.method, tries) : null;
        if (wait === null) throw error;
        if (isKubernetesError(error, 'Unauthorized')) refused();
        await sleep(wait, undefined, { signal });
      }
    }
  };
}

/** Milliseconds; null where the same request would fail again, or could be done twice. */
function waitBeforeRetry(error: unknown, method: KubernetesRequest['method'], tries: number): number | null {
  if (!(error instanceof KubernetesError)) return null;
  // A token may have been renewed in its file.
  if (error.code === 'Unauthorized') return tries === 1 ? 0 : null;
  const isHarmless = error.code === 'TooManyRequests' || (method === 'GET' && isPassing(error));
  if (!isHarmless || error.code === 'Expired' || error.code === 'Timeout') return null;
  const asked = error.retryAfterMilliseconds;
  if (asked !== null) return asked <= LONGEST_WAIT ? asked : null;
  return FIRST_WAIT * 2 ** tries * (0.5 + Math.random() / 2);
}

/** The accept header of a representation: the API server refuses metadata of a list for one object, and the other way round. */
export function acceptOf(representation: KubernetesRequest['representation'], wanted: 'object' | 'list'): string {
  if (representation !== 'metadata') return 'application/json';
  return `application/json;as=PartialObjectMetadata${wanted === 'list' ? 'List' : ''};g=meta.k8s.io;v=v1`;
}

function contentHeaders({ method, patch, body, representation, query }: KubernetesRequest): Record<string, string> {
  const type = method === 'PATCH' ? CONTENT_TYPES[patch ?? 'merge'] : 'application/json';
  return {
    // Lists are read in pages, and nothing else has a limit.
    accept: acceptOf(representation, query?.['limit'] === undefined ? 'object' : 'list'),
    'user-agent': 'tagpin',
    ...(body !== undefined && { 'content-type': type }),
  };
}

function urlOf(server: string, { path, query = {} }: KubernetesRequest): string {
  const text = new URLSearchParams(query).toString();
  return `${server.replace(/\/$/, '')}${path}${text === '' ? '' : `?${text}`}`;
}

/**
 * JSON as Go writes it. The API server holds the `test` of a JSON Patch against its own text of the object, byte by byte, so that
 * `>=1.0.0` is another string to it than `\u003e=1.0.0`.
 */
function encodeBody(body: unknown): string {
  return JSON.stringify(body).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
