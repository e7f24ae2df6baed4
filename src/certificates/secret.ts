import { parseBundle, readAuthority } from './authority.ts';
import type { Authorities, RetiredAuthority } from './rotation.ts';

/** A Secret as it is read. */
export interface StoredSecret {
  /** Its resourceVersion. */
  readonly version: string;
  /** `Opaque`, `kubernetes.io/tls`, … */
  readonly type: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Decoded, as UTF-8. Must never be printed. */
  readonly data: Readonly<Record<string, string>>;
}

/** The Secret with the authorities. */
export interface CertificateSecret {
  /** `NAMESPACE/NAME`, for messages. */
  readonly name: string;
  /** Null where there is none. */
  readonly read: () => Promise<StoredSecret | null>;
  /**
   * Writes these keys of its data (null takes one out) and no others: only over that version, or only where there is no such
   * Secret (null). `conflict`: somebody else was faster.
   */
  readonly write: (
    changes: Readonly<Record<string, string | null>>,
    over: StoredSecret | null,
  ) => Promise<'written' | 'conflict'>;
}

/** What a Secret means to us. Problems say what is wrong, and hold no byte of a key. */
export type SecretReading =
  | { readonly kind: 'absent' }
  | { readonly kind: 'usable'; readonly authorities: Authorities }
  /** Replaced by a new authority; what can't be used stays in the Secret under other names. */
  | { readonly kind: 'unusable'; readonly problem: string }
  /** Somebody else's: never written. */
  | { readonly kind: 'foreign'; readonly problem: string };

/** What `rotation` holds, as JSON: what certificates themselves do not tell. */
interface RotationRecord {
  readonly nextPublished?: unknown;
  readonly previous?: Readonly<Record<string, { readonly retired?: unknown; readonly state?: unknown }>>;
}

/**
 * Reads our Secret: `ca.crt` and `ca.key` (who signs), `next-ca.crt` and `next-ca.key` (who will), `previous-ca.crt` (who did),
 * `rotation` (when).
 */
export function readSecret(secret: StoredSecret | null): SecretReading {
  if (secret === null) return { kind: 'absent' };
  const { type, annotations, data } = secret;
  const issuer = Object.keys(annotations).find((name) => name.startsWith('cert-manager.io/'));
  if (type !== 'Opaque' || issuer !== undefined) {
    const whose = issuer === undefined ? `its type is ${type}, not Opaque` : `it is cert-manager's (${issuer})`;
    return { kind: 'foreign', problem: `${whose}: use --certificates cert-manager, or delete it` };
  }
  const { 'ca.crt': certificate = '', 'ca.key': key = '' } = data;
  if (certificate === '' && key === '') return { kind: 'absent' };
  if (key === '' || certificate === '') {
    return {
      kind: 'unusable',
      problem: certificate === '' ? 'it has ca.key without ca.crt' : 'it has ca.crt without ca.key',
    };
  }
  const signing = readAuthority({ certificate, key });
  if (!signing.ok) return { kind: 'unusable', problem: `ca.crt: ${signing.problem}` };
  const next = readAuthority({ certificate: data['next-ca.crt'] ?? '', key: data['next-ca.key'] ?? '' });
  const record = parseRecord(data['rotation'] ?? '');
  return {
    kind: 'usable',
    authorities: {
      signing: signing.authority,
      next: next.ok ? next.authority : null,
      nextPublished: next.ok ? readDate(record.nextPublished) : null,
      previous: readPrevious(data['previous-ca.crt'] ?? '', record),
    },
  };
}

/** What `CertificateSecret.write` must write for `authorities`, over what was read. */
export function secretChanges(
  { signing, next, nextPublished, previous }: Authorities,
  over: StoredSecret | null,
): Readonly<Record<string, string | null>> {
  const record = {
    nextPublished: nextPublished?.toISOString() ?? null,
    previous: Object.fromEntries(
      previous.map(({ id, retired, state }) => [id, { retired: retired.toISOString(), state }]),
    ),
  };
  return {
    'ca.crt': signing.certificate,
    'ca.key': signing.key,
    'next-ca.crt': next?.certificate ?? null,
    'next-ca.key': next?.key ?? null,
    'previous-ca.crt': previous.length === 0 ? null : previous.map(({ certificate }) => certificate).join(''),
    rotation: JSON.stringify(record),
    ...setAside(over),
  };
}

/** What we can't use may be somebody's only copy. */
function setAside(over: StoredSecret | null): Readonly<Record<string, string>> {
  if (readSecret(over).kind !== 'unusable') return {};
  const kept = ['ca.crt', 'ca.key'].flatMap((name) => {
    const value = over?.data[name] ?? '';
    return value === '' ? [] : [[`unusable-${name}`, value] as const];
  });
  return Object.fromEntries(kept);
}

/** Without its record, nobody knows how long one is still needed: where it is, it is found in the caBundles. */
function readPrevious(pem: string, { previous = {} }: RotationRecord): readonly RetiredAuthority[] {
  return parseBundle(pem).authorities.flatMap((authority) => {
    const entry = Object.hasOwn(previous, authority.id) ? previous[authority.id] : undefined;
    const retired = readDate(entry?.retired);
    return retired === null
      ? []
      : [{ ...authority, retired, state: entry?.state === 'leaving' ? 'leaving' : 'trusted' }];
  });
}

function parseRecord(text: string): RotationRecord {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return {};
    const { nextPublished, previous } = value as RotationRecord;
    return { nextPublished, ...(typeof previous === 'object' && previous !== null && { previous }) };
  } catch {
    return {};
  }
}

function readDate(value: unknown): Date | null {
  const date = new Date(typeof value === 'string' ? value : Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date;
}
