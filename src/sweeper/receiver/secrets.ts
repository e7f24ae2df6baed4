import type { ReceiverType } from '../../core/receivers/receiver-type.ts';
import { type ReceiverSecret, readReceiverSecret } from '../../core/receivers/secret.ts';
import { withSignal } from '../../platform/deadline.ts';
import type { Log } from '../../platform/log.ts';

/** Who may send: a type, and the Secret that tells its senders from others. One type may stand there several times. */
export interface Receiver {
  readonly type: ReceiverType;
  /** The name of a Secret in tagpin's own namespace. */
  readonly secret: string;
}

/** The values of a Secret in tagpin's own namespace; null where there is none. Rejects where that can't be known now. */
export type ReadSecret = (name: string, signal: AbortSignal) => Promise<Readonly<Record<string, string>> | null>;

/** The Secrets of a type's receivers, as far as they are there and can be used. Never rejects. */
export type SecretsOf = (type: ReceiverType) => Promise<readonly ReceiverSecret[]>;

const SECOND = 1000;
/** Whoever floods a receiver must not have the API server asked as often. */
const KEEP = 30 * SECOND;
const READ_MILLISECONDS = 5 * SECOND;
/** How long a Secret that was read holds while the API server does not answer. */
const KEEP_WITHOUT_SERVER = 600 * SECOND;

type Data = Readonly<Record<string, string>> | null;

interface Kept {
  readonly data: Promise<Data>;
  readonly askedAt: number;
}

/** Reads Secrets when they are needed and keeps them for half a minute. @param now milliseconds of a clock that never goes back. */
export function createReceiverSecrets(options: {
  readonly receivers: () => readonly Receiver[];
  readonly read: ReadSecret;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly log: Log;
}): SecretsOf {
  const { receivers, read, now, signal, log } = options;
  const kept = new Map<string, Kept>();
  const lastGood = new Map<string, { readonly data: Data; readonly at: number }>();

  async function ask(name: string): Promise<Data> {
    try {
      const ended = AbortSignal.any([signal, AbortSignal.timeout(READ_MILLISECONDS)]);
      const data = await withSignal(read(name, ended), ended);
      lastGood.set(name, { data, at: now() });
      return data;
    } catch {
      const last = lastGood.get(name);
      return last !== undefined && now() < last.at + KEEP_WITHOUT_SERVER ? last.data : null;
    }
  }

  function dataOf(name: string): Promise<Data> {
    const known = kept.get(name);
    if (known !== undefined && now() < known.askedAt + KEEP) return known.data;
    const names = new Set(receivers().map(({ secret }) => secret));
    for (const old of kept.keys()) {
      if (names.has(old)) continue;
      kept.delete(old);
      lastGood.delete(old);
    }
    const data = ask(name);
    kept.set(name, { data, askedAt: now() });
    void data.then((value) => {
      for (const { type, secret } of receivers()) if (secret === name) tell(type, name, value);
    });
    return data;
  }

  function tell(type: ReceiverType, name: string, data: Data): void {
    const read = data === null ? null : readReceiverSecret(type, data);
    const problem = read === null ? 'there is no such Secret, or it can not be read' : read.ok ? null : read.problem;
    if (problem !== null) log.warn('the Secret of a receiver can not be used', { type, secret: name, problem });
  }

  return async (type) => {
    const names = receivers().filter((one) => one.type === type);
    const all = await Promise.all(names.map(({ secret }) => dataOf(secret)));
    return all.flatMap((data) => {
      const read = data === null ? null : readReceiverSecret(type, data);
      return read?.ok === true ? [read.secret] : [];
    });
  };
}
