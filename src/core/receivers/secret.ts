import type { ReceiverType } from './receiver-type.ts';

/** What a Secret says about the sender of one receiver. */
export interface ReceiverSecret {
  /** What the sender shows or signs with: the current one and, while senders change, the one before. Never empty for types but `gar`. */
  readonly shared: readonly string[];
  /** The registry's hosts as users write them; none where the payload knows. */
  readonly registries: readonly string[];
  /** Whom Google must vouch for; null for other types than `gar`. */
  readonly google: { readonly audience: string; readonly email: string } | null;
}

export type ReadReceiverSecret =
  | { readonly ok: true; readonly secret: ReceiverSecret }
  /** One sentence without any value of the Secret. */
  | { readonly ok: false; readonly problem: string };

/** Argo CD Image Updater shortens these in its Secret. */
const SHORT_NAMES: Readonly<Partial<Record<ReceiverType, string>>> = {
  'docker.io': 'docker',
  'ghcr.io': 'ghcr',
  'quay.io': 'quay',
};

/**
 * Reads the Secret that `sweep.receivers` names. The secret stands under `secret`, the type's name, or the key of Image Updater's
 * Secret (`webhook.harbor-secret`); the one before it under `previous`; the registry's hosts, by commas or white space, under
 * `registry`. Type `gar` has `audience` and `email` instead, as the Pub/Sub subscription has them.
 */
export function readReceiverSecret(type: ReceiverType, data: Readonly<Record<string, string>>): ReadReceiverSecret {
  // Secrets made with `echo` end in a line break, which no header can hold.
  const text = (key: string): string => (Object.hasOwn(data, key) ? (data[key] ?? '').replace(/[\r\n]+$/, '') : '');
  const registries = text('registry')
    .split(/[\s,]+/)
    .filter((host) => host !== '');
  if (type === 'gar') {
    const [audience, email] = [text('audience').trim(), text('email').trim()];
    if (audience === '' || email === '') return { ok: false, problem: 'it needs the keys audience and email' };
    return { ok: true, secret: { shared: [], registries, google: { audience, email } } };
  }
  const keys = ['secret', type, `webhook.${type}-secret`, `webhook.${SHORT_NAMES[type] ?? type}-secret`];
  const current = keys.map(text).find((value) => value !== '');
  if (current === undefined) return { ok: false, problem: `it has nothing under the key secret or ${type}` };
  const shared = [current, text('previous')].filter((value) => value !== '');
  return { ok: true, secret: { shared, registries, google: null } };
}
