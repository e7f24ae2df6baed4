import type { RegistryHint } from '../../core/receivers/hint.ts';
import { readSecretValues } from '../../kubernetes/secrets/secret-values.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { ListenAddress } from '../../platform/network/listen.ts';
import type { FetchedKeys } from '../../sweeper/receiver/google-token.ts';
import type { Receiver } from '../../sweeper/receiver/secrets.ts';
import { type ReceiverServer, startReceivers } from '../../sweeper/receivers.ts';
import type { SweptCluster } from './cluster.ts';

/** Google's keys have 3 kB. */
const LARGEST_KEYS = 64 * 1024;
const FETCH_MILLISECONDS = 10_000;

/** Takes push notifications, with the Secrets of tagpin's own namespace. @throws NodeJS.ErrnoException of `listen`. */
export async function openReceivers(options: {
  readonly listen: ListenAddress;
  readonly cluster: Pick<SweptCluster, 'client' | 'ownNamespace'>;
  readonly receivers: () => readonly Receiver[];
  readonly hint: (hint: RegistryHint) => void;
  readonly log: Log;
  readonly metrics: Metrics;
}): Promise<ReceiverServer> {
  const { cluster, ...rest } = options;
  const { client, ownNamespace: namespace } = cluster;
  return await startReceivers({
    ...rest,
    readSecret: (name, signal) => readSecretValues(client, { namespace, name }, signal),
    fetchKeys,
  });
}

async function fetchKeys(url: URL, signal: AbortSignal): Promise<FetchedKeys> {
  const answer = await fetch(url, {
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(FETCH_MILLISECONDS)]),
  });
  if (!answer.ok || answer.body === null) throw new Error(`${url.host} answers with status ${answer.status}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > LARGEST_KEYS) throw new Error(`${url.host} answers with more than is read`);
    chunks.push(chunk);
  }
  const maxAge = /(?:^|[,\s])max-age=(\d{1,9})/i.exec(answer.headers.get('cache-control') ?? '')?.[1];
  return {
    text: Buffer.concat(chunks).toString('utf8'),
    maxAgeMilliseconds: maxAge === undefined ? null : Number(maxAge) * 1000,
  };
}
