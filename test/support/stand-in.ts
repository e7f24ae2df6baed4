import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { sendWith } from './faults.ts';

/** A request to a stand-in, read whole. */
export interface StandInRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a stand-in answers: JSON, with the status 200 unless it says another; null to say nothing at all. */
export type StandInAnswer = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
} | null;

/** A server on loopback in the place of one that tests can't ask. */
export interface StandIn {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly requests: readonly StandInRequest[];
}

/** Starts a stand-in that lives as long as the test. */
export async function startStandIn(
  t: TestContext,
  answer: (request: StandInRequest) => StandInAnswer | Promise<StandInAnswer>,
): Promise<StandIn> {
  const requests: StandInRequest[] = [];
  const server = createServer((request, response) => {
    const reply = async (): Promise<void> => {
      const { method = '', url: path = '', headers } = request;
      const received = { method, path, headers, body: await text(request) };
      requests.push(received);
      const given = await answer(received);
      if (given === null) return;
      const body = Buffer.from(given.text ?? JSON.stringify(given.json ?? {}));
      const type = { 'content-type': 'application/json', ...given.headers };
      await sendWith([], { status: given.status ?? 200, headers: type, body }, request, response);
    };
    reply().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, url: `http://${host}`, requests };
}
