import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Metrics } from './metrics.ts';
import { type ListenAddress, listen } from './network/listen.ts';

/** One condition of readiness. */
export interface ReadinessCheck {
  readonly name: string;
  /** Why it does not hold; null where it does. */
  readonly problem: () => string | null;
}

/** The server of `/healthz`, `/readyz` and `/metrics`. */
export interface OperationsServer {
  /** `HOST:PORT`. */
  readonly address: string;
  close(): Promise<void>;
}

/** Probes and scrapers are few; more connections than these are a mistake or an attack. */
const MOST_CONNECTIONS = 100;

/**
 * Serves health, readiness and metrics over plain HTTP. Health only says that the process turns around; readiness is 503
 * with the failing checks, one a line.
 *
 * @throws NodeJS.ErrnoException of `listen`.
 */
export async function startOperations(options: {
  readonly listen: ListenAddress;
  readonly checks: readonly ReadinessCheck[];
  readonly metrics: Metrics;
}): Promise<OperationsServer> {
  const { checks, metrics } = options;
  const pages: Readonly<Record<string, () => Promise<Page>>> = {
    '/healthz': async () => ({ status: 200, body: 'ok\n' }),
    '/readyz': async () => readiness(checks),
    '/metrics': async () => ({ status: 200, ...(await metrics.text()) }),
  };
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000 }, (request, response) => {
    void answer(pages, request).then((page) => send(response, page));
  });
  server.maxConnections = MOST_CONNECTIONS;
  const address = await listen(server, options.listen);
  // A connection that could not be accepted is its caller's to try again.
  server.on('error', () => {});
  return {
    address,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Page {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
  readonly allow?: string;
}

async function answer(pages: Readonly<Record<string, () => Promise<Page>>>, request: IncomingMessage): Promise<Page> {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page === undefined) return { status: 404, body: `only ${Object.keys(pages).join(', ')} are served here\n` };
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, body: 'only GET and HEAD are answered here\n', allow: 'GET, HEAD' };
  }
  try {
    return await page();
  } catch {
    return { status: 500, body: 'internal error\n' };
  }
}

function readiness(checks: readonly ReadinessCheck[]): Page {
  const problems = checks.flatMap(({ name, problem }) => {
    const text = problem();
    return text === null ? [] : [`${name}: ${text}\n`];
  });
  return problems.length === 0 ? { status: 200, body: 'ok\n' } : { status: 503, body: problems.join('') };
}

function send(
  response: ServerResponse,
  { status, body, contentType = 'text/plain; charset=utf-8', allow }: Page,
): void {
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(allow !== undefined && { Allow: allow }),
  });
  response.end(body);
}
