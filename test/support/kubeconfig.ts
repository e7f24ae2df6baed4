import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** What differs from a kubeconfig that works. */
export interface KubeconfigChanges {
  /** Fields of its cluster: `{ server: 'https://127.0.0.1:1' }`. */
  readonly cluster?: Readonly<Record<string, unknown>>;
  /** Instead of its user. */
  readonly user?: Readonly<Record<string, unknown>>;
  /** Fields of its context: `{ namespace: 'shop' }`. */
  readonly context?: Readonly<Record<string, unknown>>;
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: object }[];
  readonly users: readonly { readonly user: object }[];
  readonly contexts: readonly { readonly context: object }[];
}

/** Writes a kubeconfig like another one into a folder of its own beside it, and gives its path. */
export function changedKubeconfig(kubeconfig: string, { cluster, user, context }: KubeconfigChanges): string {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
  const changed = {
    ...config,
    clusters: config.clusters.map((one) => ({ ...one, cluster: { ...one.cluster, ...cluster } })),
    users: config.users.map((one) => ({ ...one, user: user ?? one.user })),
    contexts: config.contexts.map((one) => ({ ...one, context: { ...one.context, ...context } })),
  };
  const path = join(mkdtempSync(`${kubeconfig}-`), 'config');
  writeFileSync(path, JSON.stringify(changed), { mode: 0o600 });
  return path;
}
