import type { Digest } from '../image/digest.ts';
import type { ImageReference, PinFormat } from '../image/reference.ts';
import { type Decision, decide } from '../policy/decide.ts';
import { isSystemUser } from '../policy/match.ts';
import type { Policy } from '../policy/schema.ts';
import { valueAt } from '../workload/json.ts';
import type { WorkloadKind } from '../workload/kinds.ts';
import { PINS_ANNOTATION, type Pins, readPins } from '../workload/pins.ts';
import { isJobOfCronJob } from '../workload/standing.ts';
import { readStored, type Stored } from '../workload/stored.ts';
import { annotationOf, SKIP_ANNOTATION } from '../workload/targets.ts';
import type { Inquiry } from './questions.ts';
import type { AdmissionRequest } from './request.ts';
import type { Warning } from './slot/outcome.ts';

/** What is known besides the request. */
export interface PlanFacts {
  readonly policy: Policy;
  readonly namespaceLabels: Readonly<Record<string, string>>;
}

/** What is read of a request once, however often it is planned. */
export interface RequestContext {
  /** What the policy says of a reference in this object. */
  readonly judge: (reference: ImageReference) => Decision;
  /** Denials are only reported: Kubernetes' own controllers must never be stopped. */
  readonly reportOnly: boolean;
  /** May `onUnresolved: deny` refuse this request? */
  readonly mayRefuseUnresolved: boolean;
  /** How many earlier pairs are remembered; 0 turns the memory off. */
  readonly history: number;
  /** Does the policy honour `tagpin.dev/skip`? */
  readonly honoursSkip: boolean;
  /** The annotation's value, where it is honoured. */
  readonly skip: string | null;
  /** What the object had before; nothing on CREATE. */
  readonly stored: Stored;
  /** The record that came with the request: a claim. */
  readonly submitted: Pins;
}

/** All that is known of a request while its slots are planned. */
export interface PlanContext extends RequestContext {
  readonly inquiry: Inquiry;
}

/** What a refresh found for one slot. */
export type RefreshVerdict =
  | { readonly kind: 'move'; readonly reference: ImageReference; readonly digest: Digest; readonly format: PinFormat }
  | { readonly kind: 'stay'; readonly warning: Warning | null }
  /** The registry has not been asked yet. */
  | { readonly kind: 'pending' };

/** What is known of a slot from elsewhere in its object. */
export interface SlotFacts {
  /** What a refresh found; null where none asks for this slot. */
  readonly verdict: RefreshVerdict | null;
  /** What its reference was moved to by a refresh of another slot; null where none was. */
  readonly moved: Digest | null;
  /** What its reference meant when a container of the object ran it before; null where none did. */
  readonly memory: Digest | null;
}

/** Reads a request of a kind of ours into what its slots are planned with. */
export function readContext(request: AdmissionRequest, kind: WorkloadKind, facts: PlanFacts): RequestContext {
  const { policy, namespaceLabels } = facts;
  const { object, namespace } = request;
  const kinds = isJobOfCronJob(kind, object) ? [kind, 'CronJob'] : [kind];
  const reportOnly = isSystemUser(policy, request.user);
  const oldObject = request.operation === 'UPDATE' ? request.oldObject : null;
  const claim = annotationOf(object, PINS_ANNOTATION);
  const storedText = annotationOf(oldObject, PINS_ANNOTATION);
  const storedPins = readPins(storedText);
  return {
    judge: (reference) => decide(policy, { namespace, namespaceLabels, kinds, reference }),
    reportOnly,
    mayRefuseUnresolved: !reportOnly && request.subResource === '',
    history: policy.defaults.history,
    honoursSkip: policy.defaults.allowSkip,
    skip: policy.defaults.allowSkip ? skipValue(kind, object) : null,
    stored: readStored(kind, oldObject, storedPins),
    // Nearly every UPDATE sends the record that is stored.
    submitted: claim === storedText ? storedPins : readPins(claim),
  };
}

/** A CronJob is skipped as its Jobs are, by `jobTemplate.metadata`, and by its own metadata. */
export function skipValue(kind: WorkloadKind, object: unknown): string | null {
  const own = annotationOf(object, SKIP_ANNOTATION);
  const forJobs = kind === 'CronJob' ? annotationOf(valueAt(object, ['spec', 'jobTemplate']), SKIP_ANNOTATION) : null;
  return own !== null && forJobs !== null ? `${own},${forJobs}` : (own ?? forJobs);
}
