import type { AdmissionRecord } from '../core/admission/record.ts';

/** Writes one line; how soon is the log's own affair. */
export type WriteRecord = (message: string, facts: Readonly<Record<string, unknown>>) => void;

/** Whoever writes the object chooses how many containers it has. */
const MOST_IMAGES = 100;

/**
 * Makes the audit log: one line for each decision.
 *
 * @param callers whether callers have shown a certificate, or only claim to be an API server.
 */
export function createAuditLog(callers: 'verified' | 'claimed', write: WriteRecord) {
  return (record: AdmissionRecord, seconds: number): void => {
    const { images } = record;
    write('admission', {
      ...record,
      images: (images.length > MOST_IMAGES ? images.slice(0, MOST_IMAGES) : images).map((image) => {
        const ref = withoutUser(image.ref);
        return ref === image.ref ? image : { ...image, ref };
      }),
      ...(images.length > MOST_IMAGES && { omitted: images.length - MOST_IMAGES }),
      ms: Math.round(seconds * 1e6) / 1000,
      caller: callers,
    });
  };
}

/** What stands before an `@` that begins no digest can be a password: references have no users, but people paste URLs. */
function withoutUser(reference: string): string {
  return reference.includes('@') && !/^[^@]*@[a-z0-9+._-]+:[0-9a-f]{32,}$/i.test(reference)
    ? reference.replace(/^.*@/s, '[redacted]@')
    : reference;
}
