import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import type { CertificatePair } from '../../src/certificates/pair.ts';

/** An answer, read to its end. */
export interface HttpsAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The client's port: the same for two answers over one connection. */
  readonly localPort: number;
}

export interface HttpsRequest {
  readonly method?: string;
  readonly path: string;
  /** `application/json` where there is a body and nothing is said. */
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: string | Uint8Array;
}

/** A client that keeps its connections, as an API server does. */
export interface HttpsClient {
  send(request: HttpsRequest): Promise<HttpsAnswer>;
  close(): void;
}

/** Makes a client of a server at `HOST:PORT`, whose certificate must be of an authority. */
export function httpsClient(address: string, authority: string, client?: CertificatePair): HttpsClient {
  const shown = client === undefined ? {} : { cert: client.certificate, key: client.key };
  const agent = new Agent({ keepAlive: true, ca: authority, ...shown });
  return {
    send: ({ method = 'POST', path, headers = {}, body }) => {
      const { promise, resolve, reject } = Promise.withResolvers<HttpsAnswer>();
      const type =
        body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const sent = request(
        `https://${address}${path}`,
        { method, agent, headers: { ...type, ...headers } },
        (response) => {
          const { localPort = 0 } = response.socket;
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () => {
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text, localPort });
          });
          response.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end(body);
      return promise;
    },
    close: () => agent.destroy(),
  };
}

/** A connection to write bytes to, for what no client sends. */
export interface RawConnection {
  readonly socket: TLSSocket;
  /** Everything that was received, when the other side has closed. */
  readonly received: Promise<string>;
}

/** Opens a connection to a server at `HOST:PORT`. */
export async function connectRaw(address: string, authority: string): Promise<RawConnection> {
  const [host = '', port = ''] = address.split(':');
  const socket = connect({ host, port: Number(port), ca: authority });
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const received = new Promise<string>((resolve) => {
    socket.on('error', () => {}).on('close', () => resolve(text));
  });
  await once(socket, 'secureConnect');
  return { socket, received };
}

/** A review as an API server sends one, of an object that has no images. */
export function reviewText(uid: string, request: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid, kind: { group: 'apps', version: 'v1', kind: 'Deployment' }, namespace: 'shop', ...request },
  });
}
