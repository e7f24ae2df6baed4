import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

/** Where a server listens: a host name or address, and a port, 0 for any that is free. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Begins to listen.
 *
 * @returns the address as in a URL, with the port that it got.
 * @throws NodeJS.ErrnoException such as `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, `ENOTFOUND`.
 */
export async function listen(server: Server, { host, port }: ListenAddress): Promise<string> {
  server.listen({ host, port });
  await once(server, 'listening');
  const bound = server.address() as AddressInfo;
  return addressText({ host: bound.address, port: bound.port });
}

/** `HOST:PORT`, an IPv6 address in brackets. */
export function addressText({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
