import { type Demand, demandKey, type Verifications } from '../core/admission/verification.ts';
import type { Keychain } from '../core/image/credentials.ts';
import type { ImageReference } from '../core/image/reference.ts';
import type { ResolutionFailureCode } from '../core/image/resolution.ts';
import type { Verification, VerifyEntry } from '../core/signature/verification.ts';

/** Learns whose signatures a digest carries; never rejects for what registries or signatures do. */
export type VerifyImage = (question: {
  /** With a digest. */
  readonly reference: ImageReference;
  readonly entries: readonly VerifyEntry[];
  readonly keychain: Keychain;
  /** Whose share of the registry's patience this is: the namespace. */
  readonly limit: string;
  readonly signal: AbortSignal;
}) => Promise<Verification>;

/** For whom images are verified. */
export interface VerifyContext {
  readonly keychain: Keychain;
  readonly namespace: string;
  /** Aborted when the answer has to go out. */
  readonly budget: AbortSignal;
}

/**
 * How long is waited for what is only told, in milliseconds: Pods of Kubernetes' own controllers must not stand in a queue behind a
 * registry. What takes longer is remembered by the verifier for the next one who asks.
 */
const BRIEF = 2000;

/** Verifies all at once, each within its time: what came too late has failed with Timeout. */
export async function verifyImages(
  verify: VerifyImage,
  demands: readonly Demand[],
  { keychain, namespace, budget }: VerifyContext,
): Promise<Verifications> {
  // By hand: AbortSignal.any costs as much as all else that is done for a verdict which is remembered.
  const brief = new AbortController();
  const impatient = (): void => brief.abort();
  const timer = setTimeout(impatient, BRIEF);
  if (budget.aborted) impatient();
  else budget.addEventListener('abort', impatient, { once: true });
  const verifications = new Map<string, Verification>();
  try {
    await Promise.all(
      demands.map(async (demand) => {
        const { reference, entries, patience } = demand;
        const signal = patience === 'brief' ? brief.signal : budget;
        const question = { reference, entries, keychain, limit: namespace, signal };
        verifications.set(demandKey(demand), await inTime(verify(question), entries, signal));
      }),
    );
  } finally {
    clearTimeout(timer);
    budget.removeEventListener('abort', impatient);
  }
  return verifications;
}

async function inTime(
  asked: Promise<Verification>,
  entries: readonly VerifyEntry[],
  signal: AbortSignal,
): Promise<Verification> {
  const { promise, resolve } = Promise.withResolvers<Verification>();
  const late = (): void => resolve(unanswered(entries, 'Timeout', 'there was no answer in time'));
  if (signal.aborted) late();
  else signal.addEventListener('abort', late, { once: true });
  try {
    return await Promise.race([asked, promise]);
  } finally {
    signal.removeEventListener('abort', late);
    // Whoever loses may still fail: that is nobody's unhandled rejection.
    asked.catch(() => {});
  }
}

/** The same failure for all entries. */
export function unanswered(
  entries: readonly VerifyEntry[],
  code: ResolutionFailureCode,
  message: string,
): Verification {
  return { verdicts: entries.map((entry) => ({ entry, verdict: { kind: 'failed', code, message } })), signatures: [] };
}
