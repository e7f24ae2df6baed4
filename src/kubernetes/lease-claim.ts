import type { KubernetesClient } from './client.ts';
import { microTime } from './micro-time.ts';
import type { JsonObject } from './request/answer.ts';
import { isKubernetesError } from './request/error.ts';
import { resourcePath } from './request/resource.ts';

/** Who wants which Lease. */
export interface LeaseClaimOptions {
  readonly client: Pick<KubernetesClient, 'request'>;
  /** Of the Lease. */
  readonly namespace: string;
  readonly name: string;
  /** No other candidate has it. */
  readonly identity: string;
  /** What we ask of others: not to take it for so long. */
  readonly leaseSeconds: number;
  /** Hears who has it, when that is another than before. */
  readonly follows: (leader: string) => void;
}

/** The Lease as we wrote it last. */
export interface HeldLease {
  readonly lease: JsonObject;
  /** When that was sent, on the clock of `performance.now()`: the others count from later on. */
  readonly at: number;
}

/** One candidate's hold on a Lease. */
export interface LeaseClaim {
  /**
   * Takes the Lease, or renews it.
   *
   * @param held what the last claim gave; null where we don't have it.
   * @returns null where another has it. @throws KubernetesError, or `signal.reason`: it is as before then, or ours.
   */
  claim(held: HeldLease | null, signal: AbortSignal): Promise<HeldLease | null>;
  /** Gives it back, so that another can take it at once. @throws KubernetesError, or `signal.reason`. */
  release(held: HeldLease, signal: AbortSignal): Promise<void>;
}

interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly leaseTransitions?: number | null;
}

/**
 * Makes the claim on a Lease of `coordination.k8s.io/v1`. Clocks are not compared: a Lease is over when it has not changed before
 * our eyes for as long as it says. Every write is conditional.
 */
export function createLeaseClaim(options: LeaseClaimOptions): LeaseClaim {
  const { client, namespace, name, identity, leaseSeconds } = options;
  const collection = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace } as const;
  const path = resourcePath({ ...collection, name });
  let seen = { text: '', at: 0 };
  let leader = '';

  async function read(signal: AbortSignal): Promise<JsonObject | null> {
    try {
      return await client.request({ method: 'GET', path, signal });
    } catch (error) {
      if (isKubernetesError(error, 'NotFound')) return null;
      throw error;
    }
  }

  async function write(lease: JsonObject | null, spec: object, signal: AbortSignal): Promise<JsonObject> {
    if (lease !== null) {
      return await client.request({
        method: 'PUT',
        path,
        body: { ...lease, spec: { ...specOf(lease), ...spec } },
        signal,
      });
    }
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec };
    return await client.request({ method: 'POST', path: resourcePath(collection), body, signal });
  }

  /** May we write this Lease: is it ours, free, or over? */
  function isOpen(lease: JsonObject): boolean {
    const spec = specOf(lease);
    const text = JSON.stringify(spec);
    if (text !== seen.text) seen = { text, at: performance.now() };
    const holder = spec.holderIdentity ?? '';
    if (holder !== leader) {
      leader = holder;
      if (holder !== '' && holder !== identity) options.follows(holder);
    }
    if (holder === '' || holder === identity) return true;
    return performance.now() >= seen.at + (spec.leaseDurationSeconds ?? leaseSeconds) * 1000;
  }

  async function claim(held: HeldLease | null, signal: AbortSignal): Promise<HeldLease | null> {
    const lease = held?.lease ?? (await read(signal));
    if (lease !== null && !isOpen(lease)) return null;
    const { holderIdentity = '', leaseTransitions } = lease === null ? {} : specOf(lease);
    const now = microTime(new Date());
    const taken = holderIdentity === identity ? {} : { acquireTime: now };
    const transitions = lease === null || holderIdentity === identity ? 0 : 1;
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: leaseSeconds,
      renewTime: now,
      leaseTransitions: (leaseTransitions ?? 0) + transitions,
      ...taken,
    };
    const at = performance.now();
    try {
      const written = await write(lease, spec, signal);
      leader = identity;
      return { lease: written, at };
    } catch (error) {
      if (!isKubernetesError(error, 'Conflict', 'AlreadyExists', 'NotFound')) throw error;
      // Somebody wrote in between; perhaps we did, with a request whose answer was lost.
      return held === null ? null : await claim(null, signal);
    }
  }

  return {
    claim,
    async release({ lease }, signal) {
      const free = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(new Date()) };
      leader = '';
      try {
        await write(lease, free, signal);
      } catch (error) {
        const current = isKubernetesError(error, 'Conflict') ? await read(signal) : null;
        if (current === null || specOf(current).holderIdentity !== identity) throw error;
        await write(current, free, signal);
      }
    },
  };
}

function specOf({ spec }: JsonObject): LeaseSpec {
  return typeof spec === 'object' && spec !== null ? spec : {};
}
