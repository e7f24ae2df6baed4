import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { chmod, mkdtemp } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { ARGO_CD, argoCdSources } from '../environment/argo-cd.ts';
import type { ControlPlane } from '../environment/control-plane.ts';
import { freePort } from '../environment/control-plane-processes.ts';
import { PROGRAMS, programFile } from '../environment/programs.ts';
import { eventually } from '../support/eventually.ts';
import { type RunningProcess, startProcess } from '../support/process.ts';

/** Where Argo CD and its Applications are. */
export const ARGO_CD_NAMESPACE = 'argocd';

/** How often an Application is compared without a reason, in seconds. Argo CD's own default is 120, and up to 60 more. */
export const RESYNC_SECONDS = 30;

/** An Argo CD without its API server and its pages. */
export interface ArgoCd {
  readonly controller: RunningProcess;
  readonly repoServer: RunningProcess;
}

/**
 * Installs Argo CD's own manifests in a control plane, and starts redis, the repo-server and the application controller
 * beside it. They end with the test.
 */
export async function startArgoCd(t: { after(f: () => Promise<void>): void }, plane: ControlPlane): Promise<ArgoCd> {
  const sources = await argoCdSources();
  await install(plane, sources);
  const folder = await mkdtemp(join(plane.folder, 'argocd-'));
  // What stands in for the cluster that it believes to be in; the controller's flag is for its own reading.
  const environment = { ...(await environmentIn(folder, sources)), KUBECONFIG: plane.kubeconfig };
  const running: RunningProcess[] = [];
  t.after(async () => {
    for (const process of running) process.signal('SIGKILL');
    await Promise.all(running.map(({ finished }) => finished));
  });
  const start = (program: string, args: readonly string[]): RunningProcess => {
    const process = startProcess(program, args, { environment, directory: folder });
    running.push(process);
    return process;
  };
  const redis = `127.0.0.1:${await freePort()}`;
  const repoServer = `127.0.0.1:${await freePort()}`;
  const keepNothing = ['--save', '', '--appendonly', 'no'];
  const store = start('redis-server', ['--bind', '127.0.0.1', '--port', portOf(redis), ...keepNothing]);
  await store.waitFor(/Ready to accept connections/);
  const repo = start(
    join(folder, 'bin', 'argocd-repo-server'),
    flags({
      address: '127.0.0.1',
      port: portOf(repoServer),
      'metrics-address': '127.0.0.1',
      'metrics-port': await freePort(),
      'disable-tls': true,
      'client-ca-path': '',
      redis,
    }),
  );
  await repo.waitFor(/is listening on/);
  const controller = start(
    join(folder, 'bin', 'argocd-application-controller'),
    flags({
      kubeconfig: plane.kubeconfig,
      namespace: ARGO_CD_NAMESPACE,
      'repo-server': repoServer,
      'repo-server-plaintext': true,
      redis,
      'metrics-port': await freePort(),
      'app-resync': RESYNC_SECONDS,
      'app-resync-jitter': 0,
    }),
  );
  return { controller, repoServer: repo };
}

async function install(plane: ControlPlane, sources: string): Promise<void> {
  const apply = async (...args: readonly string[]): Promise<void> => {
    // The Application's definition is larger than what an annotation of kubectl may be.
    const { code, stderr } = await plane.kubectl(['apply', '--server-side', '-n', ARGO_CD_NAMESPACE, ...args]);
    assert.equal(code, 0, stderr);
  };
  await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: ARGO_CD_NAMESPACE } });
  const crds = ['application', 'applicationset', 'appproject'];
  await apply(...crds.flatMap((name) => ['-f', join(sources, 'manifests', 'crds', `${name}-crd.yaml`)]));
  const settings = ['argocd-cm', 'argocd-rbac-cm', 'argocd-secret'];
  await apply(...settings.flatMap((name) => ['-f', join(sources, 'manifests', 'base', 'config', `${name}.yaml`)]));
  const areServed = async (): Promise<boolean> => {
    for (const kind of ['applications', 'appprojects']) await plane.get(`/apis/argoproj.io/v1alpha1/${kind}`);
    return true;
  };
  await eventually("Argo CD's kinds are served", areServed, { seconds: 60 });
  await plane.apply({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: 'default', namespace: ARGO_CD_NAMESPACE },
    spec: { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }] },
  });
}

/** Everything that it would look for in `/app` and `/home/argocd`, in a folder instead. */
async function environmentIn(folder: string, sources: string): Promise<Record<string, string | undefined>> {
  const place = (name: string): string => {
    mkdirSync(join(folder, name), { recursive: true });
    return join(folder, name);
  };
  const bin = place('bin');
  for (const name of ['argocd-repo-server', 'argocd-application-controller']) {
    symlinkSync(programFile(ARGO_CD), join(bin, name));
  }
  // Go keeps them without the permission to run them, and every Application fails without that.
  for (const name of ['git-verify-wrapper.sh', 'gpg-wrapper.sh']) {
    copyFileSync(join(sources, 'hack', name), join(bin, name));
    await chmod(join(bin, name), 0o755);
  }
  return {
    PATH: [bin, dirname(programFile(PROGRAMS.helm)), process.env['PATH']].join(delimiter),
    HOME: place('home'),
    TMPDIR: place('tmp'),
    ARGOCD_FAKE_IN_CLUSTER: 'true',
    ARGOCD_GPG_ENABLED: 'false',
    ARGOCD_TLS_DATA_PATH: place('tls'),
    ARGOCD_SSH_DATA_PATH: place('ssh'),
    ARGOCD_GPG_DATA_PATH: place('gpg'),
    ARGOCD_GNUPGHOME: place('gnupg'),
    ARGOCD_PLUGINSOCKFILEPATH: place('plugins'),
  };
}

function flags(values: Readonly<Record<string, string | number | boolean>>): string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`);
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1);
}
