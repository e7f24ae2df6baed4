import { setImmediate as breathe } from 'node:timers/promises';
import type { Keychain } from '../core/image/credentials.ts';

import { canonicalName, type ImageReference } from '../core/image/reference.ts';
import type { FoundSignature, Verdict, Verification, VerifyEntry } from '../core/signature/verification.ts';
import { createCache } from '../platform/cache.ts';
import { withSignal } from '../platform/deadline.ts';
import { createDemands, type Demanded } from './demand.ts';
import { type Discovered, discoverBundles, discoverLegacy, legacyTag, type SignatureSources } from './discover.ts';
import { type Demand, judgeSignature } from './verify.ts';

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
/** Each holds a few requests and megabytes. */
const MOST_FLIGHTS = 200;
/** What a reason tells of; the rest is counted. */
const MOST_TOLD = 3;

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
    if (flights.loading >= MOST_FLIGHTS) return { verdicts: open.map(() => BUSY), signatures: [] };
    const { wanted = 'verdicts' } = question;
    const key = JSON.stringify([wanted, ...open.map(({ keys }) => keys.own)]);
    const shared = flights.share(key, Number.NEGATIVE_INFINITY, async () => {
      const signal = AbortSignal.timeout(flightMilliseconds);
      const looked = await look(sources, { ...question, signal }, open);
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

interface Looked {
  /** In the order of what was open. */
  readonly verdicts: readonly Verdict[];
  readonly signatures: readonly FoundSignature[];
}

const NOTHING: Looked = { verdicts: [], signatures: [] };
const BUSY: Verdict = {
  kind: 'failed',
  code: 'RateLimited',
  message: 'too many signatures are being verified: try again later',
};

function tooLate({ registry }: ImageReference): Extract<Verdict, { kind: 'failed' }> {
  return {
    kind: 'failed',
    code: 'Timeout',
    message: `the signatures at ${registry} were not verified in time: try again later`,
  };
}

/** Looks for signatures, bundles first, until every entry has one that holds or there are no more. */
async function look(sources: SignatureSources, question: VerifyQuestion, open: readonly Ready[]): Promise<Looked> {
  const { reference, wanted = 'verdicts', signal } = question;
  const { digest } = reference;
  if (digest === null) throw new Error('only a digest can be verified');
  const signatures: FoundSignature[] = [];
  const signers: (string | null)[] = open.map(() => null);
  const rest: Exclude<Discovered, { kind: 'signature' }>[] = [];
  const isEnough = (): boolean => wanted === 'verdicts' && signers.every((signer) => signer !== null);
  for (const discover of [discoverBundles, discoverLegacy]) {
    if (isEnough()) break;
    for await (const one of discover(sources, question)) {
      if (signal.aborted) break;
      if (one.kind !== 'signature') {
        rest.push(one);
        if (one.kind === 'unreadable') signatures.push(unread(one));
        continue;
      }
      for (const [index, { demand }] of open.entries()) {
        if (wanted === 'verdicts' && signers[index] !== null) continue;
        const { signer, checks, holds } = judgeSignature(one.material, digest, demand);
        if (holds) signers[index] ??= signer;
        signatures.push({ format: one.material.format, place: one.place, entry: demand.entry.name, signer, checks });
      }
      if (isEnough()) break;
      // Each takes milliseconds of everybody's time.
      await breathe();
    }
  }
  const verdicts = signers.map((signer, index): Verdict => {
    if (signer !== null) return { kind: 'verified', signer };
    if (signal.aborted) return tooLate(reference);
    const failure = rest.find((one) => one.kind === 'failed');
    if (failure !== undefined) return failure;
    const name = open[index]?.demand.entry.name ?? '';
    return { kind: 'unverified', reason: reasonOf(reference, signatures, { name, rest }) };
  });
  return { verdicts, signatures };
}

function unread({ format, place, reason }: Extract<Discovered, { kind: 'unreadable' }>): FoundSignature {
  return { format, place, entry: '', signer: 'unknown', checks: [{ name: 'readable', ok: false, reason }] };
}

function reasonOf(
  reference: ImageReference,
  signatures: readonly FoundSignature[],
  { name, rest }: { readonly name: string; readonly rest: readonly Discovered[] },
): string {
  const { digest } = reference;
  const mine = signatures.filter(({ entry }) => entry === name || entry === '');
  const cut = rest.flatMap((one) =>
    one.kind === 'cut' ? [`; of the ${one.format} signatures only ${one.lookedAt} were looked at`] : [],
  );
  if (mine.length === 0) {
    const where = digest === null ? '' : ` or under ${legacyTag(digest).slice(0, 19)}….sig`;
    return `no signature of it was found among its referrers${where} in ${canonicalName(reference)}${cut.join('')}`;
  }
  const told = mine.slice(0, MOST_TOLD).map(({ format, place, signer, checks }) => {
    const broken = checks.filter(({ ok }) => !ok).map((check) => `${check.name}: ${check.reason ?? 'does not hold'}`);
    return `${format} ${place} by ${signer}: ${broken.join(', ')}`;
  });
  const more = mine.length > told.length ? ` and ${mine.length - told.length} more` : '';
  const count = mine.length === 1 ? 'its only signature does not hold' : `none of its ${mine.length} signatures holds`;
  return `${count} (${told.join('; ')}${more})${cut.join('')}`;
}
