import type { Log } from '../platform/log.ts';
import { type Authority, parseBundle, readAuthority, type TrustedAuthority } from './authority.ts';
import { issueAuthority, issueServing } from './issue.ts';
import {
  type LiveConfiguration,
  misfits,
  ourWebhooks,
  revisionOf,
  trustProblem,
  type WebhookConfigurations,
  type WebhookFact,
  webhookFacts,
} from './live.ts';
import { startLoop } from './loop.ts';
import type { CertificatePair } from './pair.ts';
import {
  type Authorities,
  type AuthorityStep,
  bundleOf,
  CERTIFICATE_TIMES,
  type CertificateTimes,
  nextStep,
  type RotationView,
  withAuthority,
} from './rotation.ts';
import { type CertificateSecret, readSecret, type StoredSecret, secretChanges } from './secret.ts';
import { type Leaf, type ServingPair, servingStep } from './serving.ts';
import { createTeller, type Teller } from './teller.ts';

/** What is to be known of certificates, for metrics. */
export interface CertificateFacts {
  /** When what is served here ends; null while nothing is. */
  readonly servingExpires: Date | null;
  /** When the authority that signs ends; null where that is not known. */
  readonly authorityExpires: Date | null;
  readonly webhooks: readonly WebhookFact[];
}

/** Who sees to it that a certificate is there that API servers trust. */
export interface CertificateUpkeep {
  /** What is to be served; null before the first. */
  readonly current: () => ServingPair | null;
  /** Why API servers would not trust it; null where they do. */
  readonly problem: () => string | null;
  readonly stop: () => Promise<void>;
}

/** What an upkeep needs of its surroundings, whoever issues. */
export interface Surroundings {
  readonly secret: CertificateSecret;
  readonly configurations: WebhookConfigurations;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  /** Takes the first pair, and each that follows; at once, and without an exception. */
  readonly renewed: (pair: ServingPair) => void;
  readonly observe: (facts: CertificateFacts) => void;
  readonly times?: CertificateTimes;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export interface UpkeepNeeds extends Surroundings {
  /** The DNS names and addresses by which API servers call us, one at least. */
  readonly hosts: readonly string[];
  /** Issues on behalf of this module; for tests. */
  readonly issue?: { readonly authority: typeof issueAuthority; readonly serving: typeof issueServing };
}

/** Steps of a rotation follow each other within a round; more than these mean that others are at it. */
const MOST_TURNS = 8;
const SERVING_NAME = 'tagpin webhook';

const MESSAGES: Readonly<Record<Extract<AuthorityStep, { kind: 'store' }>['why'], string>> = {
  adopted: 'an authority that is still trusted was noted down, to be taken away later',
  published: 'the next authority is in every caBundle',
  promoted: 'the next authority signs from now on',
  leaving: 'an authority that has signed nothing in use is taken away',
  forgotten: 'an authority is gone',
};

/**
 * Runs the webhook's own authority: keeps the Secret, the serving certificate of this replica and both configurations'
 * caBundle, for ever, whatever it finds. Any number of replicas may do so together, and none of them leads: every write holds
 * only over what was read before.
 *
 * Nothing is thrown: what can't be done is told in the log, once, and tried again.
 */
export function startUpkeep(needs: UpkeepNeeds): CertificateUpkeep {
  const upkeep = new Upkeep(needs);
  const loop = startLoop({
    round: (signal) => upkeep.round(signal),
    every: upkeep.times.poll,
    watch: needs.configurations.watch,
    watched: (error) => upkeep.teller.watch(error),
  });
  return { current: () => upkeep.pair, problem: () => upkeep.problem(), stop: () => loop.stop() };
}

class Upkeep {
  readonly times: CertificateTimes;
  readonly teller: Teller;
  pair: ServingPair | null = null;
  readonly #needs: UpkeepNeeds;
  readonly #issue: NonNullable<UpkeepNeeds['issue']>;
  readonly #now: () => Date;
  #leaf: Leaf | null = null;
  /** As it was read last. */
  #secret: StoredSecret | null = null;
  /** The last that could be used, until the Secret is known to hold none; and when that was read. */
  #stored: Authorities | null = null;
  #readAt = new Date(0);
  #live: readonly LiveConfiguration[] | null = null;
  #liveSince = 0;
  #facts = '';

  constructor(needs: UpkeepNeeds) {
    const { now = Date.now } = needs;
    this.#needs = needs;
    this.times = needs.times ?? CERTIFICATE_TIMES;
    this.teller = createTeller(needs.log);
    this.#issue = needs.issue ?? { authority: issueAuthority, serving: issueServing };
    this.#now = () => new Date(now());
  }

  problem(): string | null {
    if (this.pair === null) return this.teller.first() ?? 'there is none yet';
    return trustProblem(this.#live, this.pair, this.#now());
  }

  async round(signal: AbortSignal): Promise<void> {
    for (let turn = 0; turn < MOST_TURNS && !signal.aborted; turn += 1) {
      const isKnown = await this.#readSecret();
      await this.#readLive();
      if (isKnown && (await this.#changeSecret())) continue;
      const hasChanged = await this.#repair();
      await this.#serve();
      this.#observe();
      if (!hasChanged) return;
    }
  }

  /** Is it known what the Secret holds, and is it ours to write? */
  async #readSecret(): Promise<boolean> {
    const { secret } = this.#needs;
    const readAt = this.#now();
    const isRead = await this.teller.attempt('the certificate Secret can not be read', secret.name, async () => {
      this.#secret = await secret.read();
    });
    if (!isRead) return false;
    const reading = readSecret(this.#secret);
    const problem = reading.kind === 'unusable' || reading.kind === 'foreign' ? reading.problem : null;
    this.teller.problem('the certificate Secret can not be used', secret.name, problem);
    // What is somebody else's says nothing about our authority.
    if (reading.kind === 'foreign') return false;
    this.#stored = reading.kind === 'usable' ? reading.authorities : null;
    this.#readAt = readAt;
    return true;
  }

  async #readLive(): Promise<void> {
    const { configurations } = this.#needs;
    await this.teller.attempt('the webhook configurations can not be read', '', async () => {
      const live = await configurations.read();
      if (this.#live === null || revisionOf(live) !== revisionOf(this.#live)) this.#liveSince = performance.now();
      this.#live = live;
    });
    this.teller.configurations(this.#live ?? []);
  }

  /** Does what is due. True where everything must be looked at again. */
  async #changeSecret(): Promise<boolean> {
    const { secret, log } = this.#needs;
    const step = nextStep(this.#view());
    if (step.kind === 'none') return false;
    let isOver = false;
    await this.teller.attempt('the certificate Secret can not be written', secret.name, async () => {
      const authorities =
        step.kind === 'store' ? step.authorities : withAuthority(step, this.#stored, await this.#makeAuthority());
      const outcome = await secret.write(secretChanges(authorities, this.#secret), this.#secret);
      isOver = true;
      if (outcome === 'conflict') return;
      const { signing, next } = authorities;
      const facts = { secret: secret.name, signing: shown(signing), next: next === null ? null : shown(next) };
      if (step.kind === 'store') log.info(MESSAGES[step.why], facts);
      else log.info(step.kind === 'create' ? 'a new authority was made' : 'the next authority was made', facts);
    });
    return isOver;
  }

  async #makeAuthority(): Promise<Authority> {
    const now = this.#now();
    // Certificates count in seconds, and so do people.
    const name = `tagpin webhook authority ${now.toISOString().slice(0, 19)}Z`;
    const notBefore = new Date(now.getTime() - 2 * this.times.skew);
    const notAfter = new Date(now.getTime() + this.times.authority);
    const made = readAuthority(await this.#issue.authority({ name, notBefore, notAfter }));
    if (!made.ok) throw new Error(`a new authority can not be used: ${made.problem}`);
    return made.authority;
  }

  /** Puts the caBundles right. True where any was wrong. */
  async #repair(): Promise<boolean> {
    const { configurations, log } = this.#needs;
    const wanted = bundleOf(this.#view());
    if (wanted.length === 0) return false;
    let hasChanged = false;
    for (const configuration of this.#live ?? []) {
      const webhooks = misfits(configuration, wanted);
      if (webhooks.length === 0) continue;
      const { kind, name } = configuration;
      await this.teller.attempt('a caBundle can not be written', `${kind} ${name}`, async () => {
        const caBundle = wanted.map(({ certificate }) => certificate).join('');
        const outcome = await configurations.write(configuration, webhooks, caBundle);
        hasChanged = true;
        if (outcome === 'conflict') return;
        log.info('caBundle written', { configuration: `${kind} ${name}`, webhooks, authorities: wanted.map(shown) });
        this.teller.repaired(`${kind} ${name}`);
      });
    }
    return hasChanged;
  }

  async #serve(): Promise<void> {
    const { hosts, log, renewed } = this.#needs;
    const step = servingStep(this.#view(), this.#leaf, this.#readAt);
    if (step.kind === 'keep') return;
    const { by, notBefore, notAfter } = step;
    await this.teller.attempt('no serving certificate can be made', '', async () => {
      const authority: CertificatePair = { certificate: by.certificate, key: by.key };
      const made = await this.#issue.serving({ authority, name: SERVING_NAME, hosts, notBefore, notAfter });
      const [leaf] = parseBundle(made.certificate).authorities;
      if (leaf === undefined) throw new Error('a new serving certificate can not be read');
      this.#leaf = {
        authority: by,
        notBefore: leaf.notBefore,
        notAfter: leaf.notAfter,
        issued: this.#now(),
        spread: Math.random(),
      };
      this.pair = { certificate: made.certificate, key: made.key, expires: leaf.notAfter };
      log.info('serving certificate made', { expires: leaf.notAfter.toISOString(), authority: shown(by) });
      renewed(this.pair);
    });
  }

  #view(): RotationView {
    const now = this.#now();
    return {
      stored: this.#stored,
      live: (this.#live ?? []).flatMap(ourWebhooks).map(({ caBundle }) => parseBundle(caBundle).authorities),
      liveFor: this.#live === null ? 0 : performance.now() - this.#liveSince,
      served: this.#leaf !== null && now < this.#leaf.notAfter ? this.#leaf.authority : null,
      now,
      times: this.times,
    };
  }

  #observe(): void {
    const facts: CertificateFacts = {
      servingExpires: this.pair?.expires ?? null,
      authorityExpires: this.#stored?.signing.notAfter ?? null,
      webhooks: webhookFacts(this.#live ?? [], this.pair, this.#now()),
    };
    const text = JSON.stringify(facts);
    if (text !== this.#facts) this.#needs.observe(facts);
    this.#facts = text;
  }
}

/** An authority as people tell it from another. */
function shown({ id, notAfter }: TrustedAuthority): string {
  return `${id.slice(0, 23)} until ${notAfter.toISOString()}`;
}
