import { join } from 'node:path';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { freePort } from '../environment/control-plane-processes.ts';
import { installObjects, type Rendered } from './chart.ts';
import { eventually } from './eventually.ts';
import { startProcess } from './process.ts';
import { type LogLine, type WebhookOutput, webhookOutput } from './webhook-process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/tagpin');
const USER = 'system:serviceaccount:tagpin-system:tagpin-webhook';

/** What ends with a test, or with a file of them. */
interface Lifetime {
  after(end: () => unknown): void;
}

/** A control plane in which tagpin is installed from deploy/, and where its webhooks are called on loopback. */
export interface InstalledPlane extends ControlPlane {
  /** The port at which the API server calls the webhook, whoever listens there. */
  readonly port: number;
}

/** How a webhook is started. */
export interface ClusterWebhookOptions {
  /** Arguments besides those that say where it is. */
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where it serves; the port of the installed webhooks unless given. */
  readonly port?: number;
  /** Settles when it listens (default), or when it is ready. */
  readonly until?: 'started' | 'listening' | 'ready';
}

/** A webhook in a cluster, as its own process, which may only do what its ServiceAccount may. */
export interface ClusterWebhook extends WebhookOutput {
  /** Waits until it is ready. */
  ready(): Promise<void>;
}

/** The objects of deploy/install.yaml, with what only a kubelet and a Service could do put on loopback. */
export function installedOn(port: number): readonly Rendered[] {
  return installObjects()
    .filter(({ kind }) => kind !== 'Deployment')
    .map((object) => {
      if (object.webhooks === undefined) return object;
      const webhooks = object.webhooks.map((webhook: Rendered) => {
        const { service, ...rest } = webhook.clientConfig;
        return { ...webhook, clientConfig: { ...rest, url: `https://127.0.0.1:${port}${service.path}` } };
      });
      return { ...object, webhooks };
    });
}

/** Starts a control plane and installs tagpin in it; nothing runs yet. */
export async function startInstalledPlane(
  t: Lifetime,
  options: Parameters<typeof startControlPlane>[1] = {},
): Promise<InstalledPlane> {
  const plane = await startControlPlane({ after: (end) => t.after(end) }, options);
  const port = await freePort();
  const objects = installedOn(port);
  // What the others are in has to be there first.
  await plane.apply(objects.find(({ kind }) => kind === 'Namespace'));
  await plane.apply({ apiVersion: 'v1', kind: 'List', items: objects });
  return Object.assign(plane, { port });
}

/** Starts a webhook there; it ends with the test. */
export async function startClusterWebhook(
  t: Lifetime,
  plane: InstalledPlane,
  options: ClusterWebhookOptions = {},
): Promise<ClusterWebhook> {
  const { args = ['--drain=0s'], port = plane.port, until = 'ready' } = options;
  const kubeconfig = await plane.kubeconfigFor(USER);
  const child = startProcess(
    process.execPath,
    [
      MAIN,
      'webhook',
      `--kubeconfig=${kubeconfig}`,
      // With another source the names in the certificate are not ours to choose.
      ...(args.some((arg) => arg.startsWith('--certificates=')) ? [] : ['--certificate-hosts=127.0.0.1']),
      `--listen=127.0.0.1:${port}`,
      '--operations-listen=127.0.0.1:0',
      ...args,
    ],
    {
      directory: plane.folder,
      environment: {
        PATH: process.env['PATH'],
        HOME: '/nonexistent',
        NODE_COMPILE_CACHE: COMPILED,
        ...options.environment,
      },
    },
  );
  t.after(() => child.stop());
  await child.waitFor(/"server":"operations"/);
  const output = webhookOutput(child);
  const webhook = {
    ...output,
    async ready(): Promise<void> {
      await eventually('the webhook is ready', async () => {
        const { status, body } = await output.page('/readyz');
        if (status !== 200) throw new Error(body);
        return true;
      });
    },
  };
  if (until === 'listening') await child.waitFor(/"server":"admission"/);
  if (until === 'ready') await webhook.ready();
  return webhook;
}

/** What the webhook's log says with such a message, the oldest first. */
export function linesOf(webhook: WebhookOutput, message: string): readonly LogLine[] {
  return webhook.lines().filter((line) => line['msg'] === message);
}
