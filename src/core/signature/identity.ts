import type { RE2JS } from 're2js';
import { parsePattern } from '../policy/grammar/pattern.ts';
import type { VerifyEntry } from './verification.ts';

/** Whom a certificate was given to, as it says itself. */
export interface CertificateIdentity {
  /** The OpenID Connect issuer that vouched for the subject; null where the certificate names none. */
  readonly issuer: string | null;
  /** Every name: URIs, e-mail addresses, and other names of Fulcio (RFC 5280, 4.2.1.6). */
  readonly subjects: readonly string[];
}

/** One of an entry's `identities`: an issuer and a subject, each a text or a pattern. */
export type WantedIdentity = VerifyEntry['identities'][number];

/** Was a certificate given to somebody who is wanted? */
export type IdentityMatch =
  | { readonly ok: true; readonly subject: string; readonly issuer: string }
  | { readonly ok: false; readonly reason: string };

type Matches = (text: string) => boolean;

/** Compiling a pattern takes longer than matching it; identities live as long as their policy. */
const COMPILED = new WeakMap<WantedIdentity, { readonly issuer: Matches; readonly subject: Matches }>();
/** Names are URLs and addresses. Patterns take time with the length of what they are matched against, and whose it is is not known yet. */
const LONGEST_NAME = 2048;
const MOST_NAMES = 20;
/** What a message quotes of a name that somebody else chose. */
const LONGEST_QUOTE = 200;

/**
 * Looks for a wanted identity, of which one is enough. Issuer and subject have to fit together; every name of the certificate is
 * compared, since a certificate may carry several.
 *
 * A text has to be the same, and a pattern has to match the **whole** text, also where it does not say so with `^` and `$`. So
 * `github\.com/acme/.+` matches nothing of `https://evil-github.com/acme/x`; who means a part of a text writes `.*` around it.
 */
export function matchIdentity(identity: CertificateIdentity, wanted: readonly WantedIdentity[]): IdentityMatch {
  const { issuer } = identity;
  const subjects = identity.subjects.slice(0, MOST_NAMES);
  if (issuer === null) return { ok: false, reason: 'its certificate names no issuer' };
  if (subjects.length === 0) return { ok: false, reason: 'its certificate names nobody' };
  if ([issuer, ...subjects].some((name) => name.length > LONGEST_NAME)) {
    return { ok: false, reason: `its certificate has a name of more than ${LONGEST_NAME} characters` };
  }
  const ofIssuer = wanted.filter((one) => compiled(one).issuer(issuer));
  if (ofIssuer.length === 0) return { ok: false, reason: `the issuer ${quote(issuer)} is not a wanted one` };
  for (const subject of subjects) {
    if (ofIssuer.some((one) => compiled(one).subject(subject))) return { ok: true, subject, issuer };
  }
  const names = subjects.slice(0, 3).map(quote).join(', ');
  return { ok: false, reason: `the subject ${names} is not a wanted one of the issuer ${quote(issuer)}` };
}

function compiled(wanted: WantedIdentity): { readonly issuer: Matches; readonly subject: Matches } {
  const known = COMPILED.get(wanted);
  if (known !== undefined) return known;
  const made = {
    issuer: matcherOf(wanted.issuer, wanted.issuerPattern),
    subject: matcherOf(wanted.subject, wanted.subjectPattern),
  };
  COMPILED.set(wanted, made);
  return made;
}

/** Where neither is given, or the pattern is none, nothing matches. Where both are, both have to. */
function matcherOf(text: string | null, pattern: string | null): Matches {
  if (text === null && pattern === null) return () => false;
  const whole = pattern === null ? null : compile(pattern);
  if (whole === 'broken') return () => false;
  return (found) => (text === null || found === text) && (whole === null || whole.matches(found));
}

function compile(pattern: string): RE2JS | 'broken' {
  const parsed = parsePattern(pattern);
  return parsed.ok ? parsed.pattern : 'broken';
}

function quote(text: string): string {
  return JSON.stringify(text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text);
}
