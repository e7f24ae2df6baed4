import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ReceiverType } from '../../core/receivers/receiver-type.ts';
import type { ReceiverSecret } from '../../core/receivers/secret.ts';

/** What of a request may show who sent it. */
export interface Credentials {
  /** A header's value by its lower-case name; null where it is missing. */
  readonly header: (name: string) => string | null;
  /** A parameter of the URL; null where it is missing. */
  readonly parameter: (name: string) => string | null;
}

/**
 * How a sender proves itself: it shows a secret in one of these places, it signs the body with it, or Google vouches for it. Where
 * a sender can do better than a secret in the URL, that is not taken.
 */
export type Proof =
  | { readonly kind: 'shown'; readonly places: readonly Place[] }
  | { readonly kind: 'signature' }
  | { readonly kind: 'google' };

type Place = 'authorization' | 'x-webhook-secret' | 'x-gitlab-token' | 'url';

const SHOWN: readonly Place[] = ['authorization', 'x-webhook-secret', 'url'];

/** How senders of each type prove themselves. */
export const PROOFS: Readonly<Record<ReceiverType, Proof>> = {
  // Event Grid's handshake has no headers of one's own.
  acr: { kind: 'shown', places: SHOWN },
  'aliyun-acr': { kind: 'shown', places: ['url'] },
  cloudevents: { kind: 'shown', places: SHOWN },
  distribution: { kind: 'shown', places: ['authorization', 'x-webhook-secret'] },
  'docker.io': { kind: 'shown', places: ['url'] },
  ecr: { kind: 'shown', places: SHOWN },
  gar: { kind: 'google' },
  'ghcr.io': { kind: 'signature' },
  gitlab: { kind: 'shown', places: ['x-gitlab-token', 'authorization'] },
  harbor: { kind: 'shown', places: ['authorization'] },
  'quay.io': { kind: 'shown', places: ['url'] },
};

/** The first of these Secrets whose secret a request shows in one of the places; null where it shows none of them. */
export function findShown(
  places: readonly Place[],
  credentials: Credentials,
  secrets: readonly ReceiverSecret[],
): ReceiverSecret | null {
  const shown = places.flatMap((place) => shownIn(place, credentials));
  return secrets.find(({ shared }) => shared.some((one) => shown.some((text) => isSame(text, one)))) ?? null;
}

/**
 * The first of these Secrets by whose secret `X-Hub-Signature-256` signs the body
 * (https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries); null where none does.
 */
export function findSigner(
  body: Uint8Array,
  { header }: Credentials,
  secrets: readonly ReceiverSecret[],
): ReceiverSecret | null {
  const signature = header('x-hub-signature-256') ?? '';
  const isSigner = (secret: string): boolean =>
    isSame(signature, `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  return secrets.find(({ shared }) => shared.some(isSigner)) ?? null;
}

/** Compares in a time that tells nothing but the length. */
function isSame(shown: string, secret: string): boolean {
  const [one, other] = [Buffer.from(shown), Buffer.from(secret)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** EventBridge's connections can only send Basic or a header, and some senders put `Bearer` before what they are given. */
function shownIn(place: Place, { header, parameter }: Credentials): readonly string[] {
  const text = place === 'url' ? parameter('secret') : header(place);
  if (text === null) return [];
  if (place !== 'authorization') return [text];
  const { scheme = '', rest = '' } = /^(?<scheme>bearer|basic) +(?<rest>\S.*)$/i.exec(text)?.groups ?? {};
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return [text, rest];
    case 'basic':
      return [text, passwordOf(rest)];
    default:
      return [text];
  }
}

function passwordOf(basic: string): string {
  const decoded = Buffer.from(basic, 'base64').toString('utf8');
  return decoded.slice(decoded.indexOf(':') + 1);
}
