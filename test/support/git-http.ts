import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { gitEnvironment, type Lifetime, type RemoteRepository } from './git-repository.ts';

/** How repositories are served. */
export interface GitServerOptions {
  /** The only Authorization header that is let in; without, everybody is. */
  readonly authorization?: string;
  readonly tls?: { readonly key: string; readonly certificate: string; readonly clientAuthority?: string };
  /** Answers instead of git where it returns true. */
  readonly before?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** Git over http, by `git http-backend`. */
export interface GitServer {
  /** `https://127.0.0.1:PORT/acme/shop.git`. */
  readonly url: string;
  readonly origin: string;
  readonly requests: readonly {
    readonly path: string;
    readonly authorization: string | null;
    readonly client: string | null;
  }[];
}

const exec = execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim();

/** Serves the folder of a repository on a free port of 127.0.0.1. */
export async function serveGit(
  t: Lifetime,
  repository: RemoteRepository,
  options: GitServerOptions = {},
): Promise<GitServer> {
  const { authorization, tls, before } = options;
  const requests: { path: string; authorization: string | null; client: string | null }[] = [];
  const listener: RequestListener = (request, response) => {
    const sent = request.headers.authorization ?? null;
    const peer = tls?.clientAuthority === undefined ? null : (request.socket as TLSSocket).getPeerCertificate();
    const subject = peer?.subject?.CN ?? null;
    requests.push({
      path: request.url ?? '',
      authorization: sent,
      client: typeof subject === 'string' ? subject : null,
    });
    if (before?.(request, response) === true) return;
    if (authorization !== undefined && sent !== authorization) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('sign in');
      return;
    }
    void answer(repository.root, request, response);
  };
  const server =
    tls === undefined
      ? createServer(listener)
      : createTlsServer(
          {
            key: tls.key,
            cert: tls.certificate,
            ...(tls.clientAuthority !== undefined && { ca: tls.clientAuthority, requestCert: true }),
          },
          listener,
        );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, url: `${origin}/${repository.name}`, requests };
}

/** RFC 3875, as far as git needs it. */
async function answer(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const url = new URL(request.url ?? '/', 'http://host');
  const backend = spawn(join(exec, 'git-http-backend'), {
    env: gitEnvironment({
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: 'somebody',
    }),
  });
  backend.stdin.on('error', () => {});
  backend.stdin.end(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
  const out: Buffer[] = [];
  backend.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  await once(backend, 'close');
  const whole = Buffer.concat(out);
  const end = whole.indexOf('\r\n\r\n');
  const headers = whole
    .subarray(0, end)
    .toString('latin1')
    .split('\r\n')
    .map((line) => line.split(/: */, 2));
  const status = Number(headers.find(([name]) => name?.toLowerCase() === 'status')?.[1]?.slice(0, 3) ?? 200);
  for (const [name = '', value = ''] of headers) {
    if (name !== '' && name.toLowerCase() !== 'status') response.setHeader(name, value);
  }
  response.writeHead(status).end(whole.subarray(end + 4));
}
