import { type Planner, planAdmission } from '../core/admission/plan.ts';
import { type Question, questionKey } from '../core/admission/questions.ts';
import type { AdmissionRecord } from '../core/admission/record.ts';
import { type AdmissionRequest, parseReview } from '../core/admission/request.ts';
import { type AdmissionReview, answer, refusal } from '../core/admission/response.ts';
import { type Asked, type Unread, withUnread } from '../core/admission/unread.ts';
import { type Demand, demandKey, judgeSignatures, type Verifications } from '../core/admission/verification.ts';
import type { Keychain } from '../core/image/credentials.ts';
import type { ImageReference } from '../core/image/reference.ts';
import type { Resolution } from '../core/image/resolution.ts';
import { isSystemUser } from '../core/policy/match.ts';
import type { Policy } from '../core/policy/schema.ts';
import { type VerifyImage, verifyImages } from './verify-images.ts';

/** What one call of `/mutate` is answered with. */
export interface MutateResult {
  /** 400 where the body is no review that could be read; a review is answered all the same. */
  readonly status: 200 | 400;
  /** The AdmissionReview to send. */
  readonly review: AdmissionReview;
  /** The audit line; null for a dry run, and for a body that was no review. */
  readonly record: AdmissionRecord | null;
  /** The namespace asked about, null where it could not be read. */
  readonly namespace: string | null;
}

/**
 * Answers one AdmissionReview.
 *
 * @param body the request's body, at most 8 MiB.
 * @param budget how long registries may be asked: aborted when the answer has to go out.
 */
export type Mutate = (body: Buffer, budget: AbortSignal) => Promise<MutateResult>;

/** Learns what a reference means; never rejects for what a registry does. */
export type ResolveDigest = (question: {
  readonly reference: ImageReference;
  readonly keychain: Keychain;
  /** How old the answer may be; 0 asks past the cache. Without it, as old as the policy lets a recorded digest be. */
  readonly maxAgeMilliseconds?: number;
  /** Whose share of the registry's patience this is: the namespace. */
  readonly limit: string;
  /** Past that share, `send away` (default) rejects, and the whole review has to come again; `fail` gives RateLimited. */
  readonly pastLimit?: 'send away' | 'fail';
  readonly signal: AbortSignal;
}) => Promise<Resolution>;

/** What registries may be shown for one request, and what of it could not be had. */
export interface RequestCredentials {
  /** Read when a registry is asked, not before. */
  readonly credentials: Keychain;
  /** What could not be read, as far as it was tried. */
  readonly unread: () => readonly Unread[];
}

/** The labels of a namespace. */
export type Labels = Readonly<Record<string, string>>;

export interface MutateNeeds {
  readonly policy: () => Policy;
  readonly resolve: ResolveDigest;
  /** Asked where the policy has `verify` entries for an image, not otherwise. */
  readonly verify: VerifyImage;
  /** The labels, at once where they are known. Never rejects; past the budget, what is known then. */
  readonly namespaceLabels: (namespace: string, budget: AbortSignal) => Labels | Promise<Labels>;
  readonly keychain: (request: AdmissionRequest) => RequestCredentials;
}

/**
 * A plan asks at most for: a refresh; where that failed, whether a remembered digest is still there; where it is gone, the
 * tag. The last round finds every answer.
 */
const MOST_ROUNDS = 4;

/** Makes the decision behind `/mutate`. */
export function createMutate(needs: MutateNeeds): Mutate {
  return async (body, budget) => {
    const parsed = parseReview(parseJson(body));
    if (!parsed.ok) {
      const review = refusal(parsed.uid, 400, 'BadRequest', parsed.problem);
      return { status: 400, review, record: null, namespace: null };
    }
    const { request } = parsed;
    const policy = needs.policy();
    const plan = await finishPlan(request, policy, needs, budget);
    const { review, record } = answer(request, plan, isSystemUser(policy, request.user) ? 'quiet' : 'warn');
    return { status: 200, review, record: request.dryRun ? null : record, namespace: request.namespace };
  };
}

/** Plans, asks what is open, and plans again until nothing is. One policy holds for all rounds. */
async function finishPlan(request: AdmissionRequest, policy: Policy, needs: MutateNeeds, signal: AbortSignal) {
  const answers = new Map<string, Resolution>();
  const asked: Asked[] = [];
  const { credentials: keychain, unread } = needs.keychain(request);
  const labels = needs.namespaceLabels(request.namespace, signal);
  // No turn of the event loop is spent on what is there.
  const namespaceLabels = labels instanceof Promise ? await labels : labels;
  const signatures = judgeSignatures(request, policy);
  const planAll = planAdmission(request, { policy, namespaceLabels });
  const planWith: Planner = signatures === null ? planAll : (known) => signatures.refuseFloating(planAll(known));
  let plan = planWith(answers);
  for (let round = 0; plan.questions.length > 0; round += 1) {
    if (round === MOST_ROUNDS) throw new Error('a plan asked for more rounds than there are steps');
    const ask = async (question: Question) => {
      const { reference, freshness } = question;
      const age = freshness === 'past-cache' ? { maxAgeMilliseconds: 0 } : {};
      // Pods that are sent away too often are let in by their failurePolicy: none that has to be signed.
      const pastLimit = signatures?.guards(reference) === true ? 'fail' : 'send away';
      const asking = { reference, keychain, limit: request.namespace, pastLimit, signal, ...age } as const;
      const resolution = await needs.resolve(asking);
      answers.set(questionKey(question), resolution);
      asked.push({ reference, resolution });
    };
    await Promise.all(plan.questions.map(ask));
    plan = planWith(answers);
  }
  const demands = signatures?.demands(plan) ?? [];
  if (signatures !== null && demands.length > 0) {
    const context = { keychain, namespace: request.namespace, budget: signal };
    const verifications = await verifyImages(needs.verify, demands, context);
    plan = signatures.conclude(plan, verifications);
    asked.push(...failedVerifications(demands, verifications));
  }
  return withUnread(plan, asked, unread());
}

/** What registries refused to show of signatures, as if they had been asked for the image. */
function failedVerifications(demands: readonly Demand[], verifications: Verifications): readonly Asked[] {
  return demands.flatMap((demand) => {
    const verdicts = verifications.get(demandKey(demand))?.verdicts ?? [];
    const failed = verdicts.flatMap(({ verdict }) => (verdict.kind === 'failed' ? [verdict] : [])).at(0);
    if (failed === undefined) return [];
    return [{ reference: demand.reference, resolution: { ...failed, lastKnown: null } }];
  });
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}
