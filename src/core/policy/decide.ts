import type { PinFormat } from '../image/reference.ts';
import { type Condition, compileConditions, type Subject } from './match.ts';
import type { Policy, PolicyRule } from './schema.ts';

/** What a policy says about one image. */
export interface Decision {
  readonly action: 'pin' | 'warn' | 'deny' | 'ignore';
  /** The rule that decides; null where none matches and the defaults hold. */
  readonly rule: string | null;
  /** What the rule's author wants people to read; null where the rule has none. */
  readonly message: string | null;
  readonly format: PinFormat;
  readonly onUnresolved: 'lastKnown' | 'allow' | 'deny';
  /** One sentence: which rule matched by what, or that none did. */
  readonly reason: string;
}

interface CompiledRule {
  readonly name: string;
  readonly conditions: readonly Condition[];
  readonly decision: Decision;
}

interface CompiledPolicy {
  readonly rules: readonly CompiledRule[];
  readonly otherwise: Decision;
}

/** A policy is compiled once: reviews ask it by the thousand. */
const COMPILED = new WeakMap<Policy, CompiledPolicy>();

/** Decides about one image: the first rule whose every condition holds, else the defaults. */
export function decide(policy: Policy, subject: Subject): Decision {
  const { rules, otherwise } = compiled(policy);
  const rule = rules.find(({ conditions }) => conditions.every(({ holds }) => holds(subject)));
  return rule?.decision ?? otherwise;
}

/**
 * The same decision with a longer reason: what in the rule matched, or which conditions of each rule do not hold where none
 * does.
 */
export function explainDecision(policy: Policy, subject: Subject): Decision {
  const decision = decide(policy, subject);
  const rule = policy.rules.find(({ name }) => name === decision.rule);
  if (rule !== undefined) {
    const given = Object.entries(rule.match).flatMap(([field, value]) =>
      value === null ? [] : [`${field} ${JSON.stringify(value)}`],
    );
    return given.length === 0 ? decision : { ...decision, reason: `rule ${rule.name} matches by ${given.join(', ')}` };
  }
  if (policy.rules.length === 0) return decision;
  const misses = compiled(policy).rules.map(({ name, conditions }) => {
    const failed = conditions.filter(({ holds }) => !holds(subject)).map(({ field }) => field);
    return `${name} by ${failed.join(', ')}`;
  });
  return { ...decision, reason: `${decision.reason}; not matched: ${misses.join('; ')}` };
}

function compiled(policy: Policy): CompiledPolicy {
  const known = COMPILED.get(policy);
  if (known !== undefined) return known;
  const { action, format, onUnresolved } = policy.defaults;
  const reason = `${policy.rules.length === 0 ? 'there are no rules' : 'no rule matches'}, so defaults.action decides`;
  const made: CompiledPolicy = {
    rules: policy.rules.map((rule) => compileRule(rule, policy)),
    otherwise: { action, rule: null, message: null, format, onUnresolved, reason },
  };
  COMPILED.set(policy, made);
  return made;
}

function compileRule(rule: PolicyRule, { defaults }: Policy): CompiledRule {
  const conditions = compileConditions(rule.match);
  const fields = conditions.map(({ field }) => field);
  return {
    name: rule.name,
    conditions,
    decision: {
      action: rule.action,
      rule: rule.name,
      message: rule.message,
      format: rule.format ?? defaults.format,
      onUnresolved: rule.onUnresolved ?? defaults.onUnresolved,
      reason: `rule ${rule.name} matches ${fields.length === 0 ? 'everything' : `by ${fields.join(', ')}`}`,
    },
  };
}
