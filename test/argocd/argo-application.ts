import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from '../cluster/stage.ts';
import type { ApiObject } from '../environment/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { ARGO_CD_NAMESPACE, RESYNC_SECONDS } from './argocd.ts';

/** Longer than anything takes anywhere, also on a machine that does other things. */
export const PATIENCE = { seconds: 90 };

/** An Application that Argo CD looks after. */
export interface ArgoApplication {
  readonly name: string;
  get(): Promise<ApiObject>;
  /** The Application's `status`. */
  status(): Promise<ApiObject>;
  /** Asks Argo CD to compare, and waits until it has. */
  compare(how: 'normal' | 'hard'): Promise<void>;
  /** Tells Argo CD to look, as git's own webhooks do, and waits until it has synced a commit. @returns the seconds. */
  synced(commit: string): Promise<number>;
  /** How many syncs have come to an end, those of self-healing too. */
  syncs(): Promise<number>;
  /** JSON Patch, as a person with kubectl. */
  patch(operations: readonly object[]): Promise<void>;
  delete(): Promise<void>;
}

/** Creates an Application in Argo CD's namespace. */
export async function createApplication(stage: Stage, manifest: ApiObject): Promise<ArgoApplication> {
  await stage.plane.apply(manifest);
  return findApplication(stage, manifest.metadata.name);
}

/** One that somebody else creates, or has created. */
export function findApplication(stage: Stage, name: string): ArgoApplication {
  const { plane } = stage;
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${ARGO_CD_NAMESPACE}/applications/${name}`;
  const run = async (verb: string, ...args: readonly string[]): Promise<void> => {
    await stage.kubectl(['-n', ARGO_CD_NAMESPACE, verb, 'applications.argoproj.io', name, ...args]);
  };
  const get = (): Promise<ApiObject> => plane.get(path);
  const status = async (): Promise<ApiObject> => (await get()).status ?? {};
  const compare = async (how: 'normal' | 'hard'): Promise<void> => {
    await run('annotate', '--overwrite', `argocd.argoproj.io/refresh=${how}`);
    // The controller takes it away together with what it found.
    const isCompared = async (): Promise<boolean> =>
      (await get()).metadata.annotations?.['argocd.argoproj.io/refresh'] === undefined;
    await eventually(`${name} is compared`, isCompared, PATIENCE);
  };
  return {
    name,
    get,
    status,
    compare,
    async synced(commit) {
      const start = performance.now();
      await compare('normal');
      const isSynced = async (): Promise<boolean> => {
        const { conditions, operationState, sync } = await status();
        const { phase, message, syncResult } = operationState ?? {};
        const revisions = [sync?.revision, syncResult?.revision];
        if (phase === 'Succeeded' && revisions.every((revision) => revision === commit)) return true;
        throw new Error(JSON.stringify({ conditions, phase, message, revisions }));
      };
      await eventually(`${name} is synced to ${commit}`, isSynced, PATIENCE);
      return (performance.now() - start) / 1000;
    },
    async syncs() {
      const { items } = await plane.get(`/api/v1/namespaces/${ARGO_CD_NAMESPACE}/events`);
      // The controller writes one Event for the beginning of a sync, and one for its end.
      const ends = items.filter((event: ApiObject) => event.reason === 'OperationCompleted');
      return ends.filter((event: ApiObject) => event.involvedObject.name === name).length;
    },
    patch: (operations) => run('patch', '--type=json', '--patch', JSON.stringify(operations)),
    delete: () => run('delete', '--wait=false', '--ignore-not-found'),
  };
}

/** Waits longer than it takes until everything is compared once without a reason. */
export function restOfArgoCd(): Promise<void> {
  return sleep((RESYNC_SECONDS + 5) * 1000);
}
