import { parseReview } from '../../core/admission/request.ts';
import { type AdmissionReview, refusal } from '../../core/admission/response.ts';
import { LONGEST_WARNING } from '../../core/admission/slot/outcome.ts';
import { checkPolicy } from '../../core/lint/policy-text.ts';
import { POLICY_CONFIG_MAP, POLICY_KEY, policyErrorLine } from '../../core/policy/manifest.ts';
import type { PolicyError } from '../../core/policy/schema.ts';
import { asObject, asString, property } from '../../core/workload/json.ts';
import type { Mutate } from '../mutate.ts';

/** People read these in a terminal. */
const MOST_ERRORS = 5;
const MOST_WARNINGS = 5;

/**
 * Judges the policy's ConfigMap when it is applied: a policy that is not valid is refused, with line, column and path of what
 * is wrong; what is valid and can never act is warned of. Other objects, and its deletion, are allowed. An answer never has a patch.
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
    const { problem, warnings } = isPolicy ? judge(property(property(object, 'data'), POLICY_KEY)) : FINE;
    const review = problem === null ? allowance(uid, warnings) : refusal(uid, 422, 'Invalid', problem);
    return { status: 200, review, record: null, namespace };
  };
}

interface Judgement {
  readonly problem: string | null;
  readonly warnings: readonly string[];
}

const FINE: Judgement = { problem: null, warnings: [] };

function judge(value: unknown): Judgement {
  const text = asString(value);
  if (text === null) {
    return { problem: `a ConfigMap holds its policy as text under ${POLICY_KEY}; this one has none`, warnings: [] };
  }
  const { parsed, warnings } = checkPolicy(text);
  if (parsed.ok) return { problem: null, warnings: warningLines(warnings) };
  const lines = parsed.errors.slice(0, MOST_ERRORS).map(policyErrorLine);
  const more = parsed.errors.length - lines.length;
  const problem = `the policy is not valid: ${lines.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
  return { problem, warnings: [] };
}

/** The API server cuts what is longer, and drops what is more, without a word. */
function warningLines(warnings: readonly PolicyError[]): readonly string[] {
  const isMany = warnings.length > MOST_WARNINGS;
  const shown = warnings.slice(0, isMany ? MOST_WARNINGS - 1 : MOST_WARNINGS).map((warning) => {
    const line = policyErrorLine(warning).replaceAll(/\s+/g, ' ');
    return line.length <= LONGEST_WARNING ? line : `${line.slice(0, LONGEST_WARNING - 1)}…`;
  });
  return isMany ? [...shown, `and ${warnings.length - shown.length} more: tagpin policy check FILE`] : shown;
}

function allowance(uid: string, warnings: readonly string[]): AdmissionReview {
  const response = { uid, allowed: true, ...(warnings.length > 0 && { warnings }) };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
}

function parseJson(body: Buffer): unknown {
  try {
    return asObject(JSON.parse(body.toString('utf8')));
  } catch {
    return null;
  }
}
