import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { type Dispatcher, errors, request } from 'undici';

/**
 * Why there is no answer: no connection (`Unreachable`), a certificate that is not trusted (`Untrusted`), a server that
 * speaks no TLS (`NotTls`), time (`TimedOut`), size (`TooLarge`), or an answer that is not HTTP (`Malformed`).
 */
export type HttpFailure = 'Unreachable' | 'Untrusted' | 'NotTls' | 'TimedOut' | 'TooLarge' | 'Malformed';

/** One request brought no answer. The cause may hold addresses and is not for users. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly failure: HttpFailure;

  constructor(failure: HttpFailure, options?: ErrorOptions) {
    super(failure, options);
    this.failure = failure;
  }
}

/** One request. Redirects are answers like others, and nothing is sent again. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly dispatcher: Dispatcher;
  /** For connecting, the headers and the whole body. */
  readonly timeoutMilliseconds: number;
  /** How many bytes of body are read, before and after decompression. */
  readonly maximumBytes: number;
  /** Bodies of other answers than 200 are thrown away, unless they are wanted as well. */
  readonly bodies?: 'of 200' | 'of all';
  readonly signal: AbortSignal;
}

/** The answer to one request, read whole. */
export interface HttpAnswer {
  readonly status: number;
  /** A header's value by its lower-case name; null where it is missing or there several times. */
  header(name: string): string | null;
  /** All values of a header. */
  headers(name: string): readonly string[];
  /** Empty where the status is not 200, unless all were wanted. */
  readonly body: Buffer;
}

/** What is read of a body that nobody wants, so that the connection can be used again. */
const UNWANTED_BYTES = 16 * 1024;

/**
 * Sends a request and reads the answer within its bounds.
 *
 * @returns the answer, whatever its status. Rejects with `HttpError`, with `signal.reason` where the signal ended it, and
 * with whatever the dispatcher's own connect refused with.
 */
export async function sendRequest(wanted: HttpRequest): Promise<HttpAnswer> {
  const ending = new AbortController();
  const abort = (): void => ending.abort(wanted.signal.reason);
  const timer = setTimeout(() => ending.abort(new HttpError('TimedOut')), wanted.timeoutMilliseconds);
  wanted.signal.addEventListener('abort', abort, { once: true });
  if (wanted.signal.aborted) abort();
  try {
    const answer = await request(wanted.url, {
      method: wanted.method,
      headers: { ...wanted.headers, 'accept-encoding': 'identity' },
      body: wanted.body ?? null,
      dispatcher: wanted.dispatcher,
      signal: ending.signal,
    });
    const values = (name: string): readonly string[] => [answer.headers[name] ?? []].flat();
    const header = (name: string): string | null => {
      const [value, ...others] = values(name);
      return value !== undefined && others.length === 0 ? value : null;
    };
    const body = await readBody(answer, wanted, header('content-encoding'));
    return { status: answer.statusCode, header, headers: values, body };
  } catch (error) {
    throw explain(ending.signal.aborted ? ending.signal.reason : error);
  } finally {
    clearTimeout(timer);
    wanted.signal.removeEventListener('abort', abort);
  }
}

async function readBody(
  answer: Dispatcher.ResponseData,
  { method, maximumBytes, bodies = 'of 200' }: HttpRequest,
  encoding: string | null,
): Promise<Buffer> {
  if ((answer.statusCode !== 200 && bodies === 'of 200') || method === 'HEAD') {
    await answer.body.dump({ limit: UNWANTED_BYTES });
    return Buffer.alloc(0);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Leaving the loop destroys the body, and with it the connection.
    if (size > maximumBytes) throw new HttpError('TooLarge');
    chunks.push(chunk);
  }
  return await decode(Buffer.concat(chunks, size), encoding, maximumBytes);
}

const DECODERS = new Map([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

/** Some proxies compress what was asked for plain; digests are of what was compressed. */
async function decode(body: Buffer, encoding: string | null, maximumBytes: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? 'identity';
  if (name === 'identity' || name === '') return body;
  const decoder = DECODERS.get(name);
  if (decoder === undefined) throw new HttpError('Malformed');
  try {
    return await decoder(body, { maxOutputLength: maximumBytes });
  } catch (cause) {
    throw new HttpError(codeOf(cause) === 'ERR_BUFFER_TOO_LARGE' ? 'TooLarge' : 'Malformed', { cause });
  }
}

/** Codes of OpenSSL and of node:tls that mean: this is not who was asked for. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE/;
const NOT_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_TOO_SMALL|HTTP_REQUEST/;
const NO_CONNECTION = /^(?:E(?!RR_)[A-Z0-9_]+|UND_ERR_(?!INVALID_ARG).*|ERR_SSL_.*|ERR_TLS_.*)$/;
const MALFORMED = /^(?:HPE_.*|UND_ERR_(?:HEADERS_OVERFLOW|RES_CONTENT_LENGTH_MISMATCH|REQ_CONTENT_LENGTH_MISMATCH))$/;

/** Puts an error of undici, a socket or TLS into one of our classes; errors of others stay what they are. */
function explain(error: unknown): unknown {
  if (error instanceof HttpError) return error;
  const cause = error;
  if (error instanceof errors.HTTPParserError) return new HttpError('Malformed', { cause });
  const code = codeOf(error);
  if (code === null) return error;
  if (UNTRUSTED.test(code)) return new HttpError('Untrusted', { cause });
  if (NOT_TLS.test(code)) return new HttpError('NotTls', { cause });
  if (MALFORMED.test(code)) return new HttpError('Malformed', { cause });
  return NO_CONNECTION.test(code) ? new HttpError('Unreachable', { cause }) : error;
}

/** The code of an error, or of the first of several (one for each address that was tried). */
function codeOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : null;
}
