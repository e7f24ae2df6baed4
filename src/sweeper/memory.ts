import { formatTargetState, parseTargetState, type TargetState } from '../core/sweep/state.ts';

/** What earlier cycles stored, as texts by the targets' uids, as they were when it was opened. */
export interface StoredTexts {
  get(uid: string): string | null;
  uids(): Iterable<string>;
  /**
   * Stores texts, null to forget one.
   *
   * @returns why some were not stored, by uid: `outrun` where somebody else stored another text meanwhile.
   */
  write(texts: ReadonlyMap<string, string | null>, signal: AbortSignal): Promise<ReadonlyMap<string, NotStored>>;
}

export type NotStored = { readonly kind: 'outrun' } | { readonly kind: 'failed'; readonly message: string };

/** Reads what earlier cycles stored. @throws where that can't be known. */
export type OpenState = (signal: AbortSignal) => Promise<StoredTexts>;

/** What is remembered of the targets. */
export interface SweepState {
  get(uid: string): TargetState | null;
  /** Stores what is new in these states. */
  record(states: ReadonlyMap<string, TargetState>, signal: AbortSignal): Promise<ReadonlyMap<string, NotStored>>;
  /** Marks what is not there any more, and forgets it after a while. */
  forget(present: ReadonlySet<string>, now: number, signal: AbortSignal): Promise<void>;
}

/** An Application that follows nothing for a moment, or is out of the list, does not lose what ran before. */
const GONE_MILLISECONDS = 7 * 86_400_000;

/** Makes states of the stored texts. */
export function createSweepState(stored: StoredTexts): SweepState {
  return {
    get(uid) {
      const text = stored.get(uid);
      return text === null ? null : parseTargetState(text);
    },
    async record(states, signal) {
      const texts = [...states].map(([uid, state]) => [uid, formatTargetState(state)] as const);
      return await stored.write(new Map(texts.filter(([uid, text]) => isNews(uid, text))), signal);
    },
    async forget(present, now, signal) {
      const texts = new Map<string, string | null>();
      for (const uid of stored.uids()) {
        const text = present.has(uid) ? null : stored.get(uid);
        const state = text === null ? null : parseTargetState(text);
        // What is not ours to read is not ours to take away.
        if (state === null) continue;
        if (state.gone === null) texts.set(uid, formatTargetState({ ...state, gone: now }));
        else if (now - state.gone > GONE_MILLISECONDS) texts.set(uid, null);
      }
      if (texts.size > 0) await stored.write(texts, signal);
    },
  };

  /** Nothing is stored of a target of which nothing is known. */
  function isNews(uid: string, text: string): boolean {
    const before = stored.get(uid);
    return text !== before && (before !== null || !text.endsWith('"images":{}}'));
  }
}
