import * as z from 'zod';
import { findContradictions } from './contradictions.ts';
import { describeIssue, describeUnknownKey } from './describe-issue.ts';
import { mapping } from './sections/fields.ts';
import { registriesSchema } from './sections/registries.ts';
import { defaultsSchema, ruleSchema } from './sections/rules.ts';
import { verifySchema } from './sections/signatures.ts';
import { sweepSchema } from './sections/sweep.ts';
import { readDocument, type YamlDocument } from './yaml/document.ts';
import { type Path, type PlacedProblem, placed } from './yaml/problem.ts';

const policySchema = mapping({
  apiVersion: z.literal('tagpin.dev/v1'),
  kind: z.literal('TagPolicy'),
  defaults: defaultsSchema.prefault({}),
  rules: z.array(ruleSchema).default([]),
  registries: registriesSchema.prefault({}),
  verify: z.array(verifySchema).default([]),
  sweep: sweepSchema.prefault({}),
});

type Frozen<T> = T extends object ? { readonly [Key in keyof T]: Frozen<T[Key]> } : T;

/**
 * A policy that has been checked: the keys of its YAML with defaults filled in, deeply frozen. What is optional is null where
 * absent, durations are milliseconds, hosts and globs of images are in canonical form. Globs, ranges and patterns are texts
 * that are known to compile.
 */
export type Policy = Frozen<z.output<typeof policySchema>>;

/** One of a policy's rules. */
export type PolicyRule = Policy['rules'][number];

/** Which registries may be asked, and how; `allow` is null where every public address may be. */
export type RegistriesPolicy = Policy['registries'];

/** What a policy says about one registry. */
export type RegistryHostPolicy = RegistriesPolicy['hosts'][number];

/** One thing that is wrong with a policy; line and column count from 1. */
export type PolicyError = PlacedProblem;

export type ParsedPolicy =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly errors: readonly PolicyError[] };

/** What holds where there is no policy at all. */
export const DEFAULT_POLICY: Policy = deepFreeze(
  policySchema.parse({ apiVersion: 'tagpin.dev/v1', kind: 'TagPolicy' }),
);

/**
 * Reads a policy, a YAML document of kind TagPolicy (product.md, section 3).
 *
 * @returns the policy, or everything that is wrong with the text, in the order in which it stands there.
 */
export function parsePolicy(text: string): ParsedPolicy {
  const read = readDocument(text);
  return read.ok ? checkPolicy(read.document) : read;
}

function checkPolicy(document: YamlDocument): ParsedPolicy {
  const { value } = document;
  const result = policySchema.safeParse(value, { error: describeIssue });
  const errors = [
    ...document.problems,
    ...(result.error?.issues ?? []).flatMap((issue) => placeIssue(issue, document)),
    ...findContradictions(value).map(({ path, message }) => {
      // The entry of a list is where it begins; everything else is best found by its key.
      const isEntry = typeof path.at(-1) === 'number';
      return placed(path, isEntry ? document.placeOfValue(path) : document.placeOfKey(path), message);
    }),
  ];
  if (result.success && errors.length === 0) return { ok: true, policy: deepFreeze(result.data) };
  return { ok: false, errors: errors.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

function placeIssue(issue: z.core.$ZodIssue, document: YamlDocument): readonly PolicyError[] {
  const path = issue.path as Path;
  if (issue.code !== 'unrecognized_keys') return [placed(path, document.placeOfValue(path), issue.message)];
  const known = issue.message.split(' ');
  return issue.keys.map((key) =>
    placed([...path, key], document.placeOfKey([...path, key]), describeUnknownKey(key, known)),
  );
}

function deepFreeze<T>(value: T): Frozen<T> {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value as Frozen<T>;
}
