import { X509Certificate } from 'node:crypto';
import { getCACertificates } from 'node:tls';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { type HttpAnswer, HttpError, type HttpRequest, sendRequest } from './http.ts';
import { environmentProxy, isExemptFrom } from './proxy-choice.ts';

/** Whom to believe, and how to get there. */
export interface ApiTrust {
  /** PEM, beside the system's; null for those alone. */
  readonly authorities: string | null;
  readonly clientCertificate: { readonly certificate: string; readonly key: string } | null;
  /** `except`: hosts as in NO_PROXY. Null: the environment's proxies. */
  readonly proxy: { readonly url: string; readonly except: string | null } | null;
}

/** One request to an API. Redirects are answers like others, and nothing is sent again. */
export interface ApiRequest {
  readonly method: HttpRequest['method'];
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly trust: ApiTrust;
  readonly signal: AbortSignal;
}

/** A client of APIs that people name, with few requests to each. */
export interface ApiClient {
  /** The answer, whatever its status, with its body. Rejects with `HttpError`, and with `signal.reason`. */
  send(request: ApiRequest): Promise<HttpAnswer>;
  /** Breaks all connections. */
  close(): Promise<void>;
}

/** One with authorities and a proxy is made for each repository's Secret; more at once are older ones. */
const MOST_AGENTS = 32;
const CONNECT_MILLISECONDS = 10_000;
const TIMEOUT_MILLISECONDS = 20_000;
const LARGEST_ANSWER = 8 * 1024 * 1024;

/** Makes a client. @param environment of which only the proxies are read. */
export function createApiClient(environment: Readonly<Record<string, string | undefined>>): ApiClient {
  const agents = new Map<string, Dispatcher>();

  function agentFor({ url, trust }: ApiRequest): Dispatcher {
    const proxy = proxyFor(environment, url, trust);
    const key = JSON.stringify([trust.authorities, trust.clientCertificate, proxy]);
    const known = agents.get(key);
    if (known !== undefined) return known;
    const [oldest] = agents;
    if (oldest !== undefined && agents.size >= MOST_AGENTS) {
      agents.delete(oldest[0]);
      void oldest[1].close(); // Lets what is under way finish.
    }
    const made = makeAgent(trust, proxy);
    agents.set(key, made);
    return made;
  }

  return {
    async send(request) {
      const { method, url, headers, body, signal } = request;
      return await sendRequest({
        method,
        url,
        headers,
        ...(body !== null && { body }),
        dispatcher: agentFor(request),
        timeoutMilliseconds: TIMEOUT_MILLISECONDS,
        maximumBytes: LARGEST_ANSWER,
        bodies: 'of all',
        signal,
      });
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
      agents.clear();
    },
  };
}

function proxyFor(
  environment: Readonly<Record<string, string | undefined>>,
  url: URL,
  { proxy }: ApiTrust,
): string | null {
  if (proxy === null) return environmentProxy(environment, url);
  return isExemptFrom(proxy.except ?? '', url) ? null : proxy.url;
}

function makeAgent({ authorities, clientCertificate }: ApiTrust, proxy: string | null): Dispatcher {
  const common = { allowH2: false, connections: 4, pipelining: 1, keepAliveTimeout: 10_000 };
  const trust = {
    timeout: CONNECT_MILLISECONDS,
    allowH2: false,
    rejectUnauthorized: true, // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
    ...(authorities !== null && { ca: [...getCACertificates('default'), ...certificatesIn(authorities)] }),
    ...(clientCertificate !== null && { cert: clientCertificate.certificate, key: clientCertificate.key }),
  };
  if (proxy === null) return new Agent({ ...common, connect: trust });
  if (!/^https?:$/.test(URL.parse(proxy)?.protocol ?? '')) {
    throw new HttpError('Unreachable', { cause: new Error('only proxies of http and https are used for APIs') });
  }
  return new ProxyAgent({ ...common, uri: proxy, requestTls: trust });
}

/** TLS takes any text for an authority without a word, and then trusts nobody. */
function certificatesIn(text: string): readonly string[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    if (found.length === 0) throw new Error('there is no certificate in it');
    return found.map((certificate) => new X509Certificate(certificate).toString());
  } catch (cause) {
    throw new HttpError('Untrusted', { cause });
  }
}
