import assert from 'node:assert/strict';
import { type Policy, parsePolicy } from '../../src/core/policy/schema.ts';

/** Two lines that every policy begins with. */
const HEAD = 'apiVersion: tagpin.dev/v1\nkind: TagPolicy\n';

/** The policy of a text that lacks its first two lines. */
export function policyOf(body: string): Policy {
  const parsed = parsePolicy(HEAD + body);
  return parsed.ok ? parsed.policy : assert.fail(JSON.stringify(parsed.errors, null, 1));
}

/** What is wrong with such a text, `line:column path: message`; lines count from the first of the body. */
export function errorsOf(body: string): readonly string[] {
  const parsed = parsePolicy(HEAD + body);
  return parsed.ok
    ? []
    : parsed.errors.map((error) => `${error.line - 2}:${error.column} ${error.path}: ${error.message}`);
}

/** RFC 8410, 10.1. */
const ED25519 = 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=';

/** PEM whose content is a public key, or DER of no meaning. */
export function pemOf(label: string): string {
  return `-----BEGIN ${label}-----\n${label === 'PUBLIC KEY' ? ED25519 : 'MAMCAQE='}\n-----END ${label}-----\n`;
}
