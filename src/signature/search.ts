import { setImmediate as breathe } from 'node:timers/promises';
import { canonicalName, type ImageReference } from '../core/image/reference.ts';
import type { FoundSignature, Verdict } from '../core/signature/verification.ts';
import {
  type Discovered,
  discoverBundles,
  discoverLegacy,
  legacyTag,
  type SignatureSources,
  type SourceQuestion,
} from './discover.ts';
import { type Demand, judgeSignature } from './verify.ts';

/** What a search has come to. */
export interface Looked {
  /** In the order of the demands. */
  readonly verdicts: readonly Verdict[];
  readonly signatures: readonly FoundSignature[];
}

/** What a reason tells of; the rest is counted. */
const MOST_TOLD = 3;

/** Why there is no verdict where the time was too short. */
export function tooLate({ registry }: ImageReference): Extract<Verdict, { kind: 'failed' }> {
  return {
    kind: 'failed',
    code: 'Timeout',
    message: `the signatures at ${registry} were not verified in time: try again later`,
  };
}

/**
 * Looks for signatures, bundles first, until every demand is met by one that holds or there are no more; for `everything` it goes on.
 *
 * @param question its reference has a digest.
 */
export async function look(
  sources: SignatureSources,
  question: SourceQuestion & { readonly wanted: 'verdicts' | 'everything' },
  demands: readonly Demand[],
): Promise<Looked> {
  const { reference, wanted, signal } = question;
  const { digest } = reference;
  if (digest === null) throw new Error('only a digest can be verified');
  const signatures: FoundSignature[] = [];
  const signers: (string | null)[] = demands.map(() => null);
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
      for (const [index, demand] of demands.entries()) {
        if (wanted === 'verdicts' && signers[index] !== null) continue;
        const { signer, checks, holds } = judgeSignature(one.material, digest, demand);
        if (holds) signers[index] ??= signer;
        signatures.push({ format: one.material.format, place: one.place, entry: demand.entry.name, signer, checks });
        if (isEnough()) break;
        // Each takes milliseconds of everybody's time.
        await breathe();
        if (signal.aborted) break;
      }
      if (isEnough()) break;
    }
  }
  const verdicts = signers.map((signer, index): Verdict => {
    if (signer !== null) return { kind: 'verified', signer };
    if (signal.aborted) return tooLate(reference);
    const failure = rest.find((one) => one.kind === 'failed');
    if (failure !== undefined) return failure;
    const name = demands[index]?.entry.name ?? '';
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
  const cut = rest.flatMap((one) => {
    if (one.kind === 'cut') return [`; of the ${one.format} signatures only ${one.lookedAt} were looked at`];
    return one.kind === 'attestations' ? [`; ${one.count} attestations of it are no signatures`] : [];
  });
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
