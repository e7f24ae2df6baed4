import { policyText } from '../policy/manifest.ts';
import { type ParsedPolicy, parsePolicy } from '../policy/schema.ts';
import { readDocument } from '../policy/yaml/document.ts';
import { type PlacedProblem, placed } from '../policy/yaml/problem.ts';
import { lintPolicy } from './policy.ts';

/** A policy, or what is wrong with it; and what of a valid one can't act, in the order in which it stands there. */
export interface CheckedPolicy {
  readonly parsed: ParsedPolicy;
  readonly warnings: readonly PlacedProblem[];
}

/** Reads a policy and looks for what of it can't act. */
export function checkPolicy(text: string): CheckedPolicy {
  const parsed = parsePolicy(text);
  const read = parsed.ok ? readDocument(text) : null;
  if (!parsed.ok || read?.ok !== true) return { parsed, warnings: [] };
  const { document } = read;
  const warnings = lintPolicy(parsed.policy).map(({ path, message }) => {
    const isEntry = typeof path.at(-1) === 'number';
    return placed(path, isEntry ? document.placeOfValue(path) : document.placeOfKey(path), message);
  });
  return { parsed, warnings: warnings.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

/** The same of a file that is the policy itself, or the manifest of its ConfigMap; places are those in the file. */
export function checkPolicyFile(text: string): CheckedPolicy {
  const found = policyText(text);
  if (!found.ok) return { parsed: { ok: false, errors: found.errors }, warnings: [] };
  const { parsed, warnings } = checkPolicy(found.text);
  return {
    parsed: parsed.ok ? parsed : { ok: false, errors: parsed.errors.map(found.inFile) },
    warnings: warnings.map(found.inFile),
  };
}
