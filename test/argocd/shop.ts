import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from '../cluster/stage.ts';
import type { ApiObject } from '../environment/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { ARGO_CD_NAMESPACE, RESYNC_SECONDS } from './argocd.ts';
import { openRepository } from './repository.ts';

/** What users can set on an Application, as far as it matters here. */
export interface ShopOptions {
  readonly diff: 'server-side' | 'default';
  readonly apply: 'client-side' | 'server-side';
  readonly selfHeal: 'on' | 'off';
}

/** What runs, and what Argo CD thinks of it. */
export interface ShopState {
  readonly sync: 'Synced' | 'OutOfSync' | 'Unknown';
  /** How many commits Argo CD has deployed: the length of its history. Self-healing is not in it. */
  readonly deployed: number;
  /** The image of the Deployment, without its repository. */
  readonly runs: string;
  readonly replicaSets: number;
  /** `deployment.kubernetes.io/revision`: 1 and one more for every rollout. */
  readonly revision: number;
}

/** How often the webhook was asked about the Deployment. */
export interface Admissions {
  readonly real: number;
  readonly dryRun: number;
}

/** An Application of one Deployment, in a namespace of its own that has opted in. */
export interface Shop {
  /** Of the Application, the namespace and the Deployment. */
  readonly name: string;
  /** Pushes another image. @returns `@sha256:…` */
  push(tag: string): Promise<string>;
  /** Commits the Deployment with a tag. @returns the commit. */
  commit(tag: string): Promise<string>;
  /** `git revert HEAD`. @returns the commit. */
  revert(): Promise<string>;
  /** Tells Argo CD to look, as git's own webhooks do, and waits until it has synced a commit. @returns the seconds. */
  synced(commit: string): Promise<number>;
  /** Asks Argo CD to compare, and waits until it has. */
  compare(how: 'normal' | 'hard'): Promise<void>;
  /** Waits longer than it takes until everything is compared once without a reason. */
  rest(): Promise<void>;
  /**
   * Waits until nothing is being compared, and for some time nothing will be: a comparison under way while a live object
   * changes holds the old one against the new answer of a dry run, and syncs once more, without effect.
   */
  settle(): Promise<void>;
  state(): Promise<ShopState>;
  /** How many syncs have come to an end, those of self-healing too. */
  syncs(): Promise<number>;
  /** The Application's `status`. */
  status(): Promise<ApiObject>;
  admissions(): Promise<Admissions>;
  /** Runs kubectl in the namespace. @throws AssertionError with what it said where it fails. */
  kubectl(...args: readonly string[]): Promise<void>;
}

/** Longer than it takes anywhere, also on a machine that does other things. */
const PATIENCE = { seconds: 90 };

let shops = 0;

/** Opens one; the Application is created, and git has nothing yet. */
export async function openShop(t: TestContext, stage: Stage, options: ShopOptions): Promise<Shop> {
  const { plane } = stage;
  shops += 1;
  const name = await stage.namespace(`shop-${shops}`);
  const image = stage.image(name);
  const repository = await openRepository(plane.folder);
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${ARGO_CD_NAMESPACE}/applications/${name}`;
  const status = async (): Promise<ApiObject> => (await plane.get(path)).status ?? {};
  const kubectl = async (...args: readonly string[]): Promise<void> => {
    await stage.kubectl(['-n', name, ...args]);
  };
  const compare = async (how: 'normal' | 'hard'): Promise<void> => {
    const annotation = `argocd.argoproj.io/refresh=${how}`;
    await kubectl('-n', ARGO_CD_NAMESPACE, 'annotate', '--overwrite', 'applications.argoproj.io', name, annotation);
    // The controller takes it away together with what it found.
    const isCompared = async (): Promise<boolean> =>
      (await plane.get(path)).metadata.annotations?.['argocd.argoproj.io/refresh'] === undefined;
    await eventually(`${name} is compared`, isCompared, PATIENCE);
  };
  const synced = async (commit: string): Promise<number> => {
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
  };
  const rest = (): Promise<void> => sleep((RESYNC_SECONDS + 5) * 1000);
  await plane.apply(application(name, repository.url, options));
  t.after(async () => {
    await kubectl('-n', ARGO_CD_NAMESPACE, 'delete', 'applications.argoproj.io', name, '--wait=false');
  });

  return {
    name,
    push: async (tag) => `@${await stage.push(`${image}:${tag}`)}`,
    commit: (tag) => repository.commit(deployment(name, `${image}:${tag}`)),
    revert: () => repository.revert(),
    synced,
    compare,
    rest,
    async settle() {
      await rest();
      await compare('normal');
    },
    async state() {
      const [{ sync, history }, stored, sets] = await Promise.all([
        status(),
        plane.get(`/apis/apps/v1/namespaces/${name}/deployments/${name}`),
        plane.get(`/apis/apps/v1/namespaces/${name}/replicasets`),
      ]);
      return {
        sync: sync.status,
        deployed: history.length,
        runs: stored.spec.template.spec.containers[0].image.slice(image.length),
        replicaSets: sets.items.length,
        revision: Number(stored.metadata.annotations['deployment.kubernetes.io/revision']),
      };
    },
    async syncs() {
      const { items } = await plane.get(`/api/v1/namespaces/${ARGO_CD_NAMESPACE}/events`);
      // The controller writes one Event for the beginning of a sync, and one for its end.
      const ends = items.filter((event: ApiObject) => event.reason === 'OperationCompleted');
      return ends.filter((event: ApiObject) => event.involvedObject.name === name).length;
    },
    status,
    async admissions() {
      const asked = (await plane.auditEvents()).filter(
        ({ objectRef, annotations = {} }) =>
          objectRef?.namespace === name &&
          objectRef.resource === 'deployments' &&
          Object.keys(annotations).some((key) => key.startsWith('mutation.webhook.admission.k8s.io/round_0')),
      );
      const dryRun = asked.filter(({ requestURI }) => requestURI.includes('dryRun=')).length;
      return { real: asked.length - dryRun, dryRun };
    },
    kubectl,
  };
}

function application(name: string, repoURL: string, { diff, apply, selfHeal }: ShopOptions): object {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      name,
      namespace: ARGO_CD_NAMESPACE,
      annotations: diff === 'server-side' ? { 'argocd.argoproj.io/compare-options': 'ServerSideDiff=true' } : {},
    },
    spec: {
      project: 'default',
      source: { repoURL, path: '.', targetRevision: 'main' },
      destination: { server: 'https://kubernetes.default.svc', namespace: name },
      syncPolicy: {
        automated: { selfHeal: selfHeal === 'on' },
        syncOptions: apply === 'server-side' ? ['ServerSideApply=true'] : [],
      },
    },
  };
}

function deployment(name: string, image: string): object {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image }] } };
  const spec = { replicas: 1, selector: { matchLabels: labels }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec };
}
