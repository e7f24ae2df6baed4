import { createHash } from 'node:crypto';
import { asObject, asString, valueAt } from '../core/workload/json.ts';
import type { KubernetesClient } from './client.ts';
import type { JsonObject } from './request/answer.ts';
import { isKubernetesError, KubernetesError } from './request/error.ts';
import { resourcePath } from './request/resource.ts';

/** Why a text was not stored: somebody else stored another meanwhile, or the API server did not take it. */
export type StoreProblem = { readonly kind: 'outrun' } | { readonly kind: 'failed'; readonly message: string };

/** Texts by uid, as they were when they were read or written last. */
export interface StateTexts {
  get(uid: string): string | null;
  uids(): Iterable<string>;
  /** Stores texts, null to take one away; tells which were not stored. Rejects with `signal.reason` alone. */
  write(texts: ReadonlyMap<string, string | null>, signal: AbortSignal): Promise<ReadonlyMap<string, StoreProblem>>;
}

/** Sixteen of 900 KiB keep what is known of some 40,000 targets. */
const SHARDS = 16;
const PREFIX = 'tagpin-state-';
/** An API server takes 1 MiB of data. */
const LARGEST_SHARD = 900 * 1024;
const FIELD_MANAGER = 'tagpin';
const MOST_TRIES = 5;
/** What can be the key of a ConfigMap. */
const KEY = /^[-._a-zA-Z0-9]{1,253}$/;

/** The names of all ConfigMaps that there may be, so that a role can list them. */
export const STATE_CONFIG_MAPS: readonly string[] = Array.from({ length: SHARDS }, (_, index) => `${PREFIX}${index}`);

interface Shard {
  readonly name: string;
  /** Null where it is not there. */
  version: string | null;
  texts: Map<string, string>;
}

/**
 * Reads the state of all targets, which is kept in ConfigMaps, each target's in that which its uid falls to. A write is refused where
 * somebody else wrote the same target's meanwhile; that others were written does not matter.
 *
 * @throws KubernetesError
 */
export async function openStateTexts(
  client: Pick<KubernetesClient, 'request'>,
  namespace: string,
  signal: AbortSignal,
): Promise<StateTexts> {
  const shards = await Promise.all(STATE_CONFIG_MAPS.map((name) => readShard(client, namespace, name, signal)));
  const shardOf = (uid: string): Shard => {
    const shard = shards[createHash('sha256').update(uid).digest().readUInt8(0) % SHARDS];
    if (shard === undefined) throw new Error('there are as many as were read');
    return shard;
  };

  async function writeShard(
    shard: Shard,
    wanted: ReadonlyMap<string, string | null>,
  ): Promise<ReadonlyMap<string, StoreProblem>> {
    const problems = new Map<string, StoreProblem>();
    const open = new Map(wanted);
    for (let tries = 1; open.size > 0; tries += 1) {
      for (const uid of tooLarge(shard, open)) {
        open.delete(uid);
        problems.set(uid, { kind: 'failed', message: `ConfigMap ${namespace}/${shard.name} has no room left` });
      }
      try {
        await store(client, namespace, shard, open, signal);
        return problems;
      } catch (error) {
        signal.throwIfAborted();
        if (!isKubernetesError(error, 'Conflict') || tries === MOST_TRIES) {
          const message = error instanceof Error ? error.message : String(error);
          for (const uid of open.keys()) problems.set(uid, { kind: 'failed', message });
          return problems;
        }
      }
      const before = shard.texts;
      const current = await readShard(client, namespace, shard.name, signal).catch(() => null);
      if (current === null) continue;
      shard.texts = current.texts;
      shard.version = current.version;
      for (const uid of open.keys()) {
        if (before.get(uid) === current.texts.get(uid)) continue;
        open.delete(uid);
        problems.set(uid, { kind: 'outrun' });
      }
    }
    return problems;
  }

  return {
    get: (uid) => shardOf(uid).texts.get(uid) ?? null,
    uids: () => shards.flatMap(({ texts }) => [...texts.keys()]),
    async write(texts) {
      const byShard = new Map<Shard, Map<string, string | null>>();
      for (const [uid, text] of texts) {
        if (!KEY.test(uid)) continue;
        const shard = shardOf(uid);
        const own = byShard.get(shard) ?? new Map<string, string | null>();
        byShard.set(shard, own.set(uid, text));
      }
      const problems = await Promise.all([...byShard].map(([shard, own]) => writeShard(shard, own)));
      return new Map(problems.flatMap((each) => [...each]));
    },
  };
}

async function readShard(
  client: Pick<KubernetesClient, 'request'>,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Shard> {
  const path = resourcePath({ group: '', version: 'v1', resource: 'configmaps', namespace, name });
  try {
    return shardFrom(name, await client.request({ method: 'GET', path, signal }));
  } catch (error) {
    if (isKubernetesError(error, 'NotFound')) return { name, version: null, texts: new Map() };
    throw error;
  }
}

/** Changes these texts and no others, and only where the ConfigMap is as it was read. */
async function store(
  client: Pick<KubernetesClient, 'request'>,
  namespace: string,
  shard: Shard,
  changed: ReadonlyMap<string, string | null>,
  signal: AbortSignal,
): Promise<void> {
  const { name } = shard;
  const path = resourcePath({ group: '', version: 'v1', resource: 'configmaps', namespace, name });
  const query = { fieldManager: FIELD_MANAGER };
  if (shard.version === null) {
    // Server-side apply, so that the role that allows it can name the ConfigMap also for its creation. It claims no text.
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels: LABELS } };
    const made = await client.request({ method: 'PATCH', patch: 'apply', path, query, body, signal });
    const { version, texts } = shardFrom(name, made);
    shard.version = version;
    if ([...changed.keys()].some((uid) => texts.has(uid))) {
      throw new KubernetesError('Conflict', `ConfigMap ${namespace}/${name} was made by somebody else meanwhile`);
    }
  }
  const body = { metadata: { resourceVersion: shard.version }, data: Object.fromEntries(changed) };
  const stored = await client.request({ method: 'PATCH', patch: 'merge', path, query, body, signal });
  const { version, texts } = shardFrom(name, stored);
  shard.version = version;
  shard.texts = texts;
}

const LABELS = { 'app.kubernetes.io/managed-by': 'tagpin' };

function shardFrom(name: string, object: JsonObject): Shard {
  const version = asString(valueAt(object, ['metadata', 'resourceVersion']));
  if (version === null) throw new KubernetesError('BadAnswer', `ConfigMap ${name} came without its metadata`);
  const entries = Object.entries(asObject(object['data']) ?? {});
  return {
    name,
    version,
    texts: new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
  };
}

/** Which of the changes would make it too large: the last of those that add. */
function tooLarge({ texts }: Shard, changed: ReadonlyMap<string, string | null>): readonly string[] {
  let size = 0;
  for (const [uid, text] of texts) if (!changed.has(uid)) size += uid.length + Buffer.byteLength(text);
  const over: string[] = [];
  for (const [uid, text] of changed) {
    if (text === null) continue;
    const added = uid.length + Buffer.byteLength(text);
    if (size + added > LARGEST_SHARD) over.push(uid);
    else size += added;
  }
  return over;
}
