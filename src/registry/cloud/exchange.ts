import { readFile } from 'node:fs/promises';
import { Agent } from 'undici';
import { HttpError, sendRequest } from '../../platform/network/http.ts';

/** One request for a token. */
export interface TokenRequest {
  readonly url: string;
  /** A form for POST; GET without. */
  readonly form?: Readonly<Record<string, string>>;
  /** A JSON body for POST. */
  readonly json?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Who is asked, for messages: `Google's metadata server`. */
  readonly name: string;
  readonly signal: AbortSignal;
}

/** What a token service answered, or a sentence without secrets. */
export type TokenAnswer =
  | { readonly ok: true; readonly fields: Fields; header(name: string): string | null }
  | { readonly ok: false; readonly problem: string };

/** The fields of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

const TIMEOUT = 5000;
/** Clouds' tokens have some kilobytes; the largest are Entra's with many groups. */
const LARGEST = 64 * 1024;
/** What a header and a form may hold. */
const TOKEN = /^[\x21-\x7e]+$/;
/** Tokens are fetched once in an hour or so: no connection is kept for the next. */
const dispatcher = new Agent({ pipelining: 0, allowH2: false, connect: { timeout: 2000 } });

/** Asks a token service and reads its JSON answer. Rejects never; redirects are not followed. */
export async function requestToken(request: TokenRequest): Promise<TokenAnswer> {
  const { name, form, json, signal } = request;
  const url = safeUrl(request.url);
  if (url === null) return { ok: false, problem: `${name} has no address with https` };
  const body = form === undefined ? json && JSON.stringify(json) : new URLSearchParams(form).toString();
  const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded';
  try {
    const answer = await sendRequest({
      url,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': type }),
        ...request.headers,
      },
      ...(body === undefined ? {} : { body }),
      dispatcher,
      timeoutMilliseconds: TIMEOUT,
      maximumBytes: LARGEST,
      signal,
    });
    if (answer.status !== 200) return { ok: false, problem: `${name} answered with status ${answer.status}` };
    const fields = parseFields(answer.body.toString('utf8'));
    if (fields === null) return { ok: false, problem: `${name} answered with what is not understood` };
    return { ok: true, fields, header: (header) => answer.header(header) };
  } catch (error) {
    const reason = error instanceof HttpError ? error.failure : signal.aborted ? 'TimedOut' : 'Failed';
    return { ok: false, problem: `${name} gave no answer (${reason})` };
  }
}

/** A token in an answer; null where there is none that a header can hold. */
export function tokenIn(fields: Fields, name: string): string | null {
  const value = fields[name];
  return typeof value === 'string' && TOKEN.test(value) ? value : null;
}

/** A file's text without the white space round it; null where it can't be read, is empty or is no file for a token. */
export async function readTokenFile(path: string): Promise<string | null> {
  try {
    const text = await readFile(path, 'utf8');
    return text.length > LARGEST ? null : text.trim() || null;
  } catch {
    return null;
  }
}

/** Reads a JSON object; null for anything else. Nothing is said of why, since an error would quote the text. */
export function parseFields(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

/** Tokens leave this machine with TLS only. A metadata server is the machine's own and has none. */
function safeUrl(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== '' || url.password !== '') return null;
  const isLocal =
    /^(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost|169\.254\.169\.254|\[fd20:ce::254\]|metadata\.google\.internal)$/.test(
      url.hostname,
    );
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLocal) ? url : null;
}
