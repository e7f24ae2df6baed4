import type { IncomingHttpHeaders } from 'node:http';
import { Agent, type Dispatcher, errors, ProxyAgent } from 'undici';
import { KubernetesError } from './error.ts';

/** What TLS needs to know of a cluster and a user. */
export interface TlsOptions {
  readonly ca?: Buffer | string | undefined;
  readonly cert?: Buffer | string | undefined;
  readonly key?: Buffer | string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
  readonly servername?: string | undefined;
}

const MOST_CONNECTIONS = 16;
/** An API server closes what is idle for minutes; we go first, so that no request meets a closing connection. */
const IDLE = 30_000;
const CONNECT = 10_000;
/** An API server answers a watch at once, also where nothing happens. */
const HEADERS = 30_000;
/** TCP probes, so that a machine that vanished is noticed. */
const PROBES = { keepAlive: true, keepAliveInitialDelay: 30_000 };

interface Agents {
  readonly fingerprint: string;
  readonly requests: Dispatcher;
  readonly watches: Dispatcher;
}

/**
 * The connections to one API server: a few that all requests share, and one for each watch, so that watches never take the
 * place of requests. HTTP/1.1, since all streams of an HTTP/2 connection break with it. New ones replace them when an authority
 * or a client certificate was renewed; what is under way on the old ones is finished.
 */
export class Connections {
  readonly #server: string;
  readonly #proxy: string | null;
  #agents: Agents | null = null;

  /** @param server for people: where it is. */
  constructor(server: string, proxy: string | null) {
    this.#server = server;
    this.#proxy = proxy;
  }

  forRequests(tls: TlsOptions): Dispatcher {
    return this.#current(tls).requests;
  }

  /** @param hear is told the headers of each answer: the library's watch keeps them to itself. */
  forWatches(tls: TlsOptions, hear: (headers: IncomingHttpHeaders) => void): Dispatcher {
    return this.#current(tls).watches.compose((dispatch) => (options, handler) => {
      const heard: Dispatcher.DispatchHandler['onResponseStart'] = (controller, status, headers, text) => {
        hear(headers);
        handler.onResponseStart?.(controller, status, headers, text);
      };
      // The library's methods want to be called on their own object.
      return dispatch(
        options,
        new Proxy(handler, {
          get(target, name) {
            if (name === 'onResponseStart') return heard;
            const method: unknown = Reflect.get(target, name);
            return typeof method === 'function' ? method.bind(target) : method;
          },
        }),
      );
    });
  }

  async close(): Promise<void> {
    const agents = this.#agents;
    this.#agents = null;
    await Promise.all([agents?.requests.destroy(), agents?.watches.destroy()]);
  }

  /** What an error of undici, a socket or TLS means for a request to the API server; errors of others stay what they are. */
  explain(error: unknown, what: string): unknown {
    if (error instanceof KubernetesError) return error;
    const cause = error instanceof TypeError && error.cause !== undefined ? error.cause : error; // fetch wraps them
    if (cause instanceof errors.HTTPParserError) {
      return new KubernetesError('BadAnswer', `${what}: ${this.#server} does not speak HTTP`, { cause });
    }
    const code = codeOf(cause);
    if (code === null) return error;
    return new KubernetesError('Unreachable', `${what}: ${this.#server} can not be reached: ${describe(code)}`, {
      cause,
    });
  }

  #current(tls: TlsOptions): Agents {
    const fingerprint = JSON.stringify(Object.entries(tls).map(([key, value]) => [key, String(value)]));
    if (this.#agents?.fingerprint !== fingerprint) {
      const old = this.#agents;
      this.#agents = {
        fingerprint,
        requests: this.#agent(tls, { connections: MOST_CONNECTIONS }),
        watches: this.#agent(tls, { bodyTimeout: 0, headersTimeout: HEADERS }),
      };
      void old?.requests.close();
      void old?.watches.close();
    }
    return this.#agents;
  }

  #agent(tls: TlsOptions, options: Agent.Options): Dispatcher {
    const defined = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
    const common = { ...options, allowH2: false, keepAliveTimeout: IDLE, keepAliveMaxTimeout: IDLE };
    if (this.#proxy === null) return new Agent({ ...common, connect: { ...defined, ...PROBES, timeout: CONNECT } });
    return new ProxyAgent({ ...common, uri: this.#proxy, requestTls: { ...defined, ...PROBES }, connect: PROBES });
  }
}

const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE/;

function describe(code: string): string {
  if (UNTRUSTED.test(code)) return `its certificate is not trusted (${code})`;
  switch (code) {
    case 'ECONNREFUSED':
      return 'the connection was refused';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `there is no such host (${code})`;
    default:
      return `the connection failed (${code})`;
  }
}

/** The code of an error, or of the first of several (one for each address that was tried). */
function codeOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : null;
}
