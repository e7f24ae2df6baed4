import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, createServer, request as send } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parse } from 'yaml';
import { issueTestCertificates } from './certificate.ts';
import { type Answer, Faults, sendWith } from './faults.ts';

/** A proxy that terminates TLS in front of an API server, to answer some requests itself and to see what is sent. */
export interface ApiProxy {
  /** `https://127.0.0.1:PORT`. */
  readonly url: string;
  /** PEM of its authority, which is not that of the API server. */
  readonly authority: string;
  /** What goes wrong; a request that no fault hits goes to the API server. */
  readonly faults: Faults;
  /** What was asked, in the order of arrival. */
  readonly requests: readonly ApiRequest[];
}

/** A request as it arrived. */
export interface ApiRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface Kubeconfig {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string };
  }[];
  readonly users: readonly {
    readonly user: { readonly 'client-certificate-data': string; readonly 'client-key-data': string };
  }[];
}

const NOTHING: Answer = { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.alloc(0) };

/** A `Status` as API servers send it, for `faults.arm({ kind: 'status', … })`. */
export function statusBody(code: number, reason: string, message: string): string {
  return JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code, message });
}

/** Holds a request up before it is sent on, or its answer before it is given back; one that does not settle, for ever. */
export type Gate = (request: ApiRequest, when: 'request' | 'answer') => Promise<void>;

/** Starts a proxy to the API server of a kubeconfig, whoever asks it, as the user of that kubeconfig. It ends with the test. */
export async function startApiProxy(
  t: { after(f: () => Promise<void>): void },
  kubeconfig: string,
  gate: Gate = async () => {},
): Promise<ApiProxy> {
  const { authority, serving } = await issueTestCertificates('API proxy');
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
  const [{ cluster } = { cluster: null }] = clusters;
  const [{ user } = { user: null }] = users;
  if (cluster === null || user === null) throw new Error(`${kubeconfig}: no cluster or no user`);
  const pem = (data: string): string => Buffer.from(data, 'base64').toString();
  const agent = new Agent({
    keepAlive: true,
    ca: pem(cluster['certificate-authority-data']),
    cert: pem(user['client-certificate-data']),
    key: pem(user['client-key-data']),
  });
  const faults = new Faults();
  const requests: ApiRequest[] = [];
  const server = createServer({ cert: serving.certificate, key: serving.key }, (request, response) => {
    const { method = '', url: path = '', headers } = request;
    requests.push({ method, path, headers });
    const armed = faults.take(request);
    if (armed.length > 0) return void sendWith(armed, NOTHING, request, response);
    const { authorization: _, host: __, connection: ___, ...passed } = headers;
    const asked = { method, path, headers };
    const onwards = send(`${cluster.server}${path}`, { method, agent, headers: passed }, (answer) => {
      void gate(asked, 'answer').then(() => give(answer));
    });
    const give = (answer: IncomingMessage): void => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.on('data', (data: Buffer) => response.write(data));
      answer.on('end', () => response.end());
      answer.on('error', () => request.socket.destroy());
    };
    onwards.on('error', () => request.socket.destroy());
    response.on('close', () => onwards.destroy());
    void gate(asked, 'request').then(() => request.pipe(onwards));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    agent.destroy();
  });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, authority: authority.certificate, faults, requests };
}
