import * as z from 'zod';
import { RECEIVER_TYPES } from '../../receivers/receiver-type.ts';
import { parseMessageTemplate } from '../../write-back/commit-text.ts';
import { NAMESPACE_GLOBS, TEXT_GLOBS } from '../grammar/glob.ts';
import { duration, glob, labels, mapping, objectName, optional, text } from './fields.ts';

const SECOND = 1000;
const DAY = 86_400 * SECOND;

/** The kinds that the sweeper writes. */
export const TARGET_KINDS = [
  'Application',
  'CronJob',
  'DaemonSet',
  'Deployment',
  'OCIRepository',
  'StatefulSet',
] as const;

/** `sweep` of a policy: how often the sweeper looks, what it may write, and how it commits. */
export const sweepSchema = mapping({
  interval: duration({ least: SECOND, most: DAY }).default(120 * SECOND),
  applicationNamespaces: z.array(glob(NAMESPACE_GLOBS)).default(['argocd']),
  imageUpdater: z.boolean().default(false),
  git: mapping({
    author: mapping({
      name: text.default('tagpin'),
      email: text.regex(/^[^\s<>@]+@[^\s<>@]+$/, 'is not an e-mail address').default('tagpin@example.com'),
    }).prefault({}),
    signing: optional(mapping({ secret: objectName, format: z.enum(['ssh', 'openpgp']) })),
    signOff: z.boolean().default(false),
    messageTemplate: z
      .string()
      .superRefine((written, context) => {
        const parsed = parseMessageTemplate(written);
        if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.problem });
      })
      .default(''),
  }).prefault({}),
  receivers: z.array(mapping({ type: z.enum(RECEIVER_TYPES), secret: objectName })).default([]),
  protect: z
    .array(
      mapping({
        kind: optional(z.enum(TARGET_KINDS)),
        project: optional(glob(TEXT_GLOBS)),
        namespaceLabels: optional(labels),
        repository: optional(glob(TEXT_GLOBS)),
        branch: optional(glob(TEXT_GLOBS)),
        path: optional(glob(TEXT_GLOBS)),
      }),
    )
    .default([]),
});
