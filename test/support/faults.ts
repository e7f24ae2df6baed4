import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';

/** An answer as a value, before it is sent. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The whole body, also where HEAD then sends none of it. */
  readonly body: Buffer;
}

/** What goes wrong with a request. */
export type Fault =
  /** Another answer: a status, with headers (such as `retry-after`) and a body. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** The right answer, later. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** The connection stays open and says nothing, or nothing after the headers. */
  | { readonly kind: 'hang'; readonly after: 'request' | 'headers' }
  /** The connection is reset (RST; with TLS, closed) without an answer, or after the headers and a part of the body. */
  | { readonly kind: 'reset'; readonly after: 'request' | 'headers' }
  /** The right answer with another value of a header, several, or none (null). */
  | { readonly kind: 'header'; readonly name: string; readonly value: string | readonly string[] | null }
  /** The right headers with another body. */
  | { readonly kind: 'body'; readonly body: string | Buffer }
  /** The right headers, then bytes without end, as fast as they are taken. */
  | { readonly kind: 'endless' }
  /** The right answer, so many bytes every 20 ms. */
  | { readonly kind: 'trickle'; readonly bytes: number }
  /** A redirect, 307 unless it says another status. */
  | { readonly kind: 'redirect'; readonly location: string; readonly status?: number }
  /** 401 with this challenge, whatever was sent along. */
  | { readonly kind: 'challenge'; readonly challenge: string }
  /** The right answer, compressed although nobody asked. */
  | { readonly kind: 'gzip' }
  /** So many zero bytes, compressed a thousandfold. */
  | { readonly kind: 'bomb'; readonly bytes: number };

/** Which requests a fault hits; without a field, all. */
export interface FaultTarget {
  readonly method?: string;
  /** Matched against the path with its query. */
  readonly path?: RegExp;
  /** Only the first so many requests that match; then the fault is gone. */
  readonly times?: number;
}

const TRICKLE_MILLISECONDS = 20;
const ENDLESS_CHUNK = Buffer.alloc(64 * 1024, ' ');
const NOTHING = Buffer.alloc(0);

/** The faults that a server has been told to have. */
export class Faults {
  readonly #armed: { readonly fault: Fault; readonly target: FaultTarget; left: number }[] = [];

  /** Lets a fault happen from now on, until the function that is returned takes it away. */
  arm(fault: Fault, target: FaultTarget = {}): () => void {
    const entry = { fault, target, left: target.times ?? Number.POSITIVE_INFINITY };
    this.#armed.push(entry);
    return () => {
      entry.left = 0;
    };
  }

  /** The faults that hit this request, in the order in which they were armed. */
  take(request: IncomingMessage): readonly Fault[] {
    const hit = this.#armed.filter(
      ({ target, left }) =>
        left > 0 &&
        (target.method ?? request.method) === request.method &&
        (target.path === undefined || target.path.test(request.url ?? '')),
    );
    for (const entry of hit) entry.left -= 1;
    return hit.map(({ fault }) => fault);
  }
}

/** Sends an answer the way the faults want it. */
export async function sendWith(
  faults: readonly Fault[],
  right: Answer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let answer = right;
  let deliver = sendWhole;
  for (const fault of faults) {
    switch (fault.kind) {
      case 'delay':
        await delay(fault.milliseconds);
        break;
      case 'hang':
        deliver = fault.after === 'request' ? async () => {} : sendHeaders;
        break;
      case 'reset':
        deliver = fault.after === 'request' ? async () => resetConnection(request) : sendPart;
        break;
      case 'endless':
        deliver = sendEndlessly;
        break;
      case 'trickle':
        deliver = sendSlowly(fault.bytes);
        break;
      case 'status':
      case 'header':
      case 'body':
      case 'redirect':
      case 'challenge':
      case 'gzip':
      case 'bomb':
        answer = changed(answer, fault);
    }
  }
  await deliver(answer, request, response);
}

type Deliver = (answer: Answer, request: IncomingMessage, response: ServerResponse) => Promise<void>;
type Delivery = 'delay' | 'hang' | 'reset' | 'endless' | 'trickle';

function changed(answer: Answer, fault: Exclude<Fault, { kind: Delivery }>): Answer {
  switch (fault.kind) {
    case 'status':
      return { status: fault.status, headers: fault.headers ?? {}, body: Buffer.from(fault.body ?? '') };
    case 'header': {
      const { [fault.name]: _, ...headers } = answer.headers;
      return { ...answer, headers: fault.value === null ? headers : { ...headers, [fault.name]: fault.value } };
    }
    case 'body':
      return { ...answer, body: Buffer.from(fault.body) };
    case 'redirect':
      return { status: fault.status ?? 307, headers: { location: fault.location }, body: NOTHING };
    case 'challenge':
      return { status: 401, headers: { 'www-authenticate': fault.challenge }, body: NOTHING };
    case 'gzip':
      return compressed(answer, answer.body);
    case 'bomb':
      return compressed(answer, Buffer.alloc(fault.bytes));
  }
}

function compressed(answer: Answer, body: Buffer): Answer {
  return { ...answer, headers: { ...answer.headers, 'content-encoding': 'gzip' }, body: gzipSync(body) };
}

const sendWhole: Deliver = async ({ status, headers, body }, request, response) => {
  response.writeHead(status, { ...mutable(headers), 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
};

const sendHeaders: Deliver = async ({ status, headers, body }, _request, response) => {
  response.writeHead(status, { ...mutable(headers), 'content-length': Math.max(body.length, 1) });
  response.flushHeaders();
};

const sendPart: Deliver = async (answer, request, response) => {
  await sendHeaders(answer, request, response);
  response.write(answer.body.subarray(0, 1), () => resetConnection(request));
};

const sendEndlessly: Deliver = async ({ status, headers }, _request, response) => {
  response.writeHead(status, mutable(headers));
  const more = (): void => {
    while (!response.destroyed && response.write(ENDLESS_CHUNK));
  };
  response.on('drain', more);
  more();
};

function sendSlowly(bytes: number): Deliver {
  return async ({ status, headers, body }, _request, response) => {
    response.writeHead(status, { ...mutable(headers), 'content-length': body.length });
    for (let at = 0; at < body.length && !response.destroyed; at += bytes) {
      response.write(body.subarray(at, at + bytes));
      await delay(TRICKLE_MILLISECONDS);
    }
    response.end();
  };
}

function resetConnection({ socket }: IncomingMessage): void {
  // A socket with TLS can only be closed at once, which its client sees as a connection that ended too early.
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

function mutable(headers: Answer['headers']): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  );
}
