import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parsePolicy, type RegistriesPolicy } from '../../src/core/policy/schema.ts';

/** What one request looked like. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
  readonly body: string;
}

/** A server of a few lines, for answers that no decent registry gives. */
export interface Loopback {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly port: number;
  /** In the order of their ends. */
  readonly requests: SeenRequest[];
  /** How many connections were made. */
  connections(): number;
  close(): Promise<void>;
}

/** Starts a server on a free port of 127.0.0.1; with a certificate it speaks TLS. */
export async function startLoopback(
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
  tls?: { readonly cert: string; readonly key: string },
): Promise<Loopback> {
  const requests: SeenRequest[] = [];
  let connections = 0;
  const listener: RequestListener = (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const { method = '', url: path = '' } = request;
      requests.push({ method, path, authorization: request.headers.authorization ?? null, body });
      answer(request, response, body);
    });
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer({ ...tls }, listener);
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    port,
    requests,
    connections: () => connections,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The `registries` part of a policy, written as users write it (JSON is YAML). */
export function registriesOf(registries: object): RegistriesPolicy {
  const parsed = parsePolicy(JSON.stringify({ apiVersion: 'tagpin.dev/v1', kind: 'TagPolicy', registries }));
  if (!parsed.ok) throw new Error(parsed.errors.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  return parsed.policy.registries;
}
