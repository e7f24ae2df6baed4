import { byDigest, canonicalName, canonicalText, type ImageReference, parseReference } from '../image/reference.ts';
import { isSystemUser } from '../policy/match.ts';
import type { Policy } from '../policy/schema.ts';
import { entriesFor } from '../signature/entries.ts';
import type { Verdict, Verification, VerifyEntry } from '../signature/verification.ts';
import { imageSlots, readSlot } from '../workload/slots.ts';
import type { AdmissionPlan } from './plan.ts';
import type { AdmissionRequest } from './request.ts';
import type { SlotOutcome } from './slot/outcome.ts';
import { floatingFindings, verdictFindings, withFindings } from './slot/verified-slot.ts';

/** A digest that has to be verified before a plan holds, by all `verify` entries that speak of its repository. */
export interface Demand {
  /** By digest alone. */
  readonly reference: ImageReference;
  readonly entries: readonly VerifyEntry[];
  /** `brief` where no request is refused for want of the answer: nobody waits long for what is only told. */
  readonly patience: 'full' | 'brief';
}

/** What came of demands, by their keys. */
export type Verifications = ReadonlyMap<string, Verification>;

/** What the policy's `verify` entries make of the plans of one request. */
export interface SignatureJudge {
  /** Is this image let in only where it verifies? Then a request must not go unanswered on its account. */
  readonly guards: (reference: ImageReference) => boolean;
  /** Refuses images without a digest, of which nothing can be verified: also before registries were asked for the rest. */
  readonly refuseFloating: (plan: AdmissionPlan) => AdmissionPlan;
  /** What a plan without open questions still needs; nothing where it is refused anyway. */
  readonly demands: (plan: AdmissionPlan) => readonly Demand[];
  /** The plan with the verdicts in it: denials, warnings, and what the audit log says of signatures. */
  readonly conclude: (plan: AdmissionPlan, verifications: Verifications) => AdmissionPlan;
}

/** As many as are resolved for one object (`questions.ts`), and for the same reason. */
const MOST_DEMANDS = 100;

/** Two demands with one key are one demand. */
export function demandKey({ reference }: Pick<Demand, 'reference'>): string {
  return canonicalText(reference);
}

/**
 * Reads a request into what judges its images by signatures. It judges whatever a plan has slots for, as `deny` rules do:
 * rewritten or left alone, mapped back or new.
 *
 * @returns null where the policy has no entries.
 */
export function judgeSignatures(request: AdmissionRequest, policy: Policy): SignatureJudge | null {
  if (policy.verify.length === 0) return null;
  const enforced = isSystemUser(policy, request.user) ? 'reported' : 'enforced';
  const known = new Map<string, JudgedImage | null>();
  const judged = ({ denial, source, image }: SlotOutcome): JudgedImage | null => {
    // Refused already, or not known yet what it becomes.
    if (denial !== null || source === 'pending') return null;
    const before = known.get(image);
    if (before !== undefined) return before;
    const found = readJudged(image, policy.verify);
    known.set(image, found);
    return found;
  };
  const isUnchanged = unchangedSince(request);

  return {
    guards: (reference) =>
      enforced === 'enforced' && entriesFor(policy.verify, reference).some(({ action }) => action === 'deny'),
    refuseFloating(plan) {
      const slots = plan.slots.map((outcome) => {
        const found = judged(outcome);
        if (found === null || found.digested !== null) return outcome;
        return withFindings(outcome, floatingFindings(outcome, found), enforced);
      });
      const isRefused = slots.some(({ denial }) => denial?.code === 403);
      return { ...plan, slots, questions: isRefused ? [] : plan.questions };
    },
    demands(plan) {
      if (isDenied(plan)) return [];
      const demands = new Map<string, Demand>();
      for (const outcome of plan.slots) {
        const found = judged(outcome);
        if (found === null || found.digested === null) continue;
        const { entries, digested: reference } = found;
        const mayRefuse =
          enforced === 'enforced' &&
          entries.some(({ action }) => action === 'deny') &&
          !isUnchanged(outcome, reference);
        const key = demandKey({ reference });
        const patience = mayRefuse || demands.get(key)?.patience === 'full' ? 'full' : 'brief';
        if (demands.has(key) || demands.size < MOST_DEMANDS) demands.set(key, { reference, entries, patience });
      }
      return [...demands.values()];
    },
    conclude(plan, verifications) {
      if (isDenied(plan)) return plan;
      const slots = plan.slots.map((outcome) => {
        const found = judged(outcome);
        if (found === null || found.digested === null) return outcome;
        const { digested: reference, entries } = found;
        const verification = verifications.get(demandKey({ reference }));
        const verdicts = entries.map((entry) => ({ entry, verdict: verdictOf(entry, verification) }));
        const standing = isUnchanged(outcome, reference) ? 'unchanged' : 'new';
        return withFindings(outcome, verdictFindings(outcome, { reference, verdicts, standing }), enforced);
      });
      return { ...plan, slots };
    },
  };
}

/** An image that entries speak of. */
interface JudgedImage {
  readonly reference: ImageReference;
  /** The same by digest alone; null where it floats. */
  readonly digested: ImageReference | null;
  readonly entries: readonly VerifyEntry[];
}

/** Null where no entry speaks of the image. */
function readJudged(image: string, verify: readonly VerifyEntry[]): JudgedImage | null {
  const parsed = parseReference(image);
  if (!parsed.ok) return null;
  const { reference } = parsed;
  const entries = entriesFor(verify, reference);
  if (entries.length === 0) return null;
  const { digest } = reference;
  return { reference, digested: digest === null ? null : byDigest(reference, digest), entries };
}

function isDenied(plan: AdmissionPlan): boolean {
  return plan.slots.some(({ denial }) => denial !== null);
}

/** Did the slot have this very digest of this repository before the request? Read when it is asked, as it rarely is. */
function unchangedSince({ kind, operation, oldObject }: AdmissionRequest) {
  let stored: ReadonlyMap<string, string> | null = null;
  return ({ slot }: SlotOutcome, reference: ImageReference): boolean => {
    if (kind === null || operation !== 'UPDATE' || oldObject === null) return false;
    stored ??= new Map(
      imageSlots(kind, oldObject)
        .map(readSlot)
        .map(({ key, reference: old }) => [key, old === null ? '' : `${canonicalName(old)}@${old.digest}`]),
    );
    return stored.get(slot.key) === canonicalText(reference);
  };
}

/** What was not asked is not verified. */
function verdictOf(entry: VerifyEntry, verification: Verification | undefined): Verdict {
  if (verification === undefined) return NOT_ASKED;
  return verification.verdicts.find((each) => each.entry === entry)?.verdict ?? NOT_ANSWERED;
}

const NOT_ASKED: Verdict = {
  kind: 'failed',
  code: 'NotAllowed',
  message: `one object may have ${MOST_DEMANDS} different images verified`,
};

const NOT_ANSWERED: Verdict = { kind: 'failed', code: 'InvalidResponse', message: 'nothing was said of this entry' };
