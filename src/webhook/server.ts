import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ListenAddress, listen } from '../platform/network/listen.ts';
import type { ServingCertificate } from './certificate.ts';

/** How long connections may do nothing, or not enough; in milliseconds. */
export interface ConnectionTimes {
  readonly handshake: number;
  readonly idle: number;
  readonly headers: number;
  readonly request: number;
}

/**
 * An API server keeps a connection for 90 s after its last use, and uses it again without asking, so ours last longer. It also
 * keeps connections that it opened and has not used yet; to Node these wait for headers, so that time is longer too. (An idle
 * connection is not bounded by it, and Node takes the smaller of the last two for the headers, so they are in this order.)
 * Bodies are bounded by the review's own budget.
 *
 * A handshake may take as long as an API server waits for one (10 s in client-go's `transport/cache.go`), and a little more, so that
 * it is never we who give up: a thousand connections at once take seconds on a busy machine, most of them waiting for their turn.
 */
export const CONNECTION_TIMES: ConnectionTimes = {
  handshake: 11_000,
  idle: 120_000,
  headers: 125_000,
  request: 130_000,
};

/** An API server keeps 25 connections and opens more when it is busy. Each costs about 50 KB, so these are 100 MB. */
const MOST_CONNECTIONS = 2000;

/**
 * Of these, so many may be without TLS yet: a handshake takes milliseconds. The oldest has to go for a new one, so that who only
 * connects shuts nobody out.
 */
const MOST_STRANGERS = 1500;

/** How often Node looks for what is too slow. */
const CHECK_MILLISECONDS = 5000;

/** The longest timeout that an API server sets: nobody waits for an answer after that. */
const LONGEST_ANSWER = 30_000;

/** Time for the request on a connection that was made just before the end. */
const LAST_CALL = 250;

/** The HTTPS server of the admission port. */
export interface AdmissionServer {
  /** `HOST:PORT`. */
  readonly address: string;
  /** New connections get this certificate from now on. */
  renew(certificate: ServingCertificate): void;
  /**
   * Ends without losing a request: serves on, with `Connection: close`, until everybody has heard that it is not ready any
   * more; then takes no new connections, answers what is under way, and closes.
   *
   * @param forced ends all at once.
   */
  drain(milliseconds: number, forced: AbortSignal): Promise<void>;
}

/**
 * Serves HTTPS, as HTTP/1.1 only. Where the certificate comes with authorities of clients, only their clients are served.
 *
 * @throws NodeJS.ErrnoException of `listen`.
 */
export async function startServer(options: {
  readonly listener: RequestListener;
  readonly listen: ListenAddress;
  readonly certificate: ServingCertificate;
  readonly times?: ConnectionTimes;
  /** Is told of connections that could not be accepted, as where there are no more file descriptors. */
  readonly failed?: (error: unknown) => void;
}): Promise<AdmissionServer> {
  const { listener, certificate, times = CONNECTION_TIMES, failed = () => {} } = options;
  const sockets = new Set<Socket>();
  // By connection, since what comes and goes with each request leaves a trail of garbage that the young generation keeps.
  const responses = new Map<Socket, ServerResponse>();
  /** Connections without TLS yet, by the other side's address and port, the oldest first. */
  const strangers = new Map<string, Socket>();
  let isDraining = false;

  const isAnswering = (): boolean => responses.values().some(({ closed }) => !closed);
  const server: Server = createServer({
    ...secureContext(certificate),
    ALPNProtocols: ['http/1.1'],
    requestCert: certificate.clientAuthority !== null,
    rejectUnauthorized: true,
    handshakeTimeout: times.handshake,
    keepAliveTimeout: times.idle,
    headersTimeout: times.headers,
    requestTimeout: times.request,
    connectionsCheckingInterval: Math.min(CHECK_MILLISECONDS, times.headers, times.request),
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    responses.set(request.socket, response);
    if (isDraining) response.shouldKeepAlive = false;
    listener(request, response);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    const name = nameOf(socket);
    strangers.set(name, socket);
    socket.once('close', () => {
      sockets.delete(socket);
      if (strangers.get(name) === socket) strangers.delete(name);
    });
    if (strangers.size > MOST_STRANGERS) strangers.values().next().value?.destroy();
  });
  server.on('secureConnection', (socket: Socket) => {
    strangers.delete(nameOf(socket));
    socket.once('close', () => responses.delete(socket));
  });

  async function finish(forced: AbortSignal): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    const late = AbortSignal.any([forced, AbortSignal.timeout(LONGEST_ANSWER)]);
    do await sleep(LAST_CALL, undefined, { signal: late }).catch(() => {});
    while (isAnswering() && !late.aborted);
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  const address = await listen(server, options.listen);
  server.on('error', failed);
  return {
    address,
    renew: (next) => server.setSecureContext(secureContext(next)),
    async drain(milliseconds, forced) {
      isDraining = true;
      for (const response of responses.values()) if (!response.headersSent) response.shouldKeepAlive = false;
      await sleep(milliseconds, undefined, { signal: forced }).catch(() => {});
      await finish(forced);
    },
  };
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function secureContext({ certificate, key, clientAuthority }: ServingCertificate) {
  return {
    cert: certificate,
    key,
    minVersion: 'TLSv1.2' as const,
    ...(clientAuthority !== null && { ca: clientAuthority }),
  };
}
