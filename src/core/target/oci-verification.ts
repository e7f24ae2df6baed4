import { parsePattern } from '../policy/grammar/pattern.ts';
import { pemProblem } from '../policy/grammar/pem.ts';
import type { VerifyEntry } from '../signature/verification.ts';
import { asString, elements, property, valueAt } from '../workload/json.ts';

/** What an OCIRepository's `spec.verify` asks of what Flux takes; names of Secrets in its own namespace. */
export interface ObjectVerification {
  /** Of the Secret every `*.pub` is a key, and one of them is enough; with it identities don't count. */
  readonly keySecret: string | null;
  /** Alternatives, as whole patterns. */
  readonly identities: readonly { readonly issuerPattern: string; readonly subjectPattern: string }[];
  /** Its `trusted_root.json` comes in the place of the public one. */
  readonly trustedRootSecret: string | null;
}

/** What the Secrets hold that a `spec.verify` names; null where it names none. */
export interface VerificationSecrets {
  readonly keys: Readonly<Record<string, string>> | null;
  readonly trustedRoot: Readonly<Record<string, string>> | null;
}

const TRUSTED_ROOT = 'trusted_root.json';
const MOST_KEYS = 20;
/** The largest keys of RSA that are in use have three thousand characters. */
const LARGEST_KEY = 16 * 1024;
const MOST_IDENTITIES = 50;

/**
 * Reads `spec.verify`.
 *
 * @param report is told what is wrong with it.
 * @returns null where there is none, or where something is wrong with it.
 */
export function readVerification(verify: unknown, report: (problem: string) => null): ObjectVerification | null {
  if (verify === null || verify === undefined) return null;
  const provider = asString(property(verify, 'provider')) ?? 'cosign';
  if (provider !== 'cosign') {
    return report(
      `spec.verify.provider: signatures of ${JSON.stringify(provider)} can not be verified: sign with cosign`,
    );
  }
  const named = (field: string): string | null => asString(valueAt(verify, [field, 'name'])) || null;
  const keySecret = named('secretRef');
  const written = keySecret === null ? elements(property(verify, 'matchOIDCIdentity')) : [];
  if (keySecret === null && written.length === 0) {
    return report(
      'spec.verify: it says neither by a secretRef nor by matchOIDCIdentity who may sign, so that everybody could: name somebody',
    );
  }
  if (written.length > MOST_IDENTITIES) {
    return report(`spec.verify.matchOIDCIdentity: there are more than ${MOST_IDENTITIES} of them`);
  }
  const identities: { issuerPattern: string; subjectPattern: string }[] = [];
  for (const [index, each] of written.entries()) {
    const [issuer, subject] = [asString(property(each, 'issuer')) ?? '', asString(property(each, 'subject')) ?? ''];
    for (const [field, pattern] of [
      ['issuer', issuer],
      ['subject', subject],
    ] as const) {
      const problem = patternProblem(pattern);
      if (problem !== null) return report(`spec.verify.matchOIDCIdentity[${index}].${field}: ${problem}`);
    }
    identities.push({ issuerPattern: wholePattern(issuer), subjectPattern: wholePattern(subject) });
  }
  return { keySecret, identities, trustedRootSecret: named('trustedRootSecretRef') };
}

/** Entries that say the same are the same object, by which who asks the same is found. */
const ENTRIES = new Map<string, VerifyEntry>();
const MOST_ENTRIES = 1000;
/** Characters of all that are kept. */
const MOST_TEXT = 4_000_000;
let kept = 0;
/** The public one has eight thousand characters. */
const LARGEST_ROOT = 128 * 1024;

/**
 * What a `spec.verify` asks, in the words of a policy. A key's signature needs no transparency log, as for Flux; a keyless one does.
 *
 * @param image the canonical name of what it is about.
 * @returns the entry, or what is wrong with the Secrets.
 */
export function verificationEntry(
  verification: ObjectVerification,
  secrets: VerificationSecrets,
  image: string,
): { readonly ok: true; readonly entry: VerifyEntry } | { readonly ok: false; readonly problem: string } {
  const { keySecret, identities, trustedRootSecret } = verification;
  const keys = keysOf(secrets.keys ?? {});
  if (keySecret !== null) {
    const problem = keyProblem(keys);
    if (problem !== null) return { ok: false, problem: `spec.verify.secretRef: Secret ${keySecret} ${problem}` };
  }
  const root = secrets.trustedRoot?.[TRUSTED_ROOT] ?? null;
  if (trustedRootSecret !== null && root === null) {
    const problem = `spec.verify.trustedRootSecretRef: Secret ${trustedRootSecret} has no ${TRUSTED_ROOT}`;
    return { ok: false, problem };
  }
  if (root !== null && root.length > LARGEST_ROOT) {
    const what = `has a ${TRUSTED_ROOT} of more than ${LARGEST_ROOT / 1024} KiB`;
    return { ok: false, problem: `spec.verify.trustedRootSecretRef: Secret ${trustedRootSecret} ${what}` };
  }
  const made: VerifyEntry = {
    name: 'spec.verify',
    images: [image],
    action: 'deny',
    keys: keys.map(([, key]) => key),
    identities: identities.map((identity) => ({ ...identity, issuer: null, subject: null })),
    trustRoot: root === null ? 'public' : { text: root },
    transparencyLog: keySecret === null ? 'required' : 'optional',
  };
  const text = JSON.stringify(made);
  const known = ENTRIES.get(text);
  if (known !== undefined) return { ok: true, entry: known };
  if (ENTRIES.size >= MOST_ENTRIES || kept + text.length > MOST_TEXT) {
    ENTRIES.clear();
    kept = 0;
  }
  ENTRIES.set(text, made);
  kept += text.length;
  return { ok: true, entry: made };
}

function keysOf(values: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(values).filter(([name]) => name.endsWith('.pub'));
}

/** Of keys only their names are told. */
function keyProblem(keys: readonly (readonly [string, string])[]): string | null {
  if (keys.length === 0) return 'has no key: each is an entry NAME.pub';
  if (keys.length > MOST_KEYS) return `has more than ${MOST_KEYS} keys`;
  for (const [name, text] of keys) {
    if (text.length > LARGEST_KEY) return `has a bad key: ${name} has more than ${LARGEST_KEY / 1024} KiB`;
    const problem = pemProblem(text, 'PUBLIC KEY');
    if (problem !== null) return `has a bad key: ${name} ${problem}`;
  }
  return null;
}

function patternProblem(pattern: string): string | null {
  for (const text of [pattern, wholePattern(pattern)]) {
    const parsed = parsePattern(text);
    if (!parsed.ok) return parsed.problem;
  }
  return null;
}

/**
 * Flux looks for its pattern anywhere in the text, unless it is anchored; what a policy's covers is the whole. The same in those
 * words: one that is anchored on both sides stays as it is.
 */
export function wholePattern(pattern: string): string {
  // With an alternation, a quotation or a flag an anchor may hold for a part of it only.
  const isPlain = /^\^[^|\\?]*(?:\\[^QEpP][^|\\?]*)*\$$/.test(pattern) && !pattern.endsWith('\\$');
  return isPlain ? pattern : `(?s:.*)(?:${pattern})(?s:.*)`;
}
