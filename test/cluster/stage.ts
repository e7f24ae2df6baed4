import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { ApiObject } from '../environment/control-plane.ts';
import { type Distribution, startDistribution } from '../environment/distribution.ts';
import { CONTROL_PLANE, PROGRAMS, skipWithout } from '../environment/programs.ts';
import { openWorkbench } from '../environment/workbench.ts';
import {
  type ClusterWebhook,
  type InstalledPlane,
  linesOf,
  startClusterWebhook,
  startInstalledPlane,
} from '../support/cluster-webhook.ts';
import { eventually } from '../support/eventually.ts';
import { policyFor } from '../support/webhook-process.ts';
import { manifest } from './manifests.ts';

/** Why tests on a stage can't run; false where they can. */
export const skip: string | false = skipWithout(...CONTROL_PLANE, PROGRAMS.registry, PROGRAMS.crane);

/** What kubectl said. */
export interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

/** A cluster with controllers, a registry with images, and the webhook as it ships. */
export interface Stage {
  readonly plane: InstalledPlane;
  readonly registry: Distribution;
  /** The one that was started last. */
  webhook(): ClusterWebhook;
  /** Replaces what the policy says besides the registries; settles when it is in force. */
  changePolicy(more: string): Promise<void>;
  /** Starts another webhook where the first one was, once that has been stopped. */
  startWebhook(): Promise<void>;
  /** `REGISTRY/PATH`. */
  image(path: string): string;
  /** Makes a reference of `image` mean something that it has never meant. @returns the digest. */
  push(reference: string): Promise<string>;
  /** Creates a namespace; `opted in` with the label. @returns its name. */
  namespace(name: string, label?: 'opted in' | 'not opted in'): Promise<string>;
  /** Runs kubectl. @throws AssertionError with what it said where it fails. */
  kubectl(args: readonly string[], input?: object): Promise<Said>;
  /** `kubectl apply -f -`. */
  apply(object: object): Promise<Said>;
  /** What is stored: `deployment/web` in a namespace. */
  stored(namespace: string, name: string): Promise<ApiObject>;
  /** All of a kind in a namespace, the oldest first, as soon as they are as they should be. */
  list(namespace: string, kind: string, areRight: (items: ApiObject[]) => boolean): Promise<ApiObject[]>;
  /**
   * Applies what was applied before, and makes sure that nothing is stored by it.
   *
   * @param name `deployment/web`
   */
  applyAgain(namespace: string, name: string, object: object): Promise<Said>;
  close(): Promise<void>;
}

export interface StageOptions {
  /** Lines of the policy besides the registries: `rules:` and `defaults:`. */
  readonly policy?: string;
}

/** Sets the stage; about 12 seconds on an idle machine. */
export async function openStage({ policy = '' }: StageOptions = {}): Promise<Stage> {
  await using setUp = new AsyncDisposableStack();
  let lifetime: AsyncDisposableStack = setUp;
  const t = { after: (end: () => unknown): void => lifetime.defer(async () => void (await end())) };
  const [registry, plane] = await Promise.all([startDistribution(), startInstalledPlane(t, { controllers: 'all' })]);
  setUp.defer(() => registry.stop());
  const { host } = registry;
  const bench = openWorkbench(t, { host, hostPolicy: { plainHttp: true } });
  const writePolicy = (more: string): Promise<void> =>
    plane.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'tagpin-policy', namespace: 'tagpin-system' },
      // Tags move here all the time, and what is new has to be seen at once.
      data: { 'policy.yaml': policyFor(host, more).replace('registries:\n', 'registries:\n  freshFor: 0s\n') },
    });
  await writePolicy(policy);
  let webhook = await startClusterWebhook(t, plane);

  const kubectl = async (args: readonly string[], input?: object): Promise<Said> => {
    const { code, stdout, stderr } = await plane.kubectl(
      args,
      input === undefined ? {} : { input: JSON.stringify(input) },
    );
    assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}${stdout}`);
    return { stdout, stderr };
  };
  const stage: Omit<Stage, 'close'> = {
    plane,
    registry,
    webhook: () => webhook,
    async startWebhook() {
      webhook = await startClusterWebhook(t, plane);
    },
    async changePolicy(more) {
      const inForce = (): number => linesOf(webhook, 'policy in force').length;
      const before = inForce();
      await writePolicy(more);
      await eventually('the policy is in force', () => inForce() > before);
    },
    image: (path: string) => `${host}/${path}`,
    push: (reference: string) => bench.pushImage(reference, randomBytes(16).toString('hex')),
    async namespace(name: string, label: 'opted in' | 'not opted in' = 'opted in') {
      const labels = label === 'opted in' ? { 'tagpin.dev/inject': 'enabled' } : {};
      await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
      return name;
    },
    kubectl,
    apply: (object: object) => kubectl(['apply', '-f', '-'], object),
    async stored(namespace: string, name: string) {
      return JSON.parse((await kubectl(['get', '-n', namespace, '-o', 'json', name])).stdout);
    },
    list: (namespace: string, kind: string, areRight: (items: ApiObject[]) => boolean) =>
      eventually(`${kind} of ${namespace}`, async () => {
        const args = ['get', '-n', namespace, '-o', 'json', '--sort-by', '.metadata.creationTimestamp', kind];
        const { items } = JSON.parse((await kubectl(args)).stdout);
        return areRight(items) ? (items as ApiObject[]) : null;
      }),
    async applyAgain(namespace: string, name: string, object: object) {
      const before = await stage.stored(namespace, name);
      const said = await stage.apply(object);
      assert.deepEqual(written(await stage.stored(namespace, name)), written(before));
      // Controllers write the status meanwhile; sooner or later they have said all.
      await eventually(`${name} of ${namespace} keeps its resourceVersion`, async () => {
        const { resourceVersion } = (await stage.stored(namespace, name)).metadata;
        await stage.apply(object);
        return (await stage.stored(namespace, name)).metadata.resourceVersion === resourceVersion;
      });
      return said;
    },
  };
  await stage.namespace('is-it-served');
  await stage.push(stage.image('is/it:served'));
  const probe = manifest('Deployment', 'is-it-served', stage.image('is/it:served'));
  await eventually('the API server asks the webhook', async () => {
    const { stdout } = await kubectl(['create', '--dry-run=server', '-o', 'json', '-f', '-'], probe);
    return stdout.includes('@sha256:');
  });
  lifetime = setUp.move();
  return { ...stage, close: () => lifetime.disposeAsync() };
}

/** What users wrote of an object, and the webhook. */
function written({ metadata, ...object }: ApiObject): object {
  const { labels, annotations, generation } = metadata;
  return { labels, annotations, generation, spec: object.spec, template: object.template };
}
