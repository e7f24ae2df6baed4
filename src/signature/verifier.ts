import type { Keychain } from '../core/image/credentials.ts';
import { canonicalName, type ImageReference } from '../core/image/reference.ts';
import type { Verdict, Verification, VerifyEntry } from '../core/signature/verification.ts';
import { createCache } from '../platform/cache.ts';
import { withSignal } from '../platform/deadline.ts';
import { QueueFull } from '../platform/limiter.ts';
import { createDemands, type Demanded } from './demand.ts';
import type { SignatureSources } from './discover.ts';
import { type Looked, look, tooLate } from './search.ts';
import { createTurns } from './turns.ts';
import type { Demand } from './verify.ts';

/** What is asked, by whom, and until when. */
export interface VerifyQuestion {
  /** With a digest: what is signed is a digest. */
  readonly reference: ImageReference;
  readonly entries: readonly VerifyEntry[];
  /** Credentials to try in order; without any is tried last. It must not reject. */
  readonly keychain: Keychain;
  /** Whose share of the work this is, such as a namespace, whose pull secrets the keychain has: refusals are its own. */
  readonly limit?: string;
  /** `verdicts` (default) come from the memory too, and end the search; for `everything` all signatures are looked at. */
  readonly wanted?: 'verdicts' | 'everything';
  /** When the caller stops waiting. What others may wait for as well goes on. */
  readonly signal: AbortSignal;
}

/** Asks whether an image is signed as the entries want it. It rejects for programming errors only. */
export type VerifyImage = (question: VerifyQuestion) => Promise<Verification>;

/** What a verifier is made of. */
export interface VerifierOptions {
  readonly sources: SignatureSources;
  /** The text under a key of a ConfigMap that an entry names; it rejects where there is none. Null where no cluster is asked. */
  readonly readTrustRoot: ((configMap: string, key: string) => Promise<string>) | null;
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number;
  /** How long all requests for one answer may take, whoever waits for it: 8000. */
  readonly flightMilliseconds?: number;
}

/** Verifies signatures, and remembers what it found. */
export interface SignatureVerifier {
  readonly verify: VerifyImage;
}

/** As long as the resolver's: an admission call waits 10 s at most. */
const FLIGHT_MILLISECONDS = 8000;
/** A digest that is signed stays signed; about 500 bytes an entry: 5 MB. */
const VERIFIED_LIFE = 6 * 3_600_000;
const UNVERIFIED_LIFE = 30_000;
const FAILED_LIFE = 5000;
const MOST_VERDICTS = 10_000;
/**
 * A search holds ten megabytes where everything is as large as it may be. A host is asked by 8 at once, so that more searches of one
 * namespace would only wait there.
 */
const SEARCHES = { ofOne: 8, ofAll: 32, waiting: 1000 };

/** Failures that are the host's or the hour's, and nobody's credentials'. */
const SHARED_FAILURES: ReadonlySet<string> = new Set(['RateLimited', 'Unreachable', 'Timeout']);

/** Makes a verifier. */
export function createVerifier(options: VerifierOptions): SignatureVerifier {
  const { sources, now, flightMilliseconds = FLIGHT_MILLISECONDS } = options;
  const bounds = { maximumEntries: MOST_VERDICTS, now };
  const verified = createCache<Verdict>({ ...bounds, lifeMilliseconds: VERIFIED_LIFE });
  const unverified = createCache<Verdict>({ ...bounds, lifeMilliseconds: UNVERIFIED_LIFE });
  const failed = createCache<Verdict>({ ...bounds, lifeMilliseconds: FAILED_LIFE });
  const flights = createCache<Looked>({ maximumEntries: 1, lifeMilliseconds: 1, now });
  const turns = createTurns({ ...SEARCHES, now });
  const demands = createDemands({ readTrustRoot: options.readTrustRoot, now });

  function remember(keys: Keys, verdict: Verdict): void {
    switch (verdict.kind) {
      case 'verified':
        verified.set(keys.common, verdict);
        return;
      case 'unverified':
        unverified.set(keys.own, verdict);
        return;
      case 'failed':
        if (SHARED_FAILURES.has(verdict.code)) failed.set(keys.own, verdict);
    }
  }

  async function lookShared(question: VerifyQuestion, open: readonly Ready[]): Promise<Looked> {
    const { limit = '', wanted = 'verdicts' } = question;
    const key = JSON.stringify([wanted, ...open.map(({ keys }) => keys.own)]);
    const shared = flights.share(key, Number.NEGATIVE_INFINITY, async () => {
      const signal = AbortSignal.timeout(flightMilliseconds);
      const demanded = open.map(({ demand }) => demand);
      const search = (): Promise<Looked> => look(sources, { ...question, signal, wanted }, demanded);
      const looked = await turns.run(limit, search, signal).catch((error: unknown): Looked => {
        if (!signal.aborted && !(error instanceof QueueFull)) throw error;
        return { verdicts: open.map(() => (signal.aborted ? tooLate(question.reference) : BUSY)), signatures: [] };
      });
      looked.verdicts.forEach((verdict, index) => {
        const ready = open[index];
        if (ready !== undefined) remember(ready.keys, verdict);
      });
      return looked;
    });
    return await withSignal(shared.result, question.signal);
  }

  async function verify(question: VerifyQuestion): Promise<Verification> {
    const { reference, entries, limit = '', wanted = 'verdicts', signal } = question;
    if (reference.digest === null) throw new Error('only a digest can be verified');
    const subject = `${canonicalName(reference)}@${reference.digest}`;
    const states = await Promise.all(
      entries.map(async (entry): Promise<State> => {
        const demanded = await withSignal(demands.of(entry), signal).catch((error: unknown): Demanded => {
          if (!signal.aborted) throw error;
          return { kind: 'failed', verdict: tooLate(reference) };
        });
        if (demanded.kind === 'failed') return { kind: 'known', verdict: demanded.verdict };
        const common = `${subject} ${demanded.fingerprint}`;
        const keys = { common, own: JSON.stringify([common, limit]) };
        const known =
          wanted === 'everything'
            ? undefined
            : (verified.get(common) ?? unverified.get(keys.own) ?? failed.get(keys.own));
        return known === undefined
          ? { kind: 'open', ready: { demand: demanded.demand, keys } }
          : { kind: 'known', verdict: known };
      }),
    );
    const open = states.flatMap((state) => (state.kind === 'open' ? [state.ready] : []));
    const looked =
      open.length === 0
        ? NOTHING
        : await lookShared(question, open).catch((error: unknown): Looked => {
            if (!signal.aborted) throw error;
            return { verdicts: open.map(() => tooLate(reference)), signatures: [] };
          });
    const found = new Map(open.map((ready, index) => [ready, looked.verdicts[index]]));
    return {
      verdicts: entries.map((entry, index) => {
        const state = states[index];
        const verdict = state?.kind === 'open' ? found.get(state.ready) : state?.verdict;
        if (verdict === undefined) throw new Error('every entry has its verdict');
        return { entry, verdict };
      }),
      signatures: looked.signatures,
    };
  }

  return { verify };
}

interface Keys {
  /** Of the verdict that holds for everybody. */
  readonly common: string;
  /** Of one that may hang on who asked. */
  readonly own: string;
}

/** An entry that has to be asked about. */
interface Ready {
  readonly demand: Demand;
  readonly keys: Keys;
}

type State = { readonly kind: 'open'; readonly ready: Ready } | { readonly kind: 'known'; readonly verdict: Verdict };

const NOTHING: Looked = { verdicts: [], signatures: [] };
const BUSY: Verdict = {
  kind: 'failed',
  code: 'RateLimited',
  message: 'too many signatures are being verified: try again later',
};
