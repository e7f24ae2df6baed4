import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** Something in front of a server on loopback. */
export interface Tunnel {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Who came through, in the order of arrival: what a proxy was told, or the name in a client certificate. */
  readonly seen: readonly string[];
  close(): Promise<void>;
}

/** Starts a proxy that knows how to CONNECT; `seen` has its `Proxy-Authorization` and the host that was asked for. */
export async function startConnectProxy(): Promise<Tunnel> {
  const seen: string[] = [];
  const server = createServer();
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    const { url = '', headers } = request;
    seen.push(`${headers['proxy-authorization'] ?? 'nobody'} ${url}`);
    const port = Number(url.slice(url.lastIndexOf(':') + 1));
    const upstream = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [socket, upstream]) end.on('error', () => end.destroy());
  });
  return await listening(server, seen);
}

/** Starts what ends TLS in front of a plain server, for those alone who show a certificate of the authority. */
export async function startMutualTls(
  upstreamHost: string,
  tls: { readonly key: string; readonly certificate: string; readonly authority: string },
): Promise<Tunnel> {
  const seen: string[] = [];
  const port = Number(upstreamHost.slice(upstreamHost.lastIndexOf(':') + 1));
  // The certificates of tests are for servers, and would be refused as a client's.
  const options = {
    key: tls.key,
    cert: tls.certificate,
    ca: tls.authority,
    requestCert: true,
    rejectUnauthorized: false,
  };
  const server = createTlsServer(options, (socket) => {
    const name = socket.getPeerCertificate().subject?.CN;
    if (name === undefined) return void socket.destroy();
    seen.push(String(name));
    const upstream = connect(port, '127.0.0.1');
    upstream.pipe(socket).pipe(upstream);
    for (const end of [socket, upstream]) end.on('error', () => end.destroy());
  });
  return await listening(server, seen);
}

async function listening(server: Server, seen: readonly string[]): Promise<Tunnel> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
