import { createHash } from 'node:crypto';
import type { Verdict, VerifyEntry } from '../core/signature/verification.ts';
import { createCache } from '../platform/cache.ts';
import { withSignal } from '../platform/deadline.ts';
import { readKeys } from './public-key.ts';
import { publicTrustRoot, type ReadTrustRoot, readTrustRoot, type TrustRoot } from './trust-root.ts';
import type { Demand } from './verify.ts';

/** An entry made ready, or why it can not be. */
export type Demanded =
  | {
      readonly kind: 'ready';
      readonly demand: Demand;
      /** Of all that a verdict hangs on. */
      readonly fingerprint: string;
    }
  | { readonly kind: 'failed'; readonly verdict: Extract<Verdict, { readonly kind: 'failed' }> };

/** Makes entries ready: their keys, and their trust root. */
export interface Demands {
  /** It never rejects. */
  of(entry: VerifyEntry): Promise<Demanded>;
}

/** What making entries ready needs. */
export interface DemandsOptions {
  /** The text under a key of a ConfigMap; it rejects where there is none. Null where no cluster is asked. */
  readonly readTrustRoot: ((configMap: string, key: string) => Promise<string>) | null;
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number;
}

/** How soon another trust root counts. */
const ROOT_LIFE = 30_000;
const MOST_ROOTS = 100;
/** Of a review's ten seconds. */
const READ_MILLISECONDS = 5000;

/** Makes what makes entries ready. Trust roots are read once for all who ask at once, and remembered for 30 seconds. */
export function createDemands({ readTrustRoot: readText, now }: DemandsOptions): Demands {
  const roots = createCache<TrustRoot>({ maximumEntries: MOST_ROOTS, lifeMilliseconds: ROOT_LIFE, now });
  const known = new WeakMap<VerifyEntry, Pick<Demand, 'keys'> & { readonly words: string }>();

  async function rootOf(wanted: VerifyEntry['trustRoot']): Promise<ReadTrustRoot> {
    if (wanted === 'public') return { ok: true, root: publicTrustRoot() };
    if ('text' in wanted) return readTrustRoot(wanted.text);
    if (readText === null) return { ok: false, problem: 'no cluster is asked for it' };
    const { configMap, key } = wanted;
    const name = JSON.stringify(wanted);
    const remembered = roots.get(name);
    if (remembered !== undefined) return { ok: true, root: remembered };
    try {
      const { result } = roots.share(name, Number.NEGATIVE_INFINITY, async () => {
        const text = await withSignal(readText(configMap, key), AbortSignal.timeout(READ_MILLISECONDS));
        const read = readTrustRoot(text);
        if (!read.ok) throw new Unusable(read.problem);
        roots.set(name, read.root);
        return read.root;
      });
      return { ok: true, root: await result };
    } catch (error) {
      return { ok: false, problem: error instanceof Unusable ? error.message : 'it can not be read' };
    }
  }

  return {
    async of(entry) {
      const { keys, words } = known.get(entry) ?? makeReady(entry);
      known.set(entry, { keys, words });
      const { trustRoot } = entry;
      // A key's own signature needs nobody's word.
      const isNeeded = entry.transparencyLog === 'required' || entry.identities.length > 0;
      const read: ReadTrustRoot | null = isNeeded ? await rootOf(trustRoot) : null;
      if (read?.ok === false) {
        const message = `${nameOf(trustRoot)} can not be used: ${read.problem}`;
        return { kind: 'failed', verdict: { kind: 'failed', code: 'InvalidResponse', message } };
      }
      const root = read?.root ?? null;
      return { kind: 'ready', demand: { entry, keys, root }, fingerprint: `${words} ${root?.fingerprint ?? ''}` };
    },
  };
}

function nameOf(wanted: VerifyEntry['trustRoot']): string {
  if (wanted === 'public' || 'text' in wanted) return 'the trust root';
  return `the trust root under ${JSON.stringify(wanted.key)} of the ConfigMap ${wanted.configMap}`;
}

class Unusable extends Error {}

function makeReady(entry: VerifyEntry): Pick<Demand, 'keys'> & { readonly words: string } {
  // Not its name, its images or its action: two that ask for the same have the same answer.
  const { keys, identities, transparencyLog } = entry;
  const words = createHash('sha256')
    .update(JSON.stringify([keys, identities, transparencyLog]))
    .digest('base64');
  return { keys: readKeys(keys), words };
}
