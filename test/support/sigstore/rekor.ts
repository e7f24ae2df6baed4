import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { spkiHash } from './fulcio.ts';

/** What a log has of an entry, in the words of a bundle (`TransparencyLogEntry` in JSON). */
export interface LogEntry {
  readonly logIndex: string;
  readonly logId: { readonly keyId: string };
  readonly kindVersion: { readonly kind: string; readonly version: string };
  readonly integratedTime?: string;
  readonly inclusionPromise?: { readonly signedEntryTimestamp: string };
  readonly inclusionProof: {
    readonly logIndex: string;
    readonly rootHash: string;
    readonly treeSize: string;
    readonly hashes: readonly string[];
    readonly checkpoint: { readonly envelope: string };
  };
  readonly canonicalizedBody: string;
}

/** The body of an entry: `hashedrekord`, `dsse`. */
export interface EntryBody {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: object;
}

/** A private transparency log, as a value: nothing listens. */
export interface Rekor {
  readonly host: string;
  readonly key: KeyObject;
  /** As Rekor's first version keeps it: with the time, and a promise that it was seen then. Milliseconds since 1970. */
  log(body: EntryBody, at: number): LogEntry;
  /** As its second version does: with a proof and no time. */
  logWithoutTime(body: EntryBody): LogEntry;
}

/** Every entry is the second of a tree of its own. */
const INDEX = '1';

/** Makes a log whose tree has two leaves, the entry and one before it. */
export function createRekor(host = 'rekor.test'): Rekor {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = spkiHash(publicKey);

  function proven({ apiVersion: version, kind, ...rest }: EntryBody, origin: string) {
    const body = Buffer.from(canonical({ apiVersion: version, kind, ...rest }));
    const before = leafHash(Buffer.from('an entry before it'));
    const rootHash = hash(Buffer.from([1]), before, leafHash(body));
    const note = `${origin}\n2\n${rootHash.toString('base64')}\n`;
    const signature = Buffer.concat([id.subarray(0, 4), sign('sha256', Buffer.from(note), privateKey)]);
    return {
      logId: { keyId: id.toString('base64') },
      kindVersion: { kind, version },
      inclusionProof: {
        logIndex: INDEX,
        rootHash: rootHash.toString('base64'),
        treeSize: '2',
        hashes: [before.toString('base64')],
        checkpoint: { envelope: `${note}\n\u2014 ${host} ${signature.toString('base64')}\n` },
      },
      canonicalizedBody: body.toString('base64'),
    };
  }

  return {
    host,
    key: publicKey,
    log(body, at) {
      const logIndex = Number(INDEX);
      const integratedTime = Math.floor(at / 1000);
      // By the number of its tree programs tell the first version.
      const entry = proven(body, `${host} - 4711`);
      const promised = { body: entry.canonicalizedBody, integratedTime, logID: id.toString('hex'), logIndex };
      const signedEntryTimestamp = sign('sha256', Buffer.from(canonical(promised)), privateKey).toString('base64');
      return {
        ...entry,
        logIndex: INDEX,
        integratedTime: String(integratedTime),
        inclusionPromise: { signedEntryTimestamp },
      };
    },
    logWithoutTime: (body) => ({ ...proven(body, host), logIndex: INDEX }),
  };
}

function leafHash(body: Buffer): Buffer {
  return hash(Buffer.from([0]), body);
}

function hash(...parts: readonly Buffer[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}

/** JSON with its keys in order and no space (RFC 8785, as far as bodies of entries need it). */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
  return `{${members.join(',')}}`;
}
