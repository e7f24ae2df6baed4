import * as z from 'zod';
import { WORKLOAD_KINDS } from '../../workload/kinds.ts';
import { NAMESPACE_GLOBS, TAG_GLOBS, TEXT_GLOBS } from '../grammar/glob.ts';
import { glob, imageGlob, labels, mapping, optional, pattern, someOf, text, title, versionRange } from './fields.ts';

const action = z.enum(['pin', 'warn', 'deny', 'ignore']);
const format = z.enum(['digest', 'tag+digest']);
const onUnresolved = z.enum(['lastKnown', 'allow', 'deny']);

/** The earlier pairs that a pin record remembers per container; `pins.md` bounds the record's size. */
const LONGEST_HISTORY = 10;

/** `defaults` of a policy: what holds where no rule matches, and what no rule decides. */
export const defaultsSchema = mapping({
  action: action.default('pin'),
  format: format.default('digest'),
  onUnresolved: onUnresolved.default('lastKnown'),
  allowSkip: z.boolean().default(true),
  history: z.int().min(0).max(LONGEST_HISTORY).default(5),
  customControllers: z.enum(['skip', 'pin']).default('skip'),
  systemUsers: z
    .array(glob(TEXT_GLOBS))
    .default(['system:kube-controller-manager', 'system:serviceaccount:kube-system:*-controller']),
});

/** One of a policy's `rules`: every given field of `match` must match, and the first rule that does decides. */
export const ruleSchema = mapping({
  name: title,
  match: mapping({
    namespaces: optional(someOf(glob(NAMESPACE_GLOBS))),
    namespaceLabels: optional(labels),
    kinds: optional(someOf(z.enum(WORKLOAD_KINDS))),
    images: optional(someOf(imageGlob)),
    tags: optional(someOf(glob(TAG_GLOBS))),
    semver: optional(versionRange),
    tagPattern: optional(pattern),
  }).prefault({}),
  action,
  message: optional(text),
  format: optional(format),
  onUnresolved: optional(onUnresolved),
});
