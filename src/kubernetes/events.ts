import { randomBytes } from 'node:crypto';
import { createLimiter } from '../platform/limiter.ts';
import type { KubernetesClient } from './client.ts';
import { microTime } from './micro-time.ts';
import { resourcePath } from './request/resource.ts';

/** The object that an Event is about. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Missing for what is in no namespace. */
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
}

/** What `kubectl describe` of an object shall show. */
export interface RecordedEvent {
  readonly regarding: EventSubject;
  readonly type: 'Normal' | 'Warning';
  /** Why, in one CamelCase word, for machines: `PolicyRejected`. */
  readonly reason: string;
  /** What was done, in one CamelCase word. */
  readonly action: string;
  /** A sentence for people; what is longer than 1 kB is cut. */
  readonly note: string;
}

/** Takes an Event to be written; never throws, and never waits. */
export interface EventRecorder {
  (event: RecordedEvent): void;
  /** Writes what waits, for two seconds unless something else was said, and takes no more. */
  close(): Promise<void>;
}

/** Who writes, and how much. */
export interface EventRecorderOptions {
  readonly client: Pick<KubernetesClient, 'request'>;
  /** A qualified name: `tagpin.dev/webhook`. */
  readonly controller: string;
  /** The Pod. */
  readonly instance: string;
  /** Hears of Events that were not written. */
  readonly observe?: (problem: EventProblem) => void;
  /** For so long the same Event is not written again: 300000. */
  readonly repeatMilliseconds?: number;
  /** How many are written in a second, with a burst of as many, and how many may wait: 5 and 200. */
  readonly perSecond?: number;
  readonly mostWaiting?: number;
  /** How long `close` waits for them: 2000. */
  readonly closingMilliseconds?: number;
}

/** Why an Event was not written: too many at once, or the API server did not take it. */
export type EventProblem =
  | { readonly kind: 'dropped'; readonly event: RecordedEvent }
  | { readonly kind: 'failed'; readonly event: RecordedEvent; readonly error: unknown };

const REPEAT = 5 * 60_000;
/** An API server keeps Events for an hour, and etcd all of them: nobody reads more than these. */
const PER_SECOND = 5;
const MOST_WAITING = 200;
const MOST_REMEMBERED = 2000;
/** One object that fails in ever new ways: so many Events in the time in which none is repeated. */
const MOST_OF_ONE = 20;
const CLOSING = 2000;
/** Bytes, https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
const LONGEST_NOTE = 1024;
const LONGEST_WORD = 128;
const LONGEST_NAME = 253;
const DNS_NAME = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;

/** Makes what writes Events of `events.k8s.io/v1`. They are a courtesy: some get lost, and none is repeated within minutes. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, repeatMilliseconds = REPEAT, perSecond = PER_SECOND, mostWaiting = MOST_WAITING } = options;
  const turns = createLimiter({
    concurrency: 1,
    waiting: mostWaiting,
    perSecond,
    now: () => performance.now(),
  });
  const ending = new AbortController();
  const waiting = new Set<Promise<void>>();
  /** What was written, or of which object so many were: how often, and when the first. Insertion order is that of time. */
  const counted = new Map<string, { readonly at: number; count: number }>();
  let isClosed = false;

  /** How many times, this one included, within the time. */
  function count(key: string): number {
    const now = performance.now();
    const known = counted.get(key);
    if (known !== undefined && now - known.at < repeatMilliseconds) return (known.count += 1);
    counted.delete(key);
    counted.set(key, { at: now, count: 1 });
    const [oldest] = counted.keys();
    if (counted.size > MOST_REMEMBERED && oldest !== undefined) counted.delete(oldest);
    return 1;
  }

  function observe(problem: EventProblem): void {
    try {
      options.observe?.(problem);
    } catch {
      // There is nobody left to tell.
    }
  }

  async function write(event: RecordedEvent, same: string): Promise<void> {
    const { signal } = ending;
    try {
      const body = eventObject(event, options, new Date());
      const { namespace } = body.metadata;
      const path = resourcePath({ group: 'events.k8s.io', version: 'v1', resource: 'events', namespace });
      await turns.run(() => client.request({ method: 'POST', path, body, signal }), signal);
    } catch (error) {
      counted.delete(same); // The next time it may work.
      observe({ kind: 'failed', event, error });
    }
  }

  function record(event: RecordedEvent): void {
    if (isClosed) return;
    const { regarding, type, reason, action, note } = event;
    const subject = JSON.stringify([regarding.kind, regarding.namespace, regarding.name]);
    const same = JSON.stringify([subject, type, reason, action, note]);
    if (count(same) > 1) return;
    if (waiting.size >= mostWaiting || count(subject) > MOST_OF_ONE) {
      counted.delete(same);
      return observe({ kind: 'dropped', event });
    }
    const writing = write(event, same).finally(() => waiting.delete(writing));
    waiting.add(writing);
  }

  return Object.assign(record, {
    async close(): Promise<void> {
      isClosed = true;
      const closing = options.closingMilliseconds ?? CLOSING;
      const timer = setTimeout(() => ending.abort(new Error('the recorder was closed')), closing);
      await Promise.all(waiting);
      clearTimeout(timer);
    },
  });
}

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
function eventObject(event: RecordedEvent, { controller, instance }: EventRecorderOptions, now: Date) {
  const { regarding, type, reason, action, note } = event;
  const unique = `.${randomBytes(8).toString('hex')}`;
  const name = regarding.name.slice(0, LONGEST_NAME - unique.length);
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: {
      // What is about no namespace is kept in this one.
      namespace: regarding.namespace ?? 'default',
      name: `${DNS_NAME.test(name) ? name : 'tagpin'}${unique}`,
    },
    eventTime: microTime(now),
    reportingController: controller,
    reportingInstance: cut(instance, LONGEST_WORD),
    regarding,
    type,
    reason: cut(reason, LONGEST_WORD),
    action: cut(action, LONGEST_WORD),
    note: cut(note, LONGEST_NOTE),
  };
}

/** So many bytes of UTF-8 at most, without half a character. */
function cut(text: string, bytes: number): string {
  const whole = Buffer.from(text.toWellFormed());
  if (whole.length <= bytes) return whole.toString();
  let end = bytes - Buffer.byteLength('…');
  // 10xxxxxx goes on with a character.
  while (((whole[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end -= 1;
  return `${whole.toString('utf8', 0, end)}…`;
}
