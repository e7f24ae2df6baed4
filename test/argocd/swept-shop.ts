import type { TestContext } from 'node:test';
import { stringify } from 'yaml';
import type { ApiObject } from '../environment/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { makeRepository, type RemoteRepository } from '../support/git-repository.ts';
import { shopChart } from '../support/shop-chart.ts';
import { type ArgoApplication, createApplication, findApplication, PATIENCE } from './argo-application.ts';
import { ARGO_CD_NAMESPACE } from './argocd.ts';
import type { SweptStage } from './sweeper.ts';

/** What an Application is made of, and how it is synced. */
export interface SweptShopOptions {
  readonly kind: 'helm' | 'kustomize';
  readonly selfHeal: 'on' | 'off';
  /** `pinned`: by tagpin's webhook too, and compared as that wants it. */
  readonly namespace: 'plain' | 'pinned';
  /** Keys without `tagpin.dev/`, besides what is followed: the digest of `main`. */
  readonly follow?: Readonly<Record<string, string>>;
  /** Serves the repository to Argo CD and the sweeper; without, it is read from its folder. @returns its URL. */
  readonly serve?: (repository: RemoteRepository) => Promise<string>;
}

/** An Application of one Deployment that follows the tag `main`. */
export interface SweptShop extends ArgoApplication {
  /** `REGISTRY/PATH`, and `main` or `main@sha256:…` after it. */
  readonly image: string;
  readonly repository: RemoteRepository;
  readonly url: string;
  /** Makes `main` mean another image. @returns `main@sha256:…` */
  push(): Promise<string>;
  /** Waits until the Deployment is of such an image. @param tag what comes after the image's name and a colon. */
  runs(tag: string): Promise<void>;
  state(): Promise<SweptShopState>;
}

/** What runs, and what it took. */
export interface SweptShopState {
  readonly sync: 'Synced' | 'OutOfSync' | 'Unknown';
  /** What comes after the image's name, without the sign between. */
  readonly runs: string;
  readonly rollouts: number;
  /**
   * Syncs of everything, the first included: the length of Argo CD's history. It heals single objects as well where it compared
   * with a copy from before its own sync, without effect; that happens on a busy machine, and is not in it.
   */
  readonly syncs: number;
  /** Of the Application, by the sweeper. */
  readonly writes: number;
}

let shops = 0;

/** Opens one, and waits until Argo CD has synced it: `main` runs. */
export async function openSweptShop(t: TestContext, stage: SweptStage, options: SweptShopOptions): Promise<SweptShop> {
  const shop = await prepareSweptShop(t, stage, options);
  await shop.push();
  const manifest = shopApplication(shop, options);
  await createApplication(stage, manifest);
  t.after(() => shop.delete());
  await shop.synced(shop.repository.head('main') ?? '');
  return shop;
}

/** A repository, a namespace and an image for an Application that somebody else is to create. */
export async function prepareSweptShop(
  t: TestContext,
  stage: SweptStage,
  { kind, namespace, serve }: SweptShopOptions,
): Promise<SweptShop> {
  shops += 1;
  const name = await stage.namespace(`swept-${shops}`, namespace === 'pinned' ? 'opted in' : 'not opted in');
  const image = stage.image(name);
  const files = kind === 'helm' ? shopChart('colon', { name: image, tag: 'main' }) : kustomization(name, image);
  const repository = makeRepository({ after: (end) => t.after(end) }, files);
  const deployment = (): Promise<ApiObject> => stage.plane.get(`/apis/apps/v1/namespaces/${name}/deployments/${name}`);
  const imageOf = ({ spec }: ApiObject): string => spec.template.spec.containers[0].image;
  const application = findApplication(stage, name);
  return {
    ...application,
    image,
    repository,
    url: serve === undefined ? `file://${repository.path}` : await serve(repository),
    push: async () => `main@${await stage.push(`${image}:main`)}`,
    async runs(tag) {
      const isRunning = async (): Promise<boolean> => {
        const running = imageOf(await deployment());
        if (running !== `${image}:${tag}`) throw new Error(running);
        return true;
      };
      await eventually(`${name} runs ${tag}`, isRunning, PATIENCE);
    },
    async state() {
      const [{ sync, history }, stored, writes] = await Promise.all([
        application.status(),
        deployment(),
        stage.writes(name),
      ]);
      return {
        sync: sync.status,
        runs: imageOf(stored).slice(image.length + 1),
        rollouts: Number(stored.metadata.annotations['deployment.kubernetes.io/revision']),
        syncs: history.length,
        writes,
      };
    },
  };
}

/** The Application as a person would write it. */
export function shopApplication(
  { name, image, url }: SweptShop,
  { namespace, selfHeal, follow = {} }: SweptShopOptions,
): ApiObject {
  const keys = { 'image-list': `web=${image}:main`, 'web.update-strategy': 'digest', ...follow };
  const annotations = Object.fromEntries(Object.entries(keys).map(([key, value]) => [`tagpin.dev/${key}`, value]));
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      name,
      namespace: ARGO_CD_NAMESPACE,
      annotations: {
        ...annotations,
        ...(namespace === 'pinned' && { 'argocd.argoproj.io/compare-options': 'ServerSideDiff=true' }),
      },
    },
    spec: {
      project: 'default',
      source: { repoURL: url, path: '.', targetRevision: 'main' },
      destination: { server: 'https://kubernetes.default.svc', namespace: name },
      syncPolicy: { automated: { selfHeal: selfHeal === 'on' } },
    },
  };
}

function kustomization(name: string, image: string): Readonly<Record<string, string>> {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: `${image}:main` }] } };
  const spec = { replicas: 1, selector: { matchLabels: labels }, template };
  return {
    'kustomization.yaml': stringify({ resources: ['deployment.yaml'] }),
    'deployment.yaml': stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec }),
  };
}
