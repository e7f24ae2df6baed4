import { type Cache, createCache } from '../../platform/cache.ts';
import { type Circuit, CircuitOpen, createCircuit } from '../../platform/circuit.ts';
import { createLimiter, type Limiter, QueueFull } from '../../platform/limiter.ts';
import { type HttpAnswer, HttpError, sendRequest } from '../../platform/network/http.ts';
import { readRetryAfter, retryOnce } from '../../platform/retry.ts';
import { type FailureReason, RegistryError } from '../error.ts';
import { type Permit, permitRedirect } from '../guard.ts';
import { AddressRefused, AuthorityRefused, createAgents } from './agent.ts';
import type { RegistrySettings } from './own.ts';
import { proxyFor } from './proxy.ts';

/** One request to a host that may be asked. */
export interface Errand {
  readonly permit: Permit;
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  /** For the permit's origin alone: a redirect to another does not get it. */
  readonly authorization: string | null;
  /** Fingerprint of the credential: whom a registry means when it limits requests. */
  readonly account: string;
  readonly body?: string;
  readonly maximumBytes: number;
  readonly signal: AbortSignal;
}

/** An answer, and whether it comes from the origin that was asked. */
export interface Reply {
  readonly answer: HttpAnswer;
  readonly isRedirected: boolean;
}

/** How requests leave: within a host's limits, through the guard, observed. */
export interface Transport {
  /**
   * Sends a request and follows redirects, each checked like the first. The status is the caller's to judge, but for 429.
   * Rejects with `RegistryError`, and with `signal.reason`.
   */
  send(errand: Errand): Promise<Reply>;
  close(): Promise<void>;
}

/** One request as metrics count it. */
export interface RequestEvent {
  readonly kind: 'request';
  /** The host as policies name it; `other` where there have been too many names already. */
  readonly host: string;
  /** The status, or why there was none. */
  readonly code: string;
  readonly seconds: number;
}

/** What a transport is made of; times in milliseconds. */
export interface TransportOptions {
  readonly settings: () => RegistrySettings;
  readonly observe: (event: RequestEvent) => void;
  /** A clock that never goes back. */
  readonly now: () => number;
  /** How long one request may take; connecting gets a part of it. */
  readonly requestMilliseconds: number;
}

interface Traffic {
  readonly limiter: Limiter;
  readonly circuit: Circuit;
}

/** Registries of the usual size answer 8 at once without limiting; more only fills their queue instead of ours. */
const CONCURRENCY = 8;
/** At 8 at a time and 50 ms an answer this is more than anyone waits for. */
const LONGEST_QUEUE = 1024;
/** Users name hosts, so what is kept for each host is bounded. */
const MOST_HOSTS = 1000;
const MOST_LABELS = 100;
const MOST_REDIRECTS = 5;
/** Enough that one broken image does not shut its registry, few enough that a dead one is noticed. */
const FAILURES_TO_OPEN = 10;
/** A registry that asks for more is asked again all the same, to see whether it still means it. */
const LONGEST_RETRY_AFTER = 300_000;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Makes a transport. */
export function createTransport({ settings, observe, now, requestMilliseconds }: TransportOptions): Transport {
  const agents = createAgents(requestMilliseconds * 0.4);
  const traffic: Cache<Traffic> = createCache({ maximumEntries: MOST_HOSTS, lifeMilliseconds: 3_600_000, now });
  const pauses: Cache<{ until: number }> = createCache({
    maximumEntries: MOST_HOSTS,
    lifeMilliseconds: LONGEST_RETRY_AFTER,
    now,
  });
  const labels = new Set<string>();

  function trafficOf({ url, requestsPerSecond }: Permit): Traffic {
    const key = `${url.host} ${requestsPerSecond}`;
    const known = traffic.get(key);
    if (known !== undefined) return known;
    const made = {
      limiter: createLimiter({ concurrency: CONCURRENCY, waiting: LONGEST_QUEUE, perSecond: requestsPerSecond, now }),
      circuit: createCircuit(FAILURES_TO_OPEN, isOutage),
    };
    traffic.set(key, made);
    return made;
  }

  async function sendOnce(errand: Errand): Promise<HttpAnswer> {
    const { permit, account, signal } = errand;
    const { limiter, circuit } = trafficOf(permit);
    const pauseKey = `${permit.url.host} ${account}`;
    const wait = (pauses.get(pauseKey)?.until ?? 0) - now();
    if (wait > 0) throw new RegistryError('TooManyRequests', permit, { retryAfterMilliseconds: wait });
    try {
      const answer = await circuit.run(() =>
        retryOnce(() => limiter.run(() => observed(errand), signal), isPassing, signal),
      );
      if (answer.status !== 429) return answer;
      const asked = readRetryAfter(answer.header('retry-after'), Date.now());
      const retryAfterMilliseconds = asked === null ? null : Math.min(asked, LONGEST_RETRY_AFTER);
      // A registry that names no time does not say either what it limits: then only this image waits a little.
      if (retryAfterMilliseconds !== null) pauses.set(pauseKey, { until: now() + retryAfterMilliseconds });
      throw new RegistryError('TooManyRequests', permit, { retryAfterMilliseconds });
    } catch (error) {
      throw signal.aborted ? signal.reason : explain(error, permit.host);
    }
  }

  async function observed(errand: Errand): Promise<HttpAnswer> {
    const { permit, authorization } = errand;
    const started = now();
    let code = 'Error';
    try {
      const answer = await sendRequest({
        ...errand,
        url: permit.url,
        headers: { ...errand.headers, ...(authorization === null ? {} : { authorization }) },
        dispatcher: agents.forReach({ ...permit, proxy: proxyFor(settings(), permit.url) }),
        timeoutMilliseconds: requestMilliseconds,
      });
      code = String(answer.status);
      return answer;
    } catch (error) {
      if (error instanceof HttpError) code = error.failure;
      throw error;
    } finally {
      if (labels.size < MOST_LABELS) labels.add(permit.host);
      const host = labels.has(permit.host) ? permit.host : 'other';
      observe({ kind: 'request', host, code, seconds: (now() - started) / 1000 });
    }
  }

  return {
    async send(errand) {
      const origin = errand.permit.url.origin;
      let { permit, authorization } = errand;
      for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
        const answer = await sendOnce({ ...errand, permit, authorization });
        if (!REDIRECTS.has(answer.status)) return { answer, isRedirected: permit.url.origin !== origin };
        // The body of a POST is a secret.
        if (errand.method === 'POST') throw new RegistryError('RedirectNotSafe', permit);
        const next = permitRedirect(settings(), permit, answer.header('location'));
        // Once off, it stays off: who redirects back does not get it either.
        if (next.url.origin !== permit.url.origin) authorization = null;
        permit = next;
      }
      throw new RegistryError('RedirectLoop', errand.permit);
    },
    close: () => agents.close(),
  };
}

/** Worth a second try at once: a connection that could not be made, or broke. */
function isPassing(error: unknown): boolean {
  return error instanceof HttpError && error.failure === 'Unreachable';
}

function isOutage(error: unknown): boolean {
  return isPassing(error) || (error instanceof HttpError && error.failure === 'TimedOut');
}

const REASONS = {
  Unreachable: 'NoConnection',
  Untrusted: 'Untrusted',
  NotTls: 'NotTls',
  TimedOut: 'TimedOut',
  TooLarge: 'TooLarge',
  Malformed: 'NotUnderstood',
} as const satisfies Record<HttpError['failure'], FailureReason>;

const ADDRESS_REASONS = {
  private: 'PrivateAddress',
  forbidden: 'ForbiddenAddress',
  proxy: 'PrivateProxy',
} as const satisfies Record<AddressRefused['kind'], FailureReason>;

function explain(error: unknown, host: string): unknown {
  const reason = reasonOf(error);
  return reason === null ? error : new RegistryError(reason, { host }, { cause: error });
}

function reasonOf(error: unknown): FailureReason | null {
  if (error instanceof AddressRefused) return ADDRESS_REASONS[error.kind];
  if (error instanceof AuthorityRefused) return 'BadAuthority';
  if (error instanceof HttpError) return REASONS[error.failure];
  if (error instanceof QueueFull) return 'QueueFull';
  return error instanceof CircuitOpen ? 'CircuitOpen' : null;
}
