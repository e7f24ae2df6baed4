import type { TestContext } from 'node:test';
import type { Stage } from '../cluster/stage.ts';
import type { ApiObject } from '../environment/control-plane.ts';
import { type ArgoApplication, createApplication, restOfArgoCd } from './argo-application.ts';
import { ARGO_CD_NAMESPACE } from './argocd.ts';
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

/** An Application of one Deployment, in a namespace of its own that has opted in; all three have its name. */
export interface Shop extends ArgoApplication {
  /** Pushes another image. @returns `@sha256:…` */
  push(tag: string): Promise<string>;
  /** Commits the Deployment with a tag. @returns the commit. */
  commit(tag: string): Promise<string>;
  /** `git revert HEAD`. @returns the commit. */
  revert(): Promise<string>;
  /** Waits longer than it takes until everything is compared once without a reason. */
  rest(): Promise<void>;
  /**
   * Waits until nothing is being compared, and for some time nothing will be: a comparison under way while a live object
   * changes holds the old one against the new answer of a dry run, and syncs once more, without effect.
   */
  settle(): Promise<void>;
  state(): Promise<ShopState>;
  admissions(): Promise<Admissions>;
  /** Runs kubectl in the namespace. @throws AssertionError with what it said where it fails. */
  kubectl(...args: readonly string[]): Promise<void>;
}

let shops = 0;

/** Opens one; the Application is created, and git has nothing yet. */
export async function openShop(t: TestContext, stage: Stage, options: ShopOptions): Promise<Shop> {
  const { plane } = stage;
  shops += 1;
  const name = await stage.namespace(`shop-${shops}`);
  const image = stage.image(name);
  const repository = await openRepository(plane.folder);
  const kubectl = async (...args: readonly string[]): Promise<void> => {
    await stage.kubectl(['-n', name, ...args]);
  };
  const argo = await createApplication(stage, application(name, repository.url, options));
  t.after(() => argo.delete());

  return {
    ...argo,
    push: async (tag) => `@${await stage.push(`${image}:${tag}`)}`,
    commit: (tag) => repository.commit(deployment(name, `${image}:${tag}`)),
    revert: () => repository.revert(),
    rest: restOfArgoCd,
    async settle() {
      await restOfArgoCd();
      await argo.compare('normal');
    },
    async state() {
      const [{ sync, history }, stored, sets] = await Promise.all([
        argo.status(),
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

function application(name: string, repoURL: string, { diff, apply, selfHeal }: ShopOptions): ApiObject {
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
