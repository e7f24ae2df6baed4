import { type ParsedPolicy, type PolicyError, parsePolicy } from './schema.ts';
import { readDocument, type YamlDocument } from './yaml/document.ts';
import { placed } from './yaml/problem.ts';

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

/**
 * Reads a policy from a file that is the policy itself, or the manifest of the ConfigMap that holds it under `policy.yaml`.
 *
 * @returns the policy, or its errors with their places in the file. Where the ConfigMap writes the policy in another way than
 * as a literal block (`|`), places are those of the whole value, and the message says where in it.
 */
export function parsePolicyFile(text: string): ParsedPolicy {
  const read = readDocument(text);
  if (!read.ok || !isConfigMap(read.document.value)) return parsePolicy(text);
  const { document } = read;
  const path = ['data', POLICY_KEY];
  const inner = valueAt(valueAt(document.value, 'data'), POLICY_KEY);
  if (typeof inner !== 'string') {
    const message = `a ConfigMap holds its policy as text under ${POLICY_KEY}; this one has none`;
    return { ok: false, errors: [placed(path, document.placeOfKey(path), message)] };
  }
  return placedInFile(parsePolicy(inner), document, path);
}

function placedInFile(parsed: ParsedPolicy, document: YamlDocument, path: readonly string[]): ParsedPolicy {
  if (parsed.ok) return parsed;
  const block = document.placeOfBlock(path);
  const whole = document.placeOfValue(path);
  return {
    ok: false,
    errors: parsed.errors.map((error) => {
      const { line, column, message } = error;
      return block === null
        ? { path: error.path, ...whole, message: `${message} (line ${line}, column ${column} of ${POLICY_KEY})` }
        : { path: error.path, line: block.line + line - 1, column: block.column + column - 1, message };
    }),
  };
}

function isConfigMap(value: unknown): boolean {
  return valueAt(value, 'kind') === 'ConfigMap' && valueAt(value, 'apiVersion') === 'v1';
}

function valueAt(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}
