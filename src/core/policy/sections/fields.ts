import * as z from 'zod';
import { formatDuration, parseDuration } from '../../duration.ts';
import { parseConstraint } from '../../version/constraint.ts';
import { type GlobAlphabet, globProblem } from '../grammar/glob.ts';
import { parseImageGlob } from '../grammar/image-glob.ts';
import { parsePattern } from '../grammar/pattern.ts';
import { pemProblem } from '../grammar/pem.ts';
import { publicKeyProblem } from '../grammar/public-key.ts';
import { type ParsedHost, parseHost, parseHostGlob } from '../host.ts';

/**
 * A mapping of known keys. An unknown one is an issue whose message lists the known ones, by which `describe-issue.ts` finds
 * the key that was meant.
 */
export function mapping<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : undefined),
  });
}

/** A key that may be absent, which is null in the value; a null that is written is refused. */
export function optional<Field extends z.ZodType>(field: Field) {
  return field.optional().transform((value) => value ?? null);
}

/** A list that has something in it: an empty condition would match nothing, and looks as if it matched all. */
export function someOf<Field extends z.ZodType>(field: Field) {
  return z.array(field).min(1);
}

/** Text that is not empty. */
export const text = z.string().min(1);

/** A name that is shown in warnings and audit lines: one line of at most 100 characters. */
export const title = z
  .string()
  .min(1)
  .max(100)
  .regex(/^\P{Cc}*$/u, 'must be one line');

/** A duration as Go writes it, in milliseconds. */
export function duration(limits: { readonly least: number; readonly most: number }) {
  return z.string().transform((written, context) => {
    const milliseconds = parseDuration(written);
    if (milliseconds === null) {
      context.addIssue(`${JSON.stringify(written)} is not a duration such as 10s, 1m30s or 2h`);
      return z.NEVER;
    }
    if (milliseconds < limits.least || milliseconds > limits.most) {
      context.addIssue(
        `${written} is not from ${formatDuration(limits.least)} to ${formatDuration(limits.most)}, as it must be`,
      );
    }
    return milliseconds;
  });
}

/** A glob of names that are made of a certain alphabet. */
export function glob(alphabet: GlobAlphabet) {
  return z.string().superRefine((written, context) => {
    const problem = globProblem(written, alphabet);
    if (problem !== null) context.addIssue(problem);
  });
}

/** A glob of images, its host made canonical. */
export const imageGlob = z.string().transform((written, context) => {
  const parsed = parseImageGlob(written);
  if (parsed.ok) return parsed.glob;
  context.addIssue(parsed.problem);
  return z.NEVER;
});

/** A host with an optional port, in canonical form. */
export const host = z.string().transform(hostReader(parseHost));

/** A glob of hosts, in canonical form. */
export const hostGlob = z.string().transform(hostReader(parseHostGlob));

/** A range of versions. */
export const versionRange = z.string().superRefine((written, context) => {
  const parsed = parseConstraint(written);
  if (!parsed.ok) context.addIssue(parsed.problem);
});

/** An RE2 pattern. */
export const pattern = z.string().superRefine((written, context) => {
  const parsed = parsePattern(written);
  if (!parsed.ok) context.addIssue(parsed.problem);
});

/** PEM blocks of certificates. */
export const certificates = z.string().superRefine((written, context) => {
  const problem = pemProblem(written, 'CERTIFICATE');
  if (problem !== null) context.addIssue(problem);
});

/** PEM blocks of public keys whose signatures can be verified. */
export const publicKeys = z.string().superRefine((written, context) => {
  const problem = publicKeyProblem(written);
  if (problem !== null) context.addIssue(problem);
});

/** The name of a Secret or ConfigMap: a DNS subdomain of RFC 1123. */
export const objectName = z
  .string()
  .regex(
    /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
    'is not an object name: lower-case letters, digits, "-" and "."',
  );

const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?$/;
const LABEL_KEY = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;

/** Labels that must all be there. */
export const labels = z
  .record(z.string(), z.string().regex(LABEL_VALUE, 'is not the value of a label'))
  .superRefine((written, context) => {
    for (const key of Object.keys(written)) {
      if (!LABEL_KEY.test(key)) context.addIssue({ code: 'custom', path: [key], message: 'is not the key of a label' });
    }
  });

function hostReader(parse: (text: string) => ParsedHost) {
  return (written: string, context: z.RefinementCtx) => {
    const parsed = parse(written);
    if (parsed.ok) return parsed.host;
    context.addIssue(parsed.problem);
    return z.NEVER;
  };
}
