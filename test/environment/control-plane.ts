import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueTestClient } from '../support/certificate.ts';
import { eventually } from '../support/eventually.ts';
import { httpsClient } from '../support/https-client.ts';
import { type FinishedProcess, type RunningProcess, runProcess } from '../support/process.ts';
import { apiServerFiles, freePort, startApiServer, startControllers, startEtcd } from './control-plane-processes.ts';
import { PROGRAMS, programFile } from './programs.ts';

/** JSON as an API server sends it; a test knows what it asked for. */
// oxlint-disable-next-line typescript/no-explicit-any -- unknown would turn every assertion into a cast
export type ApiObject = any;

/** A line of the audit log: what tests read of it. https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/ */
export interface AuditEvent {
  readonly auditID: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string; readonly groups?: readonly string[] };
  readonly objectRef?: {
    readonly resource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly subresource?: string;
  };
  readonly responseStatus?: { readonly code: number; readonly reason?: string; readonly message?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ControlPlaneOptions {
  /** `all`: kube-controller-manager runs its controllers, each under its own name. Without: `none`. */
  readonly controllers?: 'none' | 'all';
  /** Further flags of kube-apiserver, `--NAME=VALUE`; one that it is given anyway is replaced. */
  readonly apiServerFlags?: readonly string[];
}

export interface KubectlOptions {
  readonly input?: string;
  readonly kubeconfig?: string;
  readonly directory?: string;
}

/** A real API server with its store, and kubectl at hand. */
export interface ControlPlane {
  /** `https://127.0.0.1:PORT`; the same after a restart. */
  readonly server: string;
  /** PEM of the authority of the server's certificate. */
  readonly authority: string;
  /** For files of the test; it goes with the control plane. */
  readonly folder: string;
  /** The path of a kubeconfig whose user is in `system:masters`. */
  readonly kubeconfig: string;
  /** The path of a kubeconfig of any user, with a client certificate. ServiceAccounts have their groups without being told. */
  kubeconfigFor(user: string, groups?: readonly string[]): Promise<string>;
  /** Runs kubectl; its exit code is for the test to judge. */
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<FinishedProcess>;
  /** `kubectl apply -f -`. @throws AssertionError with what kubectl said. */
  apply(manifest: string | object): Promise<void>;
  /** GETs a path as administrator. @throws AssertionError unless it is there. */
  get(path: string): Promise<ApiObject>;
  /** The requests that have been answered so far, the oldest first. */
  auditEvents(): Promise<readonly AuditEvent[]>;
  /** Kills the API server and starts it again on the same port; ready when this settles. */
  restartApiServer(): Promise<void>;
  /** Kills everything and removes the folder. */
  stop(): Promise<void>;
}

/**
 * Starts etcd, kube-apiserver and, where asked for, kube-controller-manager, and waits until they are ready (5 to 10 s). They end with
 * the test. There is no kubelet and no scheduler: Pods stay Pending.
 */
export async function startControlPlane(
  t: { after(f: () => Promise<void>): void },
  options: ControlPlaneOptions = {},
): Promise<ControlPlane> {
  const { controllers = 'none', apiServerFlags = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), 'tagpin-cluster-'));
  const running: RunningProcess[] = [];
  const stop = async (): Promise<void> => {
    // None of them has anything to lose, and a graceful end waits for every watch.
    for (const process of running) process.signal('SIGKILL');
    await Promise.all(running.map(({ finished }) => finished));
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  t.after(stop);

  const files = await apiServerFiles(folder);
  const port = await freePort();
  const server = `https://127.0.0.1:${port}`;
  const etcd = await startEtcd(folder);
  running.push(etcd);
  const startServer = async (): Promise<RunningProcess> => {
    const process = startApiServer(folder, port, apiServerFlags);
    running.push(process);
    await untilReady('the API server', process, async () => (await isThere('/readyz')) && isThere(DEFAULT_NAMESPACE));
    return process;
  };

  const kubeconfigFor = async (user: string, groups = groupsOf(user)): Promise<string> => {
    const pair = issueTestClient(files.clientAuthority, { name: user, groups });
    const path = join(mkdtempSync(join(folder, 'user-')), 'kubeconfig');
    writeFileSync(path, kubeconfigText({ server, authority: files.authority, ...pair, user }), { mode: 0o600 });
    return path;
  };
  const administrator = issueTestClient(files.clientAuthority, { name: 'admin', groups: ['system:masters'] });
  const client = httpsClient(`127.0.0.1:${port}`, files.authority, administrator);
  t.after(async () => client.close());
  const isThere = async (path: string): Promise<boolean> => (await client.send({ method: 'GET', path })).status === 200;
  const kubeconfig = await kubeconfigFor('kubernetes-admin', ['system:masters']);
  let apiServer = await startServer();
  if (controllers === 'all') {
    const process = startControllers(folder, await kubeconfigFor('system:kube-controller-manager', []));
    running.push(process);
    await untilReady('the controllers', process, () => isThere(`${DEFAULT_NAMESPACE}/serviceaccounts/default`));
  }

  const kubectl = (args: readonly string[], { kubeconfig: as = kubeconfig, ...more }: KubectlOptions = {}) =>
    runProcess(programFile(PROGRAMS.kubectl), args, {
      environment: { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: as },
      ...more,
    });

  return {
    server,
    authority: files.authority,
    folder,
    kubeconfig,
    kubeconfigFor,
    kubectl,
    async apply(manifest) {
      const input = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
      const { code, stderr } = await kubectl(['apply', '-f', '-'], { input });
      assert.equal(code, 0, stderr);
    },
    async get(path) {
      const { status, text } = await client.send({ method: 'GET', path });
      assert.equal(status, 200, `${path}: ${text}`);
      return JSON.parse(text);
    },
    async auditEvents() {
      // The last line may be half written.
      const lines = readFileSync(join(folder, 'audit.log'), 'utf8').split('\n').slice(0, -1);
      return lines.map((line) => JSON.parse(line) as AuditEvent);
    },
    async restartApiServer() {
      apiServer.signal('SIGKILL');
      await apiServer.finished;
      apiServer = await startServer();
    },
    stop,
  };
}

const DEFAULT_NAMESPACE = '/api/v1/namespaces/default';

/** @throws Error with everything that the process wrote when it ends, or does not get ready. */
async function untilReady(what: string, process: RunningProcess, isReady: () => Promise<boolean>): Promise<void> {
  let hasEnded = false;
  void process.finished.then(() => {
    hasEnded = true;
  });
  try {
    await eventually(`${what} is ready`, async () => hasEnded || isReady(), { seconds: 120 });
    assert.ok(!hasEnded, `${what} ended`);
  } catch (cause) {
    throw new Error(`${(cause as Error).message}:\n${process.output()}`, { cause });
  }
}

/** As the API server's own authenticator has it; `system:authenticated` it adds itself. */
function groupsOf(user: string): readonly string[] {
  const [, namespace] = /^system:serviceaccount:([^:]+):[^:]+$/.exec(user) ?? [];
  return namespace === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
}

interface Kubeconfig {
  readonly server: string;
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  readonly user: string;
}

/** JSON is YAML. */
function kubeconfigText({ server, authority, certificate, key, user }: Kubeconfig): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': base64(authority) } }],
    users: [{ name: user, user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user } }],
    'current-context': 'test',
  });
}
