import { type ParsedPolicy, type PolicyError, parsePolicy } from './schema.ts';
import { readDocument, type YamlDocument } from './yaml/document.ts';
import { type PlacedProblem, placed } from './yaml/problem.ts';

/** The ConfigMap that holds the policy, in tagpin's own namespace. */
export const POLICY_CONFIG_MAP = 'tagpin-policy';

/** The one beside it that keeps the text that was accepted last. */
export const ACCEPTED_CONFIG_MAP = 'tagpin-policy-accepted';

/** The key of both. */
export const POLICY_KEY = 'policy.yaml';

/** One error of such a ConfigMap's policy as compilers write it. */
export function policyErrorLine({ line, column, path, message }: PolicyError): string {
  return `${POLICY_KEY}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** A policy's text, and where what is said of it stands in the file. */
export type PolicyText =
  | { readonly ok: true; readonly text: string; readonly inFile: (problem: PlacedProblem) => PlacedProblem }
  | { readonly ok: false; readonly errors: readonly PolicyError[] };

/**
 * Finds the policy of a file that is the policy itself, or the manifest of the ConfigMap that holds it under `policy.yaml`. Where
 * the ConfigMap writes it in another way than as a literal block (`|`), places are those of the whole value, and the message says
 * where in it.
 */
export function policyText(text: string): PolicyText {
  const read = readDocument(text);
  if (!read.ok || !isConfigMap(read.document.value)) return { ok: true, text, inFile: (problem) => problem };
  const { document } = read;
  const path = ['data', POLICY_KEY];
  const inner = valueAt(valueAt(document.value, 'data'), POLICY_KEY);
  if (typeof inner === 'string') return { ok: true, text: inner, inFile: placesIn(document, path) };
  const message = `a ConfigMap holds its policy as text under ${POLICY_KEY}; this one has none`;
  return { ok: false, errors: [placed(path, document.placeOfKey(path), message)] };
}

/** Reads the policy of such a file: the policy, or its errors with their places in the file. */
export function parsePolicyFile(text: string): ParsedPolicy {
  const found = policyText(text);
  if (!found.ok) return found;
  const parsed = parsePolicy(found.text);
  return parsed.ok ? parsed : { ok: false, errors: parsed.errors.map(found.inFile) };
}

function placesIn(document: YamlDocument, path: readonly string[]): (problem: PlacedProblem) => PlacedProblem {
  const block = document.placeOfBlock(path);
  const whole = document.placeOfValue(path);
  return ({ path: of, line, column, message }) =>
    block === null
      ? { path: of, ...whole, message: `${message} (line ${line}, column ${column} of ${POLICY_KEY})` }
      : { path: of, line: block.line + line - 1, column: block.column + column - 1, message };
}

function isConfigMap(value: unknown): boolean {
  return valueAt(value, 'kind') === 'ConfigMap' && valueAt(value, 'apiVersion') === 'v1';
}

function valueAt(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}
