import { asObject, asString, elements, property } from '../../workload/json.ts';

/** Does a set of labels fit? */
export type MatchesLabels = (labels: unknown) => boolean;

export type CompiledSelector =
  | { readonly ok: true; readonly matches: MatchesLabels }
  | { readonly ok: false; readonly problem: string };

/**
 * Compiles a `metav1.LabelSelector`: all of `matchLabels` and of `matchExpressions` (In, NotIn, Exists, DoesNotExist) must hold. An
 * empty one fits everything.
 */
export function compileLabelSelector(selector: unknown): CompiledSelector {
  const all: MatchesLabels[] = [];
  for (const [key, value] of Object.entries(asObject(property(selector, 'matchLabels')) ?? {})) {
    if (typeof value !== 'string') return { ok: false, problem: `matchLabels ${key} is no text` };
    all.push((labels) => label(labels, key) === value);
  }
  for (const expression of elements(property(selector, 'matchExpressions'))) {
    const key = asString(property(expression, 'key')) ?? '';
    const operator = asString(property(expression, 'operator')) ?? '';
    const values = elements(property(expression, 'values'));
    const isThere: MatchesLabels = (labels) => label(labels, key) !== null;
    const isOne: MatchesLabels = (labels) => isThere(labels) && values.includes(label(labels, key));
    if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
      return { ok: false, problem: `matchExpressions ${key}: ${operator} wants values` };
    }
    if (operator === 'In') all.push(isOne);
    else if (operator === 'NotIn') all.push((labels) => !isOne(labels));
    else if (operator === 'Exists') all.push(isThere);
    else if (operator === 'DoesNotExist') all.push((labels) => !isThere(labels));
    else return { ok: false, problem: `matchExpressions ${key}: ${JSON.stringify(operator)} is no operator` };
  }
  return { ok: true, matches: (labels) => all.every((matches) => matches(labels)) };
}

function label(labels: unknown, key: string): string | null {
  return asString(property(labels, key));
}
