import { createServer, type ServerResponse } from 'node:http';
import express, { type NextFunction, type Request, type Response } from 'express';
import type { RegistryHint } from '../core/receivers/hint.ts';
import { describeError, type Log } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics.ts';
import { type ListenAddress, listen } from '../platform/network/listen.ts';
import { type BodyRefusal, createReceive, limited, type Received, type Reply } from './receiver/exchange.ts';
import { createGoogleTokens, type FetchKeys } from './receiver/google-token.ts';
import { createHintQueue, type HintTimes } from './receiver/hint-queue.ts';
import { createReceiverMetrics } from './receiver/metrics.ts';
import { createReceiverSecrets, type ReadSecret, type Receiver } from './receiver/secrets.ts';
import { createSourceRate, SOURCE_LIMITS, type SourceLimits } from './receiver/source-rate.ts';

/** What receivers need. */
export interface ReceiverOptions {
  readonly listen: ListenAddress;
  /** The policy's `sweep.receivers`, asked at each request. */
  readonly receivers: () => readonly Receiver[];
  readonly readSecret: ReadSecret;
  /** Moves the next look at what follows this image forward. Must not throw. */
  readonly hint: (hint: RegistryHint) => void;
  readonly fetchKeys: FetchKeys;
  readonly log: Log;
  readonly metrics: Metrics;
  /** How many proxies of one's own set `X-Forwarded-For`; 0 where the connection's address is the sender's. */
  readonly trustedProxies?: number;
  readonly times?: HintTimes;
  readonly limits?: SourceLimits;
}

/** The server of push notifications. */
export interface ReceiverServer {
  /** `HOST:PORT`. */
  readonly address: string;
  close(): Promise<void>;
}

/** As Image Updater has it. The largest notifications have some kilobytes. */
const LARGEST_BODY = 1024 * 1024;
/** Bodies that are read at once, from everywhere and from one source. */
const MOST_BODIES = 64;
const MOST_BODIES_OF_SOURCE = 16;
const MOST_CONNECTIONS = 500;
const TIMES = { headersTimeout: 5000, requestTimeout: 10_000, keepAliveTimeout: 65_000 };
/** Refusals for the same reason are told once in a minute. */
const TELL_MILLISECONDS = 60_000;
/** Senders are named by the host that they send from. */
const ORIGIN = /^[A-Za-z0-9.*-]{1,255}$/;

const rawBody = express.raw({ type: () => true, limit: LARGEST_BODY, inflate: false });

/**
 * Serves `POST /webhook?type=TYPE` (or the header `X-Registry-Type`) and `GET /healthz` over plain HTTP, for an ingress that
 * speaks TLS. Nobody hears whether a type is configured or a repository is followed; who is known hears 202 at once.
 *
 * @throws NodeJS.ErrnoException of `listen`.
 */
export async function startReceivers(options: ReceiverOptions): Promise<ReceiverServer> {
  const { log, trustedProxies = 0, limits = SOURCE_LIMITS } = options;
  const ending = new AbortController();
  const { signal } = ending;
  const now = (): number => performance.now();
  const metrics = createReceiverMetrics(options.metrics);
  const queue = createHintQueue({
    pass(hint) {
      metrics.hint('passed');
      log.debug('a push was heard of', { registry: hint.registry, repository: hint.repository, tag: hint.tag });
      options.hint(hint);
    },
    now,
    ...(options.times !== undefined && { times: options.times }),
  });
  const receive = createReceive({
    secretsOf: createReceiverSecrets({ receivers: options.receivers, read: options.readSecret, now, signal, log }),
    google: createGoogleTokens({ fetchKeys: options.fetchKeys, now: () => Date.now(), signal }),
    queue,
    metrics,
  });
  const mayAsk = createSourceRate(limits, now);
  const takeBody = createBodyReader();
  const told = new Map<string, number>();

  async function answerTo(request: Request, response: Response): Promise<Reply> {
    const source = request.ip ?? '';
    if (!mayAsk(source)) return limited('other');
    const parameters = new URLSearchParams(request.originalUrl.split('?').slice(1).join('?'));
    return await receive({
      kind: request.method === 'OPTIONS' ? 'question' : 'notification',
      header: (name) => request.get(name) ?? null,
      parameter: (name) => parameters.get(name),
      body: () => takeBody(source, request, response),
    });
  }

  async function handle(request: Request, response: Response): Promise<void> {
    const reply = await answerTo(request, response);
    metrics.request(reply.type, reply.result);
    if (reply.reason !== null) tell(reply, request.ip ?? '');
    // CloudEvents' HTTP webhooks, section 4: who asks whether it may send is named in the answer.
    const origin = request.get('webhook-request-origin') ?? '';
    if (reply.result === 'handshake' && ORIGIN.test(origin)) response.setHeader('WebHook-Allowed-Origin', origin);
    send(response, reply);
  }

  function tell({ type, reason, status }: Reply, source: string): void {
    const key = `${type} ${reason}`;
    const time = now();
    if (time < (told.get(key) ?? Number.NEGATIVE_INFINITY) + TELL_MILLISECONDS) return;
    told.set(key, time);
    log.warn('a push notification was refused', { type, reason, status, source });
  }

  const app = express();
  app.disable('x-powered-by').disable('etag').set('trust proxy', trustedProxies);
  app.enable('strict routing').enable('case sensitive routing').disable('query parser');
  app.get('/healthz', (_request: Request, response: Response) => send(response, { status: 200, answer: 'ok' }));
  const take = (request: Request, response: Response, next: NextFunction): void => {
    handle(request, response).catch(next);
  };
  app.post('/webhook', take).options('/webhook', take);
  app.all('/webhook', (_request: Request, response: Response) => {
    response.setHeader('Allow', 'POST');
    send(response, { status: 405, answer: '/webhook takes POST' });
  });
  app.use((_request: Request, response: Response) => {
    send(response, { status: 404, answer: 'only /webhook and /healthz are served here' });
  });
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    metrics.request('other', 'failed');
    log.error('a push notification could not be handled', { error: describeError(error) });
    if (response.headersSent) response.destroy();
    else send(response, { status: 500, answer: 'internal error' });
  });

  const server = createServer({ ...TIMES, connectionsCheckingInterval: 2000 }, app);
  server.maxConnections = MOST_CONNECTIONS;
  const address = await listen(server, options.listen);
  // A connection that could not be accepted is its sender's to try again.
  server.on('error', () => {});
  return {
    address,
    async close() {
      ending.abort();
      queue.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Reads bodies, so many at once. */
function createBodyReader(): (source: string, request: Request, response: Response) => ReturnType<Received['body']> {
  const reading = new Map<string, number>();
  let all = 0;
  return async (source, request, response) => {
    const own = reading.get(source) ?? 0;
    if (all >= MOST_BODIES || own >= MOST_BODIES_OF_SOURCE) return { kind: 'too many' };
    all += 1;
    reading.set(source, own + 1);
    try {
      return await readBody(request, response);
    } finally {
      all -= 1;
      const left = (reading.get(source) ?? 1) - 1;
      if (left === 0) reading.delete(source);
      else reading.set(source, left);
    }
  };
}

function readBody(request: Request, response: Response): ReturnType<Received['body']> {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<Received['body']>>>();
  request.once('close', () => resolve({ kind: 'gone' }));
  rawBody(request, response, (error?: unknown) => {
    if (error !== undefined) resolve(refusalOf(error));
    else resolve({ kind: 'read', bytes: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0) });
  });
  return promise;
}

/** The names that body-parser gives its errors. */
function refusalOf(error: unknown): BodyRefusal {
  const type = error instanceof Error && 'type' in error ? error.type : null;
  if (type === 'entity.too.large') return { kind: 'too large' };
  return { kind: type === 'encoding.unsupported' ? 'compressed' : 'gone' };
}

function send(response: ServerResponse, { status, answer }: Pick<Reply, 'status' | 'answer'>): void {
  const isText = typeof answer === 'string';
  const text = isText ? `${answer}\n` : JSON.stringify(answer);
  response.writeHead(status, {
    'Content-Type': isText ? 'text/plain; charset=utf-8' : 'application/json',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(status === 429 && { 'Retry-After': 2 }),
  });
  response.end(text);
}
