import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { readRetryAfter } from '../../platform/retry.ts';
import { codeOfStatus, KubernetesError } from './error.ts';

/** What JSON objects of the API server are here: raw, since types of a version drop the fields of the next. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** 500 objects of the largest size that etcd takes would be 750 MiB; real pages stay under a tenth of this. */
const LARGEST_ANSWER = 256 * 1024 * 1024;
const LONGEST_MESSAGE = 1024;

/**
 * Reads an answer of the API server.
 *
 * @param what the request for people, as in `GET /api/v1/pods`.
 * @returns the object. @throws KubernetesError with what its `Status` says.
 */
export async function readAnswer(answer: Dispatcher.ResponseData, what: string): Promise<JsonObject> {
  const { statusCode: status } = answer;
  const value = parseObject(await readText(answer, what));
  if (status >= 200 && status < 300) {
    if (value === null) throw new KubernetesError('BadAnswer', `${what}: the answer is no JSON object`, { status });
    return value;
  }
  throw statusError(value ?? {}, status, what, readRetryAfterOf(answer.headers));
}

/** The error that a `Status` object means. */
export function statusError(
  object: JsonObject,
  httpStatus: number,
  what: string,
  retryAfterMilliseconds: number | null = null,
): KubernetesError {
  const { code, reason, message } = object;
  const status = typeof code === 'number' ? code : httpStatus;
  const said = typeof message === 'string' && message !== '' ? message.slice(0, LONGEST_MESSAGE) : `HTTP ${status}`;
  return new KubernetesError(codeOfStatus(status, String(reason)), `${what}: ${said}`, {
    status,
    retryAfterMilliseconds,
  });
}

/** How long an answer asks us to stay away, in milliseconds; null where it says nothing. */
export function readRetryAfterOf(headers: IncomingHttpHeaders): number | null {
  return readRetryAfter(headers['retry-after'] ?? null, Date.now());
}

/** The texts of `Warning` headers (RFC 7234, 5.5), of which the API server sends those with code 299. */
export function readWarnings(header: string | string[] | undefined): readonly string[] {
  return [header ?? []]
    .flat()
    .flatMap((line) => [...line.matchAll(/(?:^|,\s*)299 \S+ "((?:[^"\\]|\\.)*)"/g)])
    .map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1'));
}

async function readText(answer: Dispatcher.ResponseData, what: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Leaving the loop destroys the body, and with it the connection.
    if (size > LARGEST_ANSWER) throw new KubernetesError('BadAnswer', `${what}: the answer is larger than 256 MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString('utf8');
}

function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
  } catch {
    return null;
  }
}
