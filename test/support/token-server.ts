import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { sendWith } from './faults.ts';
import { createTokenService, type TokenRequest, type TokenServerOptions } from './token-service.ts';

/** An authorisation server as registries send their clients to. */
export interface TokenServer {
  /** `localhost:PORT`: some clients refuse to be sent to an address of loopback. */
  readonly host: string;
  /** What the registry names as its realm. */
  readonly realm: string;
  /** The key set (RFC 7517) that the registry has to trust. */
  readonly keySet: object;
  readonly requests: readonly TokenRequest[];
  close(): Promise<void>;
}

/** Starts a token service with a server of its own on loopback. */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const { keySet, requests, answer } = createTokenService(options);
  const server = createServer((request, response) => {
    const { method = '', url: path = '/', headers } = request;
    text(request)
      .then((body) =>
        sendWith([], answer({ method, path, authorization: headers.authorization, body }), request, response),
      )
      .catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  return {
    host,
    realm: `http://${host}/token`,
    keySet,
    requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
