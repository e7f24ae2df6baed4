import { isIP } from 'node:net';
import { parseBundle, parseChain, type TrustedAuthority } from './authority.ts';
import type { ServingPair } from './serving.ts';

/** One webhook of a configuration. */
export interface LiveWebhook {
  readonly name: string;
  /** PEM; empty where there is none. */
  readonly caBundle: string;
  /** The name that an API server wants to see in the certificate; null where the configuration has none. */
  readonly host: string | null;
}

/** A configuration as it is, or its absence. */
export interface LiveConfiguration {
  readonly kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration';
  readonly name: string;
  /** Null where there is none of that name. */
  readonly state: {
    /** Its resourceVersion. */
    readonly version: string;
    /** Another one after any change of its webhooks. */
    readonly revision: string;
    readonly webhooks: readonly LiveWebhook[];
    /** The annotation by which somebody else writes its caBundle; null where there is none. */
    readonly injector: string | null;
  } | null;
}

/** The configurations by which API servers know us. */
export interface WebhookConfigurations {
  /** Both of them, also where they are absent. */
  readonly read: () => Promise<readonly LiveConfiguration[]>;
  /** Writes the caBundle of these webhooks, over the version that was read only. `conflict`: it has changed meanwhile. */
  readonly write: (
    configuration: LiveConfiguration,
    webhooks: readonly string[],
    caBundle: string,
  ) => Promise<'written' | 'conflict'>;
  /** Tells of every change, until the signal. Rejects where that can't be done any more. */
  readonly watch: (changed: () => void, signal: AbortSignal) => Promise<void>;
}

/** Ours by name; the rest of a configuration is not ours to touch (product.md, section 2). */
export const OUR_WEBHOOKS: Readonly<Record<LiveConfiguration['kind'], readonly string[]>> = {
  MutatingWebhookConfiguration: ['workloads.tagpin.dev', 'pods.tagpin.dev'],
  ValidatingWebhookConfiguration: ['policy.tagpin.dev'],
};

/** How one of our webhooks is registered. */
export interface WebhookFact {
  readonly configuration: LiveConfiguration['kind'];
  readonly name: string;
  readonly registered: boolean;
  /** Would an API server trust what is served here? */
  readonly trusted: boolean;
}

/** The webhooks of a configuration that are ours. */
export function ourWebhooks({ kind, state }: LiveConfiguration): readonly LiveWebhook[] {
  return (state?.webhooks ?? []).filter(({ name }) => OUR_WEBHOOKS[kind].includes(name));
}

/** What tells apart two states of the configurations' webhooks. */
export function revisionOf(live: readonly LiveConfiguration[]): string {
  return live.map(({ state }) => state?.revision ?? '').join(' ');
}

/** Ours whose caBundle is not `wanted`, in whatever order and with whatever spaces. */
export function misfits(configuration: LiveConfiguration, wanted: readonly TrustedAuthority[]): readonly string[] {
  const ids = new Set(wanted.map(({ id }) => id));
  return ourWebhooks(configuration)
    .filter(({ caBundle }) => {
      const { authorities, isWhole } = parseBundle(caBundle);
      return !isWhole || authorities.length !== ids.size || !authorities.every(({ id }) => ids.has(id));
    })
    .map(({ name }) => name);
}

/** All of ours, registered or not. */
export function webhookFacts(
  live: readonly LiveConfiguration[],
  pair: ServingPair | null,
  now: Date,
): readonly WebhookFact[] {
  return live.flatMap((configuration) =>
    OUR_WEBHOOKS[configuration.kind].map((name) => {
      const webhook = ourWebhooks(configuration).find((one) => one.name === name);
      const trusted = webhook !== undefined && pair !== null && webhookProblem(webhook, pair, now) === null;
      return { configuration: configuration.kind, name, registered: webhook !== undefined, trusted };
    }),
  );
}

/**
 * Why API servers that admit workloads would not trust what is served here; null where they would. Only the mutating
 * configuration counts: without the other, policies are not checked early, and nothing else is wrong.
 */
export function trustProblem(live: readonly LiveConfiguration[] | null, pair: ServingPair, now: Date): string | null {
  if (live === null) return 'the webhook configuration has not been read yet';
  const mutating = live.filter(({ kind }) => kind === 'MutatingWebhookConfiguration');
  for (const configuration of mutating) {
    const { kind, name, state } = configuration;
    if (state === null) return `there is no ${kind} ${name}`;
    const webhooks = ourWebhooks(configuration);
    if (webhooks.length === 0) return `${kind} ${name} has none of ${OUR_WEBHOOKS[kind].join(', ')}`;
    for (const webhook of webhooks) {
      const problem = webhookProblem(webhook, pair, now);
      if (problem !== null) return `${kind} ${name}: ${webhook.name}: ${problem}`;
    }
  }
  return null;
}

/** As Go's crypto/x509 does it, from the certificate over those that came with it to one of the caBundle. */
function webhookProblem({ caBundle, host }: LiveWebhook, { certificate }: ServingPair, now: Date): string | null {
  const trusted = parseChain(caBundle).filter((one) => now >= one.validFromDate && now < one.validToDate);
  if (trusted.length === 0)
    return caBundle.trim() === '' ? 'its caBundle is empty' : 'nothing in its caBundle is valid';
  const [leaf, ...others] = parseChain(certificate);
  if (leaf === undefined) return 'there is no certificate';
  if (now >= leaf.validToDate) return `the certificate ended on ${leaf.validToDate.toISOString()}`;
  if (
    host !== null &&
    (isIP(host) === 0 ? leaf.checkHost(host, { subject: 'never' }) : leaf.checkIP(host)) === undefined
  ) {
    return `it is called as ${host}, and the certificate is for ${leaf.subjectAltName ?? 'no name'}`;
  }
  let last = leaf;
  for (let length = 0; length <= others.length; length += 1) {
    const { fingerprint256 } = last;
    const isSignedBy = (issuer: typeof last): boolean => last.checkIssued(issuer) && last.verify(issuer.publicKey);
    if (trusted.some((one) => one.fingerprint256 === fingerprint256 || isSignedBy(one))) return null;
    const issuer = others.find((one) => one.fingerprint256 !== fingerprint256 && isSignedBy(one));
    if (issuer === undefined) break;
    last = issuer;
  }
  return 'its caBundle does not hold the authority of the certificate that is served';
}
