import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Budget } from './budget.ts';

/**
 * The API server takes objects of up to 3 MiB, and a review carries the object twice, with what is about it.
 */
export const LARGEST_BODY = 8 * 1024 * 1024;

/** What is read past that, and thrown away, so that whoever sends it reads the answer. */
const MOST_DISCARDED = 64 * 1024 * 1024;

/** Bodies are up to this size for nothing: nearly all are, and 2,000 connections of it are bounded well enough. */
const FREE_BYTES = 64 * 1024;

/**
 * The bytes that large bodies may hold together until they are answered: one of the largest size, or many that are merely
 * large. Parsed, one that is made for it takes 250 MB; the API server sends again what has to wait.
 */
export class BodyMemory {
  #free: number;

  constructor(bytes = LARGEST_BODY) {
    this.#free = bytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#free += bytes;
  }
}

/** An API server sends 8 MiB in a tenth of this. Who is slower must not hold what large bodies share. */
const LARGE_BODY_MILLISECONDS = 5000;

/** A body, or why there is none: it is too large, took too long, found no memory, or its sender has gone. */
export type ReadBody =
  | {
      readonly kind: 'read';
      readonly body: Buffer;
      /** What it holds of the memory, to be given back. */
      readonly taken: number;
    }
  /** `uid` of the review that it is the beginning of; empty where it is of none. */
  | { readonly kind: 'too large'; readonly uid: string }
  | { readonly kind: 'too slow' | 'no memory' | 'gone' };

/** An API server begins a review with its type and its uid. */
const BEGINNING_BYTES = 512;
const BEGINNING =
  /^\{"kind":"AdmissionReview","apiVersion":"admission\.k8s\.io\/v1","request":\{"uid":"(?<uid>[\w-]{1,128})"/;

/** Why a request carries no JSON that can be read; null where it may. */
export function contentProblem(headers: IncomingHttpHeaders): string | null {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').split(';');
  const encoding = headers['content-encoding'];
  if (type.trim().toLowerCase() !== 'application/json') return 'send an AdmissionReview as application/json';
  for (const parameter of parameters) {
    const charset = /^\s*charset\s*=\s*"?(?<name>[^"]*?)"?\s*$/i.exec(parameter)?.groups?.['name'];
    if (charset !== undefined && !/^utf-?8$/i.test(charset)) return 'send it in UTF-8';
  }
  return encoding === undefined || encoding.toLowerCase() === 'identity' ? null : 'send it uncompressed';
}

/** Reads a request's body, within its size, its time and the memory for all. What can't be used is read and thrown away. */
export function readBody(request: IncomingMessage, budget: Budget, memory: BodyMemory): Promise<ReadBody> {
  const { promise, resolve } = Promise.withResolvers<ReadBody>();
  const chunks: Buffer[] = [];
  let length = 0;
  let taken = 0;
  let isDone = false;
  const isTooLarge = Number(request.headers['content-length'] ?? 0) > LARGEST_BODY;
  let slow: NodeJS.Timeout | undefined;

  const finish = (result: ReadBody): void => {
    if (isDone) return;
    isDone = true;
    if (result.kind !== 'read') {
      memory.giveBack(taken);
      chunks.length = 0;
    }
    budget.onEnd(null);
    clearTimeout(slow);
    resolve(result);
  };
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (isDone) {
      if (length > MOST_DISCARDED) request.destroy();
      return;
    }
    const hasBegun = isTooLarge && length >= BEGINNING_BYTES;
    if (hasBegun || length > LARGEST_BODY) return finish({ kind: 'too large', uid: uidOf([...chunks, chunk]) });
    if (length > FREE_BYTES) {
      slow ??= setTimeout(() => finish({ kind: 'too slow' }), LARGE_BODY_MILLISECONDS);
      if (!memory.take(chunk.length)) return finish({ kind: 'no memory' });
      taken += chunk.length;
    }
    chunks.push(chunk);
  });
  request.on('end', () => {
    const [first] = chunks;
    const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, length);
    finish({ kind: 'read', body, taken });
  });
  request.on('close', () => finish({ kind: 'gone' }));
  budget.onEnd(() => finish({ kind: 'too slow' }));
  return promise;
}

function uidOf(chunks: readonly Buffer[]): string {
  let beginning = '';
  for (const chunk of chunks) {
    beginning += chunk.toString('latin1', 0, BEGINNING_BYTES - beginning.length);
    if (beginning.length === BEGINNING_BYTES) break;
  }
  return BEGINNING.exec(beginning)?.groups?.['uid'] ?? '';
}
