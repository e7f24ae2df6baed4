import type { HttpAnswer } from '../../platform/network/http.ts';
import type { GitTrust } from '../credentials.ts';
import { explainFailure, explainStatus, HostingError } from './error.ts';

/** Sends one request. Redirects are answers like others; it rejects with `HttpError` and with `signal.reason`. */
export type SendHosting = (request: {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly trust: GitTrust;
  readonly signal: AbortSignal;
}) => Promise<Pick<HttpAnswer, 'status' | 'header' | 'body'>>;

/** Which API is asked, and as whom. */
export interface ApiAccess {
  readonly send: SendHosting;
  /** `https://api.github.com`, without a slash at its end. */
  readonly base: string;
  /** With the credential. */
  readonly headers: Readonly<Record<string, string>>;
  readonly trust: GitTrust;
  readonly signal: AbortSignal;
  /** As messages show it. */
  readonly repository: string;
  /** `GitHub`, `GitLab`, `Gitea`. */
  readonly host: string;
  /** What messages must never hold. */
  readonly secrets: readonly string[];
}

/** An API that speaks JSON. Every call rejects with `HostingError`. */
export interface JsonApi {
  /** @param path with its query, each part encoded. */
  call(method: 'GET' | 'POST' | 'PUT' | 'PATCH', path: string, body?: object): Promise<unknown>;
  /** Says that an answer is not what the API's documentation has. @throws HostingError */
  misunderstood(): never;
  /** The elements of a list over its pages, until a page is not full or there have been too many. */
  pages(
    path: string,
    options: { readonly size: number; readonly most: number; readonly sizeName: string },
  ): Promise<readonly unknown[]>;
}

/** Makes the caller of an API. */
export function createJsonApi(access: ApiAccess): JsonApi {
  const { send, base, headers, trust, signal, repository, host, secrets } = access;

  async function call(method: 'GET' | 'POST' | 'PUT' | 'PATCH', path: string, body?: object): Promise<unknown> {
    const request = {
      method,
      url: new URL(`${base}${path}`),
      headers: {
        accept: 'application/json',
        'user-agent': 'tagpin',
        ...headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      trust,
      signal,
    };
    const answer = await send(request).catch((error: unknown) => {
      throw explainFailure(error, { repository, host });
    });
    const { status } = answer;
    const parsed = parse(answer.body);
    if (status >= 200 && status < 300) {
      return parsed === undefined ? misunderstood() : parsed;
    }
    // GitHub answers 403 to who asks too much.
    const isLimited =
      status === 403 && (answer.header('retry-after') !== null || answer.header('x-ratelimit-remaining') === '0');
    throw explainStatus({ status, isLimited, saying: sayingOf(parsed) }, { repository, host, secrets });
  }

  function misunderstood(): never {
    throw new HostingError('NotUnderstood', { repository, host });
  }

  return {
    call,
    misunderstood,
    async pages(path, { size, most, sizeName }) {
      const found: unknown[] = [];
      for (let page = 1; page <= most; page += 1) {
        const part = await call('GET', `${path}&${sizeName}=${size}&page=${page}`);
        if (!Array.isArray(part)) return misunderstood();
        found.push(...(part as unknown[]));
        if (part.length < size) break;
      }
      return found;
    },
  };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** GitHub's message with that of its first error; GitLab's message, a text, a list or an object of lists, or its error. */
function sayingOf(parsed: unknown): string {
  if (typeof parsed !== 'object' || parsed === null) return '';
  const { message, error, errors } = parsed as Readonly<Record<string, unknown>>;
  return [message, error, errors]
    .map((part) => textOf(part))
    .filter((text) => text !== '')
    .join(': ');
}

function textOf(value: unknown, depth = 0): string {
  if (typeof value === 'string') return value;
  if (depth > 2 || typeof value !== 'object' || value === null) return '';
  if (!Array.isArray(value) && 'message' in value) return textOf(value.message, depth + 1);
  return Object.values(value as Readonly<Record<string, unknown>>)
    .map((part) => textOf(part, depth + 1))
    .filter((text) => text !== '')
    .join(', ');
}
