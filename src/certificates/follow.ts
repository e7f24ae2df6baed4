import { createSecureContext } from 'node:tls';
import { type LiveConfiguration, trustProblem, webhookFacts } from './live.ts';
import { startLoop } from './loop.ts';
import { parsePair } from './pair.ts';
import { CERTIFICATE_TIMES } from './rotation.ts';
import type { StoredSecret } from './secret.ts';
import type { ServingPair } from './serving.ts';
import { createTeller } from './teller.ts';
import type { CertificateUpkeep, Surroundings } from './upkeep.ts';

/**
 * Serves what cert-manager issues: `tls.crt` and `tls.key` of the Secret, read again and again; nothing is ever written. A new
 * certificate is served when the live configuration trusts it, since cainjector may take a while; the one before serves until
 * then, as long as it is trusted itself.
 */
export function followSecret(needs: Surroundings): CertificateUpkeep {
  const { secret, configurations, log, renewed, now = Date.now, times = CERTIFICATE_TIMES } = needs;
  const teller = createTeller(log);
  const observe = observer(needs.observe);
  let live: readonly LiveConfiguration[] | null = null;
  let pair: ServingPair | null = null;

  async function round(): Promise<void> {
    await teller.attempt('the webhook configurations can not be read', '', async () => {
      live = await configurations.read();
    });
    let stored: StoredSecret | null = null;
    const isRead = await teller.attempt('the certificate Secret can not be read', secret.name, async () => {
      stored = await secret.read();
    });
    if (isRead) {
      const at = new Date(now());
      const reading = readServing(stored, at);
      teller.problem('the certificate Secret can not be used', secret.name, reading.problem);
      const next = reading.pair;
      if (next !== null && isBetter(next, pair, live, at)) {
        pair = next;
        log.info('certificate of the Secret is served', { secret: secret.name, expires: next.expires.toISOString() });
        renewed(next);
      }
    }
    observe(live, pair, new Date(now()));
  }

  const loop = startLoop({
    round,
    every: times.poll,
    watch: configurations.watch,
    watched: (error) => teller.watch(error),
  });
  return {
    current: () => pair,
    problem: () =>
      pair === null ? (teller.first() ?? 'there is none yet') : trustProblem(live, pair, new Date(now())),
    stop: () => loop.stop(),
  };
}

/**
 * Watches whether API servers trust what is served from elsewhere, from files, say; nothing is ever written.
 *
 * @param needs `served` gives what is served now.
 */
export function watchTrust(
  needs: Omit<Surroundings, 'secret' | 'renewed'> & { readonly served: () => ServingPair },
): Pick<CertificateUpkeep, 'problem' | 'stop'> {
  const { configurations, served, log, now = Date.now, times = CERTIFICATE_TIMES } = needs;
  const teller = createTeller(log);
  const observe = observer(needs.observe);
  let live: readonly LiveConfiguration[] | null = null;

  async function round(): Promise<void> {
    await teller.attempt('the webhook configurations can not be read', '', async () => {
      live = await configurations.read();
    });
    observe(live, served(), new Date(now()));
  }

  const loop = startLoop({
    round,
    every: times.poll,
    watch: configurations.watch,
    watched: (error) => teller.watch(error),
  });
  return { problem: () => trustProblem(live, served(), new Date(now())), stop: () => loop.stop() };
}

function isBetter(
  next: ServingPair,
  served: ServingPair | null,
  live: readonly LiveConfiguration[] | null,
  now: Date,
): boolean {
  if (served === null) return true;
  if (next.certificate === served.certificate && next.key === served.key) return false;
  return trustProblem(live, next, now) === null || trustProblem(live, served, now) !== null;
}

function readServing(
  secret: StoredSecret | null,
  now: Date,
): { readonly pair: ServingPair; readonly problem: null } | { readonly pair: null; readonly problem: string } {
  if (secret === null) return { pair: null, problem: 'there is none: has cert-manager issued the Certificate?' };
  const { 'tls.crt': certificate = '', 'tls.key': key = '' } = secret.data;
  if (certificate === '' || key === '') return { pair: null, problem: 'it has no tls.crt and tls.key yet' };
  const parsed = parsePair({ certificate, key });
  if (!parsed.ok) return { pair: null, problem: `tls.crt: ${parsed.problem}` };
  const expires = parsed.pair.certificate.validToDate;
  if (expires <= now) return { pair: null, problem: `tls.crt: it ended on ${expires.toISOString()}` };
  try {
    // The rest of a chain, and keys that are too weak to be served.
    createSecureContext({ cert: certificate, key });
  } catch {
    return { pair: null, problem: 'tls.crt: it can not be served' };
  }
  return { pair: { certificate, key, expires }, problem: null };
}

/** Tells what has changed only. */
function observer(observe: Surroundings['observe']) {
  let last = '';
  return (live: readonly LiveConfiguration[] | null, pair: ServingPair | null, now: Date): void => {
    const webhooks = webhookFacts(live ?? [], pair, now);
    const facts = { servingExpires: pair?.expires ?? null, authorityExpires: null, webhooks };
    const text = JSON.stringify(facts);
    if (text !== last) observe(facts);
    last = text;
  };
}
