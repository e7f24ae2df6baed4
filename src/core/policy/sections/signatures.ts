import * as z from 'zod';
import { imageGlob, mapping, objectName, optional, pattern, publicKeys, someOf, text, title } from './fields.ts';

/** One of a policy's `verify` entries: whose signature images must carry, and where the trust root is. */
export const verifySchema = mapping({
  name: title,
  images: someOf(imageGlob),
  action: z.enum(['deny', 'warn']).default('deny'),
  keys: z.array(publicKeys).default([]),
  identities: z
    .array(
      mapping({
        issuer: optional(text),
        issuerPattern: optional(pattern),
        subject: optional(text),
        subjectPattern: optional(pattern),
      }),
    )
    .default([]),
  trustRoot: z
    .union(
      [z.literal('public'), mapping({ configMap: objectName, key: text })],
      'must be public, or a mapping {configMap: NAME, key: KEY}',
    )
    .default('public'),
  transparencyLog: z.enum(['required', 'optional']).default('required'),
});
