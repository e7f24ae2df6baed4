import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseReview } from '../core/admission/request.ts';
import { type AdmissionReview, refusal } from '../core/admission/response.ts';
import { type BodyMemory, contentProblem, readBody } from './body.ts';
import { Budget, rememberBudget } from './budget.ts';
import { type Gate, TooManyQuestions } from './limits.ts';
import type { Mutate, MutateResult } from './mutate.ts';

/** How a request ended: a decision, or why there was none. */
export type ExchangeOutcome =
  | 'allowed'
  | 'patched'
  | 'denied'
  /** No review that could be read (400), or no body that could be (408, 413, 415). */
  | 'invalid'
  /** 503: too much at once. */
  | 'overloaded'
  /** 429: too much from one namespace. */
  | 'limited'
  /** 503: what is needed for a decision is not there yet, or not there at all. */
  | 'unready'
  /** Nobody expected what happened. */
  | 'failed';

/** One HTTP exchange, for logs and metrics. */
export interface ExchangeReport {
  readonly outcome: ExchangeOutcome;
  /** Null where no review was answered. */
  readonly result: MutateResult | null;
  readonly seconds: number;
}

export interface ExchangeNeeds {
  readonly review: Mutate;
  readonly gate: Gate;
  readonly memory: BodyMemory;
  /** Told of every exchange, after its answer. */
  readonly report: (report: ExchangeReport) => void;
  /** Told of what nobody expected. */
  readonly failed: (uid: string, error: unknown) => void;
}

/** Answers one request. It never rejects. */
export type Exchange = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const PLAIN = 'text/plain; charset=utf-8';

/** Makes the way from a request's bytes to its answer: content type, body, room, budget, review. Every exit is an answer. */
export function createExchange({ review, gate, memory, report, failed }: ExchangeNeeds): Exchange {
  async function answer(request: IncomingMessage, response: ServerResponse, budget: Budget): Promise<ExchangeReport> {
    const started = performance.now();
    const ended = (outcome: ExchangeOutcome, result: MutateResult | null = null): ExchangeReport => ({
      outcome,
      result,
      seconds: (performance.now() - started) / 1000,
    });
    const problem = contentProblem(request.headers);
    if (problem !== null) {
      refuse(response, 415, problem);
      return ended('invalid');
    }
    const read = await readBody(request, budget, memory);
    switch (read.kind) {
      case 'read':
        break;
      case 'too large':
        refuseLarge(response, read.uid);
        return ended('invalid');
      case 'too slow':
        // What is still to come can't be told from a next request's beginning.
        response.shouldKeepAlive = false;
        refuse(response, 408, 'the body took too long');
        return ended('invalid');
      case 'no memory':
        retryLater(response, 503, 1);
        return ended('overloaded');
      case 'gone':
        return ended('invalid');
    }
    const entrance = gate.enter();
    if (!(typeof entrance === 'boolean' ? entrance : await entrance)) {
      memory.giveBack(read.taken);
      retryLater(response, 503, 1);
      return ended('overloaded');
    }
    try {
      budget.onEnd(() => budget.beforeTimeout(() => unexpected(response, read.body, new Overdue())));
      const result = await review(read.body, budget.signal);
      if (response.headersSent) return ended('failed');
      send(response, result.status, result.review);
      return ended(outcomeOf(result), result);
    } catch (error) {
      if (error instanceof NotReady) {
        if (error.retryAfterSeconds === null) refuse(response, 503, error.message);
        else retryLater(response, 503, error.retryAfterSeconds, error.message);
        return ended('unready');
      }
      if (error instanceof TooManyQuestions) {
        retryLater(response, 429, error.retryAfterSeconds);
        return ended('limited');
      }
      unexpected(response, read.body, error);
      return ended('failed');
    } finally {
      memory.giveBack(read.taken);
      gate.leave();
    }
  }

  /**
   * A refusal of its uid, where it is known: an API server takes any other answer for none, and lets Pods in that got none. Text
   * with `<` in it is six times as long in a review, so that a tenant can make an object too large to be judged.
   */
  function refuseLarge(response: ServerResponse, uid: string): void {
    const problem = 'a review has 8 MiB at most';
    if (uid === '') refuse(response, 413, problem);
    else
      send(response, 200, refusal(uid, 413, 'RequestEntityTooLarge', `tagpin can not judge this object: ${problem}`));
  }

  /** A review all the same: the API server takes nothing else for an answer. */
  function unexpected(response: ServerResponse, body: Buffer, error: unknown): void {
    const uid = uidOf(body);
    failed(uid, error);
    const message = 'tagpin could not decide: internal error, see the log of its webhook for this uid';
    send(response, uid === '' ? 400 : 200, refusal(uid, 500, 'InternalError', message));
  }

  const budgetOf = rememberBudget();
  return async (request, response) => {
    const budget = new Budget(budgetOf(request.url ?? ''));
    report(await answer(request, response, budget));
    budget.close();
  };
}

/**
 * What a decision needs is not there. Where it may come in a moment, the API server is asked to try again; where somebody has to
 * do something first, it goes on at once as its failurePolicy says, so that no Pod waits for it.
 */
export class NotReady extends Error {
  override readonly name = 'NotReady';
  readonly retryAfterSeconds: number | null;

  constructor(problem: string, retryAfterSeconds: number | null) {
    super(problem);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

class Overdue extends Error {
  override readonly name = 'Overdue';

  constructor() {
    super('the review did not end with its budget');
  }
}

function outcomeOf({ status, review }: MutateResult): ExchangeOutcome {
  if (status !== 200) return 'invalid';
  if (!review.response.allowed) return 'denied';
  return review.response.patch === undefined ? 'allowed' : 'patched';
}

function uidOf(body: Buffer): string {
  try {
    const parsed = parseReview(JSON.parse(body.toString('utf8')));
    return parsed.ok ? parsed.request.uid : parsed.uid;
  } catch {
    return '';
  }
}

function send(response: ServerResponse, status: number, review: AdmissionReview): void {
  write(response, status, 'application/json', JSON.stringify(review));
}

function refuse(response: ServerResponse, status: number, problem: string): void {
  write(response, status, PLAIN, `${problem}\n`);
}

/** The API server tries again within its timeout what has this header, and nothing else. */
function retryLater(
  response: ServerResponse,
  status: 429 | 503,
  seconds: number,
  problem = 'too many reviews at once: try again',
): void {
  if (!response.headersSent) response.setHeader('Retry-After', seconds);
  refuse(response, status, problem);
}

/** One write with its length is the cheapest for both sides. */
function write(response: ServerResponse, status: number, type: string, text: string): void {
  if (response.headersSent) return; // A review may end, or fail, after it was answered without it.
  const length = Buffer.byteLength(text);
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': length });
  // The same bytes, where all characters are ASCII, and written faster.
  const encoding = length === text.length ? 'latin1' : 'utf8';
  // After all requests that have come in meanwhile, so that answers leave together: waking the caller costs more than all else.
  setImmediate(() => response.end(text, encoding));
}
