import type { ReadPayload } from '../../core/receivers/hint.ts';
import { readPayload } from '../../core/receivers/read.ts';
import { type ReceiverType, receiverType } from '../../core/receivers/receiver-type.ts';
import type { ReceiverSecret } from '../../core/receivers/secret.ts';
import { type Credentials, findShown, findSigner, PROOFS } from './authentication.ts';
import type { GoogleTokens } from './google-token.ts';
import type { HintQueue } from './hint-queue.ts';
import type { ReceiverMetrics, RequestResult } from './metrics.ts';
import type { SecretsOf } from './secrets.ts';

/** One request to `/webhook`. */
export interface Received extends Credentials {
  /** A question is whether one may send, without anything that is sent. */
  readonly kind: 'notification' | 'question';
  /** Reads the body to its end, at most once; a refusal where there is none to be had. */
  readonly body: () => Promise<{ readonly kind: 'read'; readonly bytes: Uint8Array } | BodyRefusal>;
}

/** Why there is no body. */
export interface BodyRefusal {
  readonly kind: 'too large' | 'compressed' | 'too many' | 'gone';
}

/** The answer to one request. */
export interface Reply {
  readonly type: ReceiverType | 'other';
  readonly result: RequestResult;
  readonly status: number;
  /** One line, or what a handshake asks for. */
  readonly answer: string | Readonly<Record<string, string>>;
  /** Why, for the log and not for the sender. No secrets, nothing of the payload. */
  readonly reason: string | null;
}

/** Takes a notification: who sent it, what it says, and on with its hints. */
export type Receive = (received: Received) => Promise<Reply>;

/** Who was shown to have sent a request, and what else its Secret says. */
type Sender =
  | { readonly kind: 'known'; readonly secret: ReceiverSecret; readonly bytes: Uint8Array | null }
  | { readonly kind: 'stranger'; readonly reason: string }
  | BodyRefusal;

/** Makes the way from a request to its answer. Strangers hear the same whatever they ask. */
export function createReceive(options: {
  readonly secretsOf: SecretsOf;
  readonly google: GoogleTokens;
  readonly queue: HintQueue;
  readonly metrics: ReceiverMetrics;
}): Receive {
  const { secretsOf, google, queue, metrics } = options;

  async function identify(type: ReceiverType, received: Received): Promise<Sender> {
    const proof = PROOFS[type];
    const secrets = await secretsOf(type);
    const none = secrets.length === 0 ? 'no receiver of this type can be used' : null;
    switch (proof.kind) {
      case 'shown': {
        const secret = findShown(proof.places, received, secrets);
        return secret === null
          ? { kind: 'stranger', reason: none ?? 'it shows no secret, or a wrong one' }
          : { kind: 'known', secret, bytes: null };
      }
      case 'signature': {
        // Also where nobody could have signed it: that must not be faster.
        const body = await received.body();
        if (body.kind !== 'read') return body;
        const secret = findSigner(body.bytes, received, secrets);
        return secret === null
          ? { kind: 'stranger', reason: none ?? 'its signature is missing or wrong' }
          : { kind: 'known', secret, bytes: body.bytes };
      }
      case 'google': {
        const token = /^bearer +(?<token>\S+)$/i.exec(received.header('authorization') ?? '')?.groups?.['token'];
        if (none !== null || token === undefined) return { kind: 'stranger', reason: none ?? 'it has no token' };
        const accounts = secrets.flatMap((one) => (one.google === null ? [] : [one.google]));
        const checked = await google.check(token, accounts);
        const secret = checked.kind === 'good' ? secrets.find((one) => one.google === checked.account) : undefined;
        if (secret !== undefined) return { kind: 'known', secret, bytes: null };
        return { kind: 'stranger', reason: checked.kind === 'good' ? 'nobody' : `its token: ${checked.problem}` };
      }
    }
  }

  return async (received) => {
    const type = receiverType(received.parameter('type') ?? received.header('x-registry-type') ?? '');
    if (type === null) return stranger('other', 'there is no such type');
    const sender = await identify(type, received);
    if (sender.kind === 'stranger') return stranger(type, sender.reason);
    if (sender.kind !== 'known') return withoutBody(type, sender);
    if (received.kind === 'question') return { type, result: 'handshake', status: 200, answer: 'POST', reason: null };
    const body = sender.bytes === null ? await received.body() : { kind: 'read' as const, bytes: sender.bytes };
    if (body.kind !== 'read') return withoutBody(type, body);
    const parsed = parse(body.bytes, received.header('content-type'));
    if (parsed === null) return { ...invalid(type), answer: 'the body is not JSON in UTF-8' };
    const { registries } = sender.secret;
    const url = received.parameter('registry_url');
    const read = readPayload(type, {
      body: parsed.value,
      header: received.header,
      registries: registries.length > 0 || url === null ? registries : [url],
    });
    return answer(type, read);
  };

  function answer(type: ReceiverType, read: ReadPayload): Reply {
    switch (read.kind) {
      case 'refused':
        return { ...invalid(type), answer: `this is not what ${type} sends: ${read.problem}` };
      case 'handshake':
        return { type, result: 'handshake', status: 200, answer: read.answer, reason: null };
      case 'hints': {
        const results = read.hints.map((hint) => queue.add(hint));
        for (const result of results) metrics.hint(result);
        if (results.includes('refused')) return limited(type);
        const result = results.length === 0 ? 'ignored' : 'accepted';
        return { type, result, status: 202, answer: 'accepted', reason: null };
      }
    }
  }
}

/** The answer to who sends too much. */
export function limited(type: Reply['type']): Reply {
  return { type, result: 'limited', status: 429, answer: 'too much at once: try again', reason: 'too much at once' };
}

/** The same for types that are unknown, not configured, or have no Secret, and for secrets that are wrong. */
function stranger(type: Reply['type'], reason: string): Reply {
  return { type, result: 'unauthorized', status: 401, answer: 'unauthorized', reason };
}

function invalid(type: ReceiverType): Omit<Reply, 'answer'> {
  return { type, result: 'invalid', status: 400, reason: 'it is not what this sender sends' };
}

function withoutBody(type: ReceiverType, { kind }: BodyRefusal): Reply {
  switch (kind) {
    case 'too large':
      return { type, result: 'too large', status: 413, answer: 'the body is larger than 1 MiB', reason: kind };
    case 'compressed':
      return { type, result: 'invalid', status: 415, answer: 'send the body uncompressed', reason: kind };
    case 'too many':
      return limited(type);
    case 'gone':
      return { type, result: 'gone', status: 400, answer: 'the body did not come', reason: kind };
  }
}

/** GitHub's webhooks are forms with the JSON in a field, unless they are told otherwise. */
function parse(bytes: Uint8Array, contentType: string | null): { readonly value: unknown } | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const isForm = contentType?.toLowerCase().startsWith('application/x-www-form-urlencoded') === true;
    return { value: JSON.parse(isForm ? (new URLSearchParams(text).get('payload') ?? '') : text) as unknown };
  } catch {
    return null;
  }
}
