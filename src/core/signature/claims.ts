import { type Digest, digestAlgorithm } from '../image/digest.ts';

/** Does what was signed speak of this image, and as a signature? */
export type Claim = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** The type of a payload that cosign signs (`SIGNATURE_SPEC.md`, "Simple signing"). */
const SIMPLE_SIGNING_TYPE = 'cosign container image signature';
/** The payload type of a DSSE envelope whose payload is an in-toto Statement. */
const STATEMENT_PAYLOAD_TYPE = 'application/vnd.in-toto+json';
/** Versions of the Statement whose subjects are alike. */
const STATEMENT_TYPES: ReadonlySet<unknown> = new Set([
  'https://in-toto.io/Statement/v0.1',
  'https://in-toto.io/Statement/v1',
]);
/** What says that an image is signed. Any other predicate is an attestation: it tells something of the image, also that it is bad. */
const SIGNATURE_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';
/** A statement may have many subjects; more than these are not looked at. */
const MOST_SUBJECTS = 1000;
const LONGEST_QUOTE = 100;

/** Judges the payload of a legacy signature: the digest that it names has to be the image's, and its type that of a signature. */
export function judgeSimpleSigning(payload: string, digest: Digest): Claim {
  const critical = field(parse(payload), 'critical');
  if (critical === undefined) return refused('its payload is no simple signing document');
  const type = field(critical, 'type');
  if (type !== SIMPLE_SIGNING_TYPE) return refused(`its payload is of the type ${quote(type)}`);
  const named = field(field(critical, 'image'), 'docker-manifest-digest');
  return named === digest ? { ok: true } : refused(`its payload names the digest ${quote(named)}`);
}

/** Judges the payload of a bundle: an in-toto Statement that signs, and one of whose subjects is the image. */
export function judgeStatement(payloadType: string, payload: string, digest: Digest): Claim {
  if (payloadType !== STATEMENT_PAYLOAD_TYPE) return refused(`its payload is of the type ${quote(payloadType)}`);
  const statement = parse(payload);
  const type = field(statement, '_type');
  if (!STATEMENT_TYPES.has(type)) return refused(`its statement is of the type ${quote(type)}`);
  const predicate = field(statement, 'predicateType');
  if (predicate !== SIGNATURE_PREDICATE) return refused(`it attests ${quote(predicate)}, and is no signature`);
  const subjects = field(statement, 'subject');
  if (!Array.isArray(subjects)) return refused('its statement names no subject');
  const algorithm = digestAlgorithm(digest);
  const named = subjects.slice(0, MOST_SUBJECTS).map((subject) => field(field(subject, 'digest'), algorithm));
  if (named.some((hex) => typeof hex === 'string' && `${algorithm}:${hex}` === digest)) return { ok: true };
  return refused(`its statement names the digest ${quote(named[0])}`);
}

function refused(reason: string): Claim {
  return { ok: false, reason };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function quote(value: unknown): string {
  if (value === undefined) return '(none)';
  // What is nested a hundred thousand times deep is parsed, but not written again: the stack is not as deep.
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? '(a list)' : '(an object)';
  const text = JSON.stringify(typeof value === 'string' ? value.slice(0, LONGEST_QUOTE + 1) : value);
  return text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text;
}
