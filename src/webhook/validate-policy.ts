import { parseReview } from '../core/admission/request.ts';
import { type AdmissionReview, refusal } from '../core/admission/response.ts';
import { POLICY_CONFIG_MAP, POLICY_KEY, policyErrorLine } from '../core/policy/manifest.ts';
import { parsePolicy } from '../core/policy/schema.ts';
import { asObject, asString, property } from '../core/workload/json.ts';
import type { Mutate } from './mutate.ts';

/** People read these in a terminal. */
const MOST_ERRORS = 5;

/**
 * Judges the policy's ConfigMap when it is applied: a policy that is not valid is refused, with line, column and path of what
 * is wrong. Other objects, and its deletion, are allowed. An answer never has a patch.
 *
 * @param ownNamespace tagpin's own.
 */
export function createValidatePolicy(ownNamespace: string): Mutate {
  return async (body) => {
    const parsed = parseReview(parseJson(body));
    if (!parsed.ok) {
      const review = refusal(parsed.uid, 400, 'BadRequest', parsed.problem);
      return { status: 400, review, record: null, namespace: null };
    }
    const { uid, kindName, namespace, name, operation, object } = parsed.request;
    const isPolicy =
      kindName === 'ConfigMap' && namespace === ownNamespace && name === POLICY_CONFIG_MAP && operation !== 'DELETE';
    const problem = isPolicy ? policyProblem(property(property(object, 'data'), POLICY_KEY)) : null;
    const review = problem === null ? allowance(uid) : refusal(uid, 422, 'Invalid', problem);
    return { status: 200, review, record: null, namespace };
  };
}

function policyProblem(value: unknown): string | null {
  const text = asString(value);
  if (text === null) return `a ConfigMap holds its policy as text under ${POLICY_KEY}; this one has none`;
  const parsed = parsePolicy(text);
  if (parsed.ok) return null;
  const lines = parsed.errors.slice(0, MOST_ERRORS).map(policyErrorLine);
  const more = parsed.errors.length - lines.length;
  return `the policy is not valid: ${lines.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

function allowance(uid: string): AdmissionReview {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: true } };
}

function parseJson(body: Buffer): unknown {
  try {
    return asObject(JSON.parse(body.toString('utf8')));
  } catch {
    return null;
  }
}
