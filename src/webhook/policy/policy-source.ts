import type { Policy, PolicyError } from '../../core/policy/schema.ts';
import { createBackoff } from '../../platform/backoff.ts';
import { NotReady } from '../exchange.ts';
import {
  type AcceptedPolicy,
  decidePolicy,
  type PolicyDecision,
  type PolicyInForce,
  type PolicyOrigin,
  type SubmittedPolicy,
} from './policy-state.ts';

/** The text that was accepted last, as it is stored, and the version that a write must still find there. */
export interface StoredPolicy {
  readonly text: string | null;
  readonly version: string;
}

/** What there is to tell of the policy; each only when it is new. */
export type PolicyNews =
  /** The ConfigMap's text, or its absence, is what is in force. */
  | { readonly kind: 'valid' }
  | { readonly kind: 'in force'; readonly policy: Policy; readonly origin: PolicyOrigin }
  /** The ConfigMap's text is bad. `inForce` is null where nothing else is there. */
  | { readonly kind: 'refused'; readonly errors: readonly PolicyError[]; readonly inForce: PolicyOrigin | null }
  /** The ConfigMap is gone: the defaults hold when it does not come back. */
  | { readonly kind: 'gone'; readonly milliseconds: number }
  /** What was accepted last could not be read or stored; it is tried again. */
  | { readonly kind: 'failed'; readonly doing: 'read' | 'store'; readonly error: unknown };

export interface PolicySourceNeeds {
  /** The text of the policy's ConfigMap; null without a ConfigMap; undefined while nobody knows yet. */
  readonly submitted: () => { readonly text: string | null } | null | undefined;
  /** Null where there is no such ConfigMap. */
  readonly readAccepted: (signal: AbortSignal) => Promise<StoredPolicy | null>;
  /** Writes where `before` still holds, creates where it is null. `outrun`: somebody else wrote meanwhile. */
  readonly storeAccepted: (
    text: string,
    before: StoredPolicy | null,
    signal: AbortSignal,
  ) => Promise<StoredPolicy | 'outrun'>;
  readonly tell: (news: PolicyNews) => void;
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number;
  /** The first and the last bound of the wait after a failure, in milliseconds: 500 and 30000. */
  readonly backoffMilliseconds?: readonly [number, number];
}

/** The policy in force, kept by the cluster. */
export interface PolicySource {
  readonly policy: () => Policy | NotReady;
  /** Why there is none; null where there is. */
  readonly problem: () => string | null;
  /** The ConfigMap may be another one now. What it says is in force when this returns. */
  readonly changed: () => void;
  readonly stop: () => void;
}

const UNKNOWN = new NotReady('the ConfigMap of the policy is not read yet', 1);
const UNREAD = new NotReady('what was accepted as the policy before is not read yet', 1);
const UNFIT = new NotReady('the ConfigMap of the policy is not valid, and no policy was accepted before it', null);

/**
 * Keeps the policy in force: decides when something changes, reads and stores the accepted text, tells what is new. Every turn
 * looks at everything, so nothing is lost with a change that was not heard.
 */
export function startPolicySource(needs: PolicySourceNeeds): PolicySource {
  const { now, tell } = needs;
  const backoff = createBackoff(...(needs.backoffMilliseconds ?? [500, 30_000]));
  const ending = new AbortController();
  const { signal } = ending;
  let stored: StoredPolicy | null | undefined;
  let inForce: PolicyInForce | null = null;
  let missing = UNKNOWN;
  let absentSince: number | null = null;
  let isBusy = false;
  let timer: NodeJS.Timeout | undefined;
  const told = { inForce: '', refused: '', failed: '', isGone: false };

  /** Decides, and puts it in force. */
  function decide(): PolicyDecision['next'] {
    const current = needs.submitted();
    if (current === undefined) return { kind: 'nothing' };
    const wasThere = inForce !== null;
    absentSince = current === null ? (absentSince ?? now()) : null;
    const submitted: SubmittedPolicy =
      current === null
        ? { kind: 'absent', forMilliseconds: now() - (absentSince ?? now()) }
        : { kind: 'present', text: current.text };
    const decision = decidePolicy(submitted, acceptedOf(stored), inForce);
    inForce = decision.inForce;
    if (inForce === null) missing = decision.next.kind === 'nothing' ? UNFIT : UNREAD;
    report(decision, wasThere);
    return decision.next;
  }

  function report({ errors, next }: PolicyDecision, wasThere: boolean): void {
    const isGone = next.kind === 'wait';
    if (isGone && wasThere && !told.isGone) tell({ kind: 'gone', milliseconds: next.milliseconds });
    told.isGone = isGone;

    const bad = JSON.stringify(errors);
    // Whether anything else is there is known when the accepted text is.
    const isOpen = inForce === null && next.kind === 'read accepted' && told.failed === '';
    if (!isOpen && bad !== told.refused) {
      told.refused = bad;
      tell(errors.length > 0 ? { kind: 'refused', errors, inForce: inForce?.origin ?? null } : { kind: 'valid' });
    }

    const name = inForce === null ? '' : `${inForce.origin} ${inForce.text}`;
    const isNew = name !== told.inForce;
    told.inForce = name;
    const isSaid = isGone || (errors.length > 0 && wasThere);
    if (inForce !== null && isNew && !isSaid) {
      tell({ kind: 'in force', policy: inForce.policy, origin: inForce.origin });
    }
  }

  async function follow(next: PolicyDecision['next']): Promise<void> {
    isBusy = true;
    try {
      for (let step = next; !signal.aborted; step = decide()) {
        if (step.kind === 'nothing') return;
        if (step.kind === 'wait') return again(step.milliseconds);
        const doing = step.kind === 'read accepted' ? 'read' : 'store';
        try {
          if (step.kind === 'read accepted') stored = await needs.readAccepted(signal);
          else {
            const result = await needs.storeAccepted(step.text, stored ?? null, signal);
            stored = result === 'outrun' ? undefined : result;
            if (result === 'outrun') return again(backoff.next(null));
          }
          backoff.reset();
          told.failed = '';
        } catch (error) {
          if (signal.aborted) return;
          stored = undefined;
          const problem = `${doing} ${String(error)}`;
          if (problem !== told.failed) tell({ kind: 'failed', doing, error });
          told.failed = problem;
          return again(backoff.next(null));
        }
      }
    } finally {
      isBusy = false;
    }
  }

  function again(milliseconds: number): void {
    clearTimeout(timer);
    if (!signal.aborted) timer = setTimeout(changed, milliseconds).unref();
  }

  function changed(): void {
    if (signal.aborted) return;
    const next = decide();
    if (!isBusy) void follow(next);
  }

  return {
    policy: () => inForce?.policy ?? missing,
    problem: () => (inForce === null ? missing.message : null),
    changed,
    stop() {
      ending.abort();
      clearTimeout(timer);
    },
  };
}

function acceptedOf(stored: StoredPolicy | null | undefined): AcceptedPolicy {
  if (stored === undefined) return { kind: 'unread' };
  return stored === null || stored.text === null ? { kind: 'none' } : { kind: 'text', text: stored.text };
}
