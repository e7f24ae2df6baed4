import type { RegistriesPolicy } from '../../core/policy/schema.ts';
import {
  type ConnectionSource,
  isPlainConnection,
  isTrustedWithOurs,
  type RegistryAccess,
} from '../../core/target/connection.ts';
import type { FoundConnection } from '../../kubernetes/connection-secrets.ts';
import type { OwnConnection, RegistrySettings } from '../../registry/connection/own.ts';
import type { Resolver } from '../../registry/resolver.ts';
import type { SignatureVerifier } from '../../signature/verifier.ts';
import type { AskNeeds } from '../../sweeper/ask.ts';

/** What asks registries, and what asks them for signatures. */
export interface Asker {
  readonly resolver: Resolver;
  readonly verifier: SignatureVerifier;
}

/** How registries are asked by what objects say of their connection. */
export interface ConnectionsOptions {
  /** Those of the policy in force; read for every question. */
  readonly registries: () => RegistriesPolicy;
  /** For what says nothing of its connection. */
  readonly standard: Asker;
  /** Makes another. @param ours whether what is tagpin's own may be sent: the identity that a cloud gives it. */
  readonly make: (settings: () => RegistrySettings, ours: 'sent' | 'kept') => Asker;
  /** What the Secrets hold that an object names. It does not reject. */
  readonly readConnection: (source: ConnectionSource) => Promise<FoundConnection>;
}

/** Asks each registry as the target says that it is reached. */
export interface Connections extends Pick<AskNeeds, 'resolve' | 'listTags' | 'inspect' | 'verify'> {
  readonly close: () => Promise<void>;
}

/** More than questions under way, so that what is closed is in nobody's use; each holds a few connections and some memory. */
const MOST_ASKERS = 32;

/** Makes what asks registries, with connections of their own for those sets of settings that want some. */
export function createConnections(options: ConnectionsOptions): Connections {
  const { registries, standard, make, readConnection } = options;
  /** The one that was used last stands last. */
  const askers = new Map<string, Asker>();

  function askerOf(own: OwnConnection, ours: 'sent' | 'kept'): Asker {
    const key = JSON.stringify([own, ours]);
    const known = askers.get(key) ?? make(settingsWith(registries, own), ours);
    askers.delete(key);
    askers.set(key, known);
    const [oldest] = askers;
    if (oldest !== undefined && askers.size > MOST_ASKERS) {
      askers.delete(oldest[0]);
      void oldest[1].resolver.close();
    }
    return known;
  }

  async function find(access: RegistryAccess | null, host: string): Promise<Asker | Refused> {
    if (access?.kind !== 'connection' || isPlainConnection(access)) return standard;
    const found = await readConnection(access);
    if (found.kind !== 'read') {
      return { kind: 'failed', code: found.kind === 'failed' ? 'Unreachable' : 'NotAllowed', message: found.problem };
    }
    const own = { ...found.values, host, plainHttp: access.insecure };
    return askerOf(own, isTrustedWithOurs(access) ? 'sent' : 'kept');
  }

  return {
    async resolve({ access, ...question }) {
      const asker = await find(access, question.reference.registry);
      return 'resolver' in asker ? await asker.resolver.resolve(question) : { ...asker, lastKnown: null };
    },
    async listTags({ access, ...question }) {
      const asker = await find(access, question.reference.registry);
      return 'resolver' in asker ? await asker.resolver.listTags(question) : asker;
    },
    async inspect({ access, ...question }) {
      const asker = await find(access, question.reference.registry);
      return 'resolver' in asker ? await asker.resolver.inspect(question) : asker;
    },
    async verify({ access, ...question }) {
      const asker = await find(access, question.reference.registry);
      // What one namespace's credentials do not show is no answer for another.
      const limit = access?.namespace ?? '';
      if ('resolver' in asker) return await asker.verifier.verify({ ...question, limit });
      return { verdicts: question.entries.map((entry) => ({ entry, verdict: asker })), signatures: [] };
    },
    async close() {
      await Promise.all([...askers.values()].map(({ resolver }) => resolver.close()));
      askers.clear();
    },
  };
}

interface Refused {
  readonly kind: 'failed';
  readonly code: 'Unreachable' | 'NotAllowed';
  readonly message: string;
}

/** The same object for as long as a policy is in force: what is derived of settings is remembered by them. */
function settingsWith(registries: () => RegistriesPolicy, own: OwnConnection): () => RegistrySettings {
  let known: { readonly of: RegistriesPolicy; readonly settings: RegistrySettings } | null = null;
  return () => {
    const current = registries();
    if (known?.of !== current) known = { of: current, settings: { ...current, own } };
    return known.settings;
  };
}
