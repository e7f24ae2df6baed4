import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiObject } from '../environment/control-plane.ts';
import { openWorkbench } from '../environment/workbench.ts';
import { eventually } from '../support/eventually.ts';
import { policyFor, startWebhook, type WebhookProcess, webhookFolder } from '../support/webhook-process.ts';
import { ARGO_CD_NAMESPACE, RESYNC_SECONDS } from './argocd.ts';
import { openRepository } from './repository.ts';
import type { Stage } from './stage.ts';

/** What users can set on an Application, as far as it matters here. */
export interface ShopOptions {
  readonly diff: 'server-side' | 'default';
  readonly apply: 'client-side' | 'server-side';
  readonly selfHeal: 'on' | 'off';
}

/** What runs, and what Argo CD thinks of it. */
export interface ShopState {
  readonly sync: 'Synced' | 'OutOfSync' | 'Unknown';
  /** Syncs that have come to an end since the beginning. */
  readonly syncs: number;
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

/** An Application of one Deployment, in a namespace that has a webhook of its own. */
export interface Shop {
  /** Of the Application, the namespace and the Deployment. */
  readonly name: string;
  /** Pushes another image. @returns `@sha256:…` */
  push(tag: string): Promise<string>;
  /** Waits until no digest from before is fresh enough to be recorded. */
  outliveFreshness(): Promise<void>;
  /** Commits the Deployment with a tag, and waits until Argo CD has synced it. @returns the seconds from the commit. */
  commit(tag: string): Promise<number>;
  /** `git revert HEAD`, likewise. */
  revert(): Promise<number>;
  /** Asks Argo CD to compare, and waits until it has. */
  compare(how: 'normal' | 'hard'): Promise<void>;
  /** Waits longer than it takes until everything is compared once without a reason. */
  rest(): Promise<void>;
  state(): Promise<ShopState>;
  /** The Application's `status`. */
  status(): Promise<ApiObject>;
  admissions(): Promise<Admissions>;
  /** Runs kubectl in the namespace. @returns what it printed. @throws AssertionError when it fails. */
  kubectl(...args: readonly string[]): Promise<string>;
  stopWebhook(): Promise<void>;
  /** Starts it again where it was. */
  startWebhook(): Promise<void>;
}

/** The policy's `freshFor`. */
const FRESH_SECONDS = 1;
/** Longer than it takes anywhere, also on a machine that does other things. */
const PATIENCE = { seconds: 90 };

let shops = 0;

/** Opens one; the Application is created, and git has nothing yet. */
export async function openShop(t: TestContext, stage: Stage, options: ShopOptions): Promise<Shop> {
  const { plane, registry } = stage;
  shops += 1;
  const name = `shop-${shops}`;
  const image = `${registry}/${name}`;
  const bench = openWorkbench(t, { host: registry, hostPolicy: { plainHttp: true } });
  const repository = await openRepository(plane.folder);
  const folder = await webhookFolder(t, { policy: policyFor(registry, `  freshFor: ${FRESH_SECONDS}s\n`) });
  let webhook: WebhookProcess = await startWebhook(t, folder);
  const { address } = webhook;
  await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await plane.apply(registration(name, `https://${address}/mutate`, folder.certificates.authority.certificate));
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${ARGO_CD_NAMESPACE}/applications/${name}`;
  const status = async (): Promise<ApiObject> => (await plane.get(path)).status ?? {};
  let images = 0;

  const kubectl = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await plane.kubectl(['-n', name, ...args]);
    assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`);
    return stdout + stderr;
  };
  const compare = async (how: 'normal' | 'hard'): Promise<void> => {
    const annotation = `argocd.argoproj.io/refresh=${how}`;
    await kubectl('-n', ARGO_CD_NAMESPACE, 'annotate', '--overwrite', 'applications.argoproj.io', name, annotation);
    // The controller takes it away together with what it found.
    const isCompared = async (): Promise<boolean> =>
      (await plane.get(path)).metadata.annotations?.['argocd.argoproj.io/refresh'] === undefined;
    await eventually(`${name} is compared`, isCompared, PATIENCE);
  };
  const syncTo = async (commit: string): Promise<number> => {
    const start = performance.now();
    await compare('normal');
    const isSynced = async (): Promise<boolean> => {
      const { operationState, sync } = await status();
      return (
        operationState?.phase === 'Succeeded' &&
        operationState.syncResult?.revision === commit &&
        sync?.revision === commit
      );
    };
    await eventually(`${name} is synced to ${commit}`, isSynced, PATIENCE);
    return (performance.now() - start) / 1000;
  };
  await plane.apply(application(name, repository.url, options));
  t.after(async () => {
    await kubectl('-n', ARGO_CD_NAMESPACE, 'delete', 'applications.argoproj.io', name, '--wait=false');
  });

  return {
    name,
    async push(tag) {
      images += 1;
      return `@${await bench.pushImage(`${image}:${tag}`, `image ${images} of ${name}`)}`;
    },
    outliveFreshness: () => sleep(FRESH_SECONDS * 1000 + 200),
    commit: async (tag) => syncTo(await repository.commit(deployment(name, `${image}:${tag}`))),
    revert: async () => syncTo(await repository.revert()),
    compare,
    rest: () => sleep((RESYNC_SECONDS + 5) * 1000),
    async state() {
      const [{ sync }, stored, sets, events] = await Promise.all([
        status(),
        plane.get(`/apis/apps/v1/namespaces/${name}/deployments/${name}`),
        plane.get(`/apis/apps/v1/namespaces/${name}/replicasets`),
        plane.get(`/api/v1/namespaces/${ARGO_CD_NAMESPACE}/events`),
      ]);
      return {
        sync: sync.status,
        syncs: events.items.filter(isEndOfSync(name)).length,
        runs: stored.spec.template.spec.containers[0].image.slice(image.length),
        replicaSets: sets.items.length,
        revision: Number(stored.metadata.annotations['deployment.kubernetes.io/revision']),
      };
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
    async stopWebhook() {
      await webhook.process.stop();
    },
    async startWebhook() {
      webhook = await startWebhook(t, folder, ['--drain', '0s', '--listen', address]);
    },
  };
}

/** The controller writes one Event for the beginning of a sync, and one for its end. */
function isEndOfSync(name: string): (event: ApiObject) => boolean {
  return ({ reason, involvedObject }) => reason === 'OperationCompleted' && involvedObject.name === name;
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

/** Both entries as they are installed, for one namespace. */
function registration(name: string, url: string, authority: string): object {
  const entry = (entryName: string, failurePolicy: string, rules: object) => ({
    name: entryName,
    failurePolicy,
    rules: [{ operations: ['CREATE', 'UPDATE'], apiVersions: ['v1'], ...rules }],
    clientConfig: { url, caBundle: Buffer.from(authority).toString('base64') },
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
    admissionReviewVersions: ['v1'],
    sideEffects: 'NoneOnDryRun',
    matchPolicy: 'Equivalent',
    reinvocationPolicy: 'IfNeeded',
    timeoutSeconds: 10,
  });
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: `tagpin-${name}` },
    webhooks: [
      entry('workloads.tagpin.dev', 'Fail', { apiGroups: ['apps'], resources: ['deployments', 'replicasets'] }),
      entry('pods.tagpin.dev', 'Ignore', { apiGroups: [''], resources: ['pods'] }),
    ],
  };
}
