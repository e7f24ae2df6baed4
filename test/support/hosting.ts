import type { IncomingMessage, ServerResponse } from 'node:http';
import { type GitTrust, NO_TRUST } from '../../src/git/credentials.ts';
import type { HostingProvider } from '../../src/git/hosting/access.ts';
import type { JsonApi, SendHosting } from '../../src/git/hosting/api.ts';
import { createApiClient } from '../../src/platform/network/api-client.ts';
import { type Loopback, type SeenRequest, startLoopback } from './loopback.ts';

/** A pull request of the stand-in. */
export interface StoredRequest {
  readonly number: number;
  branch: string;
  base: string;
  title: string;
  body: string;
  state: 'open' | 'closed' | 'merged';
  labels: string[];
  /** Whether its branch is of a fork. */
  fork: boolean;
}

/** A stand-in for the API of a host, with one repository. */
export interface HostStandIn {
  /** The clone URL of its repository. */
  readonly url: string;
  /** All of them, the oldest first. */
  readonly stored: StoredRequest[];
  readonly requests: readonly SeenRequest[];
  /** Answers the next requests instead, until it gives null. */
  instead: (
    request: IncomingMessage,
    body: string,
  ) => { status: number; body: string; headers?: Record<string, string> } | null;
  add(request: Partial<StoredRequest>): StoredRequest;
  close(): Promise<void>;
}

/** The token that the stand-in takes. */
export const TOKEN = 'glpat-secret-token-0123456789';
/** Plain HTTP is spoken to loopback. */
export const LOOPBACK_TRUST: GitTrust = { ...NO_TRUST, plainHttp: 'allowed' };

const client = createApiClient({});
/** Sends over the wire. */
export const send: SendHosting = (request) => client.send(request);

/** What one API makes of requests to the store. */
export type Dialect = (call: DialectCall) => DialectAnswer | null;

export interface DialectCall {
  readonly method: string;
  /** Below the API's root, decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly store: Store;
}

export interface DialectAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** What the stand-in remembers. */
export interface Store {
  readonly requests: StoredRequest[];
  readonly labels: { readonly id: number; readonly name: string }[];
  open(branch: string, base: string, title: string, body: string): StoredRequest | null;
  find(number: unknown): StoredRequest | undefined;
}

const AUTHORIZATIONS: Readonly<Record<HostingProvider, string>> = {
  github: `Bearer ${TOKEN}`,
  gitlab: `Bearer ${TOKEN}`,
  gitea: `Basic ${Buffer.from(`tagpin:${TOKEN}`).toString('base64')}`,
};

/** Starts a stand-in on loopback. @param path of the repository, without a slash before it. */
export async function startHost(
  provider: HostingProvider,
  { path, root, dialect }: { readonly path: string; readonly root: string; readonly dialect: Dialect },
): Promise<HostStandIn> {
  const requests: StoredRequest[] = [];
  const add = (request: Partial<StoredRequest>): StoredRequest => {
    const made: StoredRequest = {
      number: requests.length + 1,
      branch: 'other',
      base: 'main',
      title: '',
      body: '',
      state: 'open',
      labels: [],
      fork: false,
      ...request,
    };
    requests.push(made);
    return made;
  };
  const store: Store = {
    requests,
    labels: [{ id: 41, name: 'bug' }],
    open(branch, base, title, body) {
      const same = requests.some(
        (one) => !one.fork && one.branch === branch && one.base === base && one.state === 'open',
      );
      return same ? null : add({ branch, base, title, body });
    },
    find: (number) => requests.find((one) => one.number === Number(number)),
  };
  const standIn: { instead: HostStandIn['instead'] } = { instead: () => null };
  const server: Loopback = await startLoopback((request, response, body) => {
    const other = standIn.instead(request, body);
    if (other !== null) {
      response.writeHead(other.status, other.headers).end(other.body);
      return;
    }
    answer(request, response, body);
  });

  function answer(request: IncomingMessage, response: ServerResponse, body: string): void {
    const url = new URL(request.url ?? '/', 'http://loopback');
    const reply = ({ status, body: json }: DialectAnswer): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
    };
    if (request.headers.authorization !== AUTHORIZATIONS[provider])
      return reply({ status: 401, body: { message: 'Bad credentials' } });
    const fields = body === '' ? {} : (JSON.parse(body) as Record<string, unknown>);
    const below = url.pathname.startsWith(root) ? url.pathname.slice(root.length) : '';
    const call = { method: request.method ?? '', path: below, query: url.searchParams, fields, store };
    reply(dialect(call) ?? { status: 404, body: { message: 'Not Found' } });
  }

  return Object.assign(standIn, {
    url: `http://${server.host}/${path}.git`,
    stored: requests,
    requests: server.requests,
    add,
    close: () => server.close(),
  });
}

/** The page of a list that a query asks for. */
export function pageOf<T>(all: readonly T[], query: URLSearchParams, sizeName: string): readonly T[] {
  const size = Number(query.get(sizeName) ?? 30);
  const page = Number(query.get('page') ?? 1);
  return all.slice((page - 1) * size, page * size);
}

/** An API that gives one answer to everything. */
export function fixedApi(answer: unknown): JsonApi {
  return {
    call: async () => answer,
    pages: async () => (Array.isArray(answer) ? (answer as unknown[]) : []),
    misunderstood() {
      throw new Error('misunderstood');
    },
  };
}
