import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { hintKey } from '../../src/core/receivers/hint.ts';
import { createLog } from '../../src/platform/log.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import type { Receiver } from '../../src/sweeper/receiver/secrets.ts';
import { type ReceiverOptions, startReceivers } from '../../src/sweeper/receivers.ts';

/** Receivers on loopback with all that they need around them. */
export interface StartedReceivers {
  readonly address: string;
  /** The hints that came, as `registry/repository:tag`. */
  readonly hints: string[];
  /** The lines of the log. */
  readonly lines: string[];
  /** The Secrets by name; tests may change them before they are first read. */
  readonly secrets: Map<string, Readonly<Record<string, string>>>;
  /** Names of Secrets in the order in which they were read. */
  readonly reads: string[];
  /** How often keys were fetched. */
  keyFetches(): number;
  post(query: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<ReceiverAnswer>;
  metrics(): Promise<string>;
  close(): Promise<void>;
}

export interface ReceiverAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** Every type with a Secret of its name, whose secret is `open NAME`. */
export const RECEIVERS: readonly Receiver[] = (
  [
    'acr',
    'aliyun-acr',
    'cloudevents',
    'distribution',
    'docker.io',
    'ecr',
    'gar',
    'ghcr.io',
    'gitlab',
    'harbor',
    'quay.io',
  ] as const
).map((type) => ({ type, secret: `receiver-${type}` }));

/** What the Secret of type `gar` says, and what tokens of it must. */
export const GOOGLE = {
  audience: 'https://tagpin.example.com/webhook?type=gar',
  email: 'push@acme.iam.gserviceaccount.com',
};

/** Starts receivers of every type, or of those that the options say. */
export async function startTestReceivers(
  options: Partial<ReceiverOptions> & { readonly keys?: readonly object[] | 'away' } = {},
): Promise<StartedReceivers> {
  const { keys = [], ...given } = options;
  const hints: string[] = [];
  const lines: string[] = [];
  const reads: string[] = [];
  const metrics = createMetrics();
  let keyFetches = 0;
  const secrets = new Map<string, Readonly<Record<string, string>>>(
    RECEIVERS.map(({ type, secret }) => [secret, type === 'gar' ? GOOGLE : { secret: secretOf(type) }]),
  );
  const server = await startReceivers({
    listen: { host: '127.0.0.1', port: 0 },
    receivers: () => RECEIVERS,
    readSecret: async (name) => {
      reads.push(name);
      return secrets.get(name) ?? null;
    },
    hint: (hint) => hints.push(hintKey(hint)),
    fetchKeys: async () => {
      keyFetches += 1;
      if (keys === 'away') throw new Error('away');
      return { text: JSON.stringify({ keys }), maxAgeMilliseconds: null };
    },
    log: createLog('debug', (text) => lines.push(text)),
    metrics,
    times: { debounce: 20, pause: 100 },
    ...given,
  });
  return {
    address: server.address,
    hints,
    lines,
    secrets,
    reads,
    keyFetches: () => keyFetches,
    async post(query, body, headers = {}) {
      const answer = await fetch(`http://${server.address}/webhook${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        redirect: 'manual',
      });
      return { status: answer.status, text: await answer.text(), headers: answer.headers };
    },
    metrics: async () => (await metrics.text()).body,
    close: () => server.close(),
  };
}

/** The secret of a type's receiver. */
export function secretOf(type: Receiver['type']): string {
  return `open ${type}`;
}

/** `X-Hub-Signature-256` as GitHub makes it. */
export function signature(body: string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

/** A key pair, and its public half as it stands in a key set. */
export function tokenKey(id: string): { readonly key: KeyObject; readonly jwk: object } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { key: privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid: id, alg: 'RS256', use: 'sig' } };
}

/** A token as Google's, but for what is said. Times in seconds since 1970. */
export function googleToken(
  key: KeyObject,
  { header = {}, claims = {} }: { readonly header?: object; readonly claims?: object } = {},
): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const head = part({ alg: 'RS256', kid: 'one', typ: 'JWT', ...header });
  const body = part({
    aud: GOOGLE.audience,
    azp: '113774264463038321964',
    email: GOOGLE.email,
    email_verified: true,
    iat: now - 10,
    exp: now + 3600,
    iss: 'https://accounts.google.com',
    sub: '113774264463038321964',
    ...claims,
  });
  return `${head}.${body}.${sign('sha256', Buffer.from(`${head}.${body}`), key).toString('base64url')}`;
}
