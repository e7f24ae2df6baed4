import {
  DEFAULT_POLICY,
  type ParsedPolicy,
  type Policy,
  type PolicyError,
  parsePolicy,
} from '../../core/policy/schema.ts';

/** What the policy's ConfigMap holds now. */
export type SubmittedPolicy =
  /** There is none, as has been known for so long. */
  | { readonly kind: 'absent'; readonly forMilliseconds: number }
  /** Null where it has no text under its key. */
  | { readonly kind: 'present'; readonly text: string | null };

/** What the ConfigMap of the accepted text holds, as far as it was read. */
export type AcceptedPolicy =
  | { readonly kind: 'unread' }
  | { readonly kind: 'none' }
  | { readonly kind: 'text'; readonly text: string };

/** Where the policy in force comes from: the ConfigMap, what was accepted of it earlier, or nowhere. */
export type PolicyOrigin = 'configmap' | 'accepted' | 'defaults';

/** The policy in force. */
export interface PolicyInForce {
  readonly policy: Policy;
  readonly text: string;
  readonly origin: PolicyOrigin;
}

/** What holds from now on, and what is to be done next; then it is decided anew. */
export interface PolicyDecision {
  /** Null where nothing is fit to be in force. */
  readonly inForce: PolicyInForce | null;
  /** What is wrong with the ConfigMap's text. */
  readonly errors: readonly PolicyError[];
  readonly next:
    | { readonly kind: 'nothing' }
    | { readonly kind: 'read accepted' }
    | { readonly kind: 'store accepted'; readonly text: string }
    /** The absence counts after so many milliseconds. */
    | { readonly kind: 'wait'; readonly milliseconds: number };
}

/**
 * Who deletes a ConfigMap and applies it again (`kubectl replace --force`, a tool that recreates) does not mean that nothing is
 * denied and no registry is known in between, so an absence counts when it has lasted for as long as that takes.
 */
export const ABSENCE_MILLISECONDS = 3000;

/** What is accepted where there is no ConfigMap: whoever starts later finds the same. */
export const DEFAULT_TEXT = 'apiVersion: tagpin.dev/v1\nkind: TagPolicy\n';

/**
 * Decides which policy is in force (product.md, section 3): the ConfigMap's; where that is bad, the last good one, which for a
 * process that just started is the accepted one; where there is no ConfigMap, the defaults.
 *
 * @param inForce what this process had in force until now; null where it just started.
 */
export function decidePolicy(
  submitted: SubmittedPolicy,
  accepted: AcceptedPolicy,
  inForce: PolicyInForce | null,
): PolicyDecision {
  if (submitted.kind === 'absent') return decideAbsence(submitted.forMilliseconds, accepted, inForce);
  const { text } = submitted;
  const parsed = text === null ? MISSING : parsePolicy(text);
  if (text !== null && parsed.ok) {
    // What is remembered by the policy object stays with the same text.
    const policy = inForce?.text === text ? inForce.policy : parsed.policy;
    return { inForce: { policy, text, origin: 'configmap' }, errors: [], next: storing(text, accepted) };
  }
  const errors = parsed.ok ? [] : parsed.errors;
  if (inForce !== null) return { inForce: asLastGood(inForce), errors, next: { kind: 'nothing' } };
  const last = lastAccepted(accepted);
  return { inForce: last, errors, next: { kind: accepted.kind === 'unread' ? 'read accepted' : 'nothing' } };
}

/** Without a text the ConfigMap is bad, not absent: somebody mistook its key. */
const MISSING: ParsedPolicy = {
  ok: false,
  errors: [{ line: 1, column: 1, path: '', message: 'the ConfigMap has no text under this key' }],
};

const DEFAULTS: PolicyInForce = Object.freeze({ policy: DEFAULT_POLICY, text: DEFAULT_TEXT, origin: 'defaults' });

function decideAbsence(
  forMilliseconds: number,
  accepted: AcceptedPolicy,
  inForce: PolicyInForce | null,
): PolicyDecision {
  if (forMilliseconds < ABSENCE_MILLISECONDS) {
    const held = inForce === null ? lastAccepted(accepted) : asLastGood(inForce);
    if (held === null && accepted.kind === 'unread') {
      return { inForce: null, errors: [], next: { kind: 'read accepted' } };
    }
    if (held !== null && held.origin !== 'defaults') {
      const milliseconds = ABSENCE_MILLISECONDS - forMilliseconds;
      return { inForce: held, errors: [], next: { kind: 'wait', milliseconds } };
    }
  }
  return { inForce: DEFAULTS, errors: [], next: storing(DEFAULT_TEXT, accepted) };
}

/** It is stored only where it differs, so that replicas that agree write once. */
function storing(text: string, accepted: AcceptedPolicy): PolicyDecision['next'] {
  switch (accepted.kind) {
    case 'unread':
      return { kind: 'read accepted' };
    case 'none':
      return { kind: 'store accepted', text };
    case 'text':
      return accepted.text === text ? { kind: 'nothing' } : { kind: 'store accepted', text };
  }
}

function lastAccepted(accepted: AcceptedPolicy): PolicyInForce | null {
  if (accepted.kind !== 'text') return null;
  if (accepted.text === DEFAULT_TEXT) return DEFAULTS;
  // An older or a newer tagpin may have accepted what this one can't.
  const parsed = parsePolicy(accepted.text);
  return parsed.ok ? { policy: parsed.policy, text: accepted.text, origin: 'accepted' } : null;
}

/** It is no longer what the ConfigMap says. */
function asLastGood(inForce: PolicyInForce): PolicyInForce {
  return inForce.origin === 'configmap' ? { ...inForce, origin: 'accepted' } : inForce;
}
