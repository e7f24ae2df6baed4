import type { RegistriesPolicy } from '../../core/policy/schema.ts';
import type { Verification } from '../../core/signature/verification.ts';
import {
  type ConnectionSource,
  isPlainConnection,
  isPlainHttp,
  isTrustedWithOurs,
  type RegistryAccess,
} from '../../core/target/connection.ts';
import type { FoundConnection } from '../../kubernetes/secrets/connection-secrets.ts';
import { createLoans } from '../../platform/loans.ts';
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

/** Kept for the next question; each holds a few connections and some memory. Those that are asked by at the moment come on top. */
const MOST_ASKERS = 32;

/** Makes what asks registries, with connections of their own for those sets of settings that want some. */
export function createConnections(options: ConnectionsOptions): Connections {
  const { registries, standard, make, readConnection } = options;
  const askers = createLoans<Asker>(MOST_ASKERS, ({ resolver }) => resolver.close());

  async function ask<T>(
    access: RegistryAccess | null,
    host: string,
    { by, refused }: { readonly by: (asker: Asker) => Promise<T>; readonly refused: (why: Refused) => T },
  ): Promise<T> {
    if (access?.kind !== 'connection' || isPlainConnection(access)) return await by(standard);
    const found = await readConnection(access);
    if (found.kind !== 'read') {
      const code = found.kind === 'failed' ? 'Unreachable' : 'NotAllowed';
      return refused({ kind: 'failed', code, message: found.problem });
    }
    const own = { ...found.values, host, plainHttp: isPlainHttp(access) };
    const ours = isTrustedWithOurs(access) ? 'sent' : 'kept';
    return await askers.use(JSON.stringify([own, ours]), () => make(settingsWith(registries, own), ours), by);
  }

  return {
    resolve: ({ access, ...question }) =>
      ask(access, question.reference.registry, {
        by: ({ resolver }) => resolver.resolve(question),
        refused: (why) => ({ ...why, lastKnown: null }),
      }),
    listTags: ({ access, ...question }) =>
      ask(access, question.reference.registry, {
        by: ({ resolver }) => resolver.listTags(question),
        refused: (why) => why,
      }),
    inspect: ({ access, ...question }) =>
      ask(access, question.reference.registry, {
        by: ({ resolver }) => resolver.inspect(question),
        refused: (why) => why,
      }),
    verify: ({ access, ...question }) =>
      ask<Verification>(access, question.reference.registry, {
        // What one namespace's credentials do not show is no answer for another.
        by: ({ verifier }) => verifier.verify({ ...question, limit: access?.namespace ?? '' }),
        refused: (verdict) => ({ verdicts: question.entries.map((entry) => ({ entry, verdict })), signatures: [] }),
      }),
    close: () => askers.close(),
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
