import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach } from 'node:test';
import { parse, stringify } from 'yaml';
import { property } from '../../src/core/workload/json.ts';
import type { Manifest } from './admission.ts';
import { rowsOf } from './audited-cluster.ts';
import { issueTestCertificates } from './certificate.ts';
import { type GitServer, type GitServerOptions, serveGit } from './git-http.ts';
import type { Lifetime, RemoteRepository } from './git-repository.ts';
import { openPageShell, type Page, type PageShell, replaced } from './page.ts';
import { type SweptRow, sweptCluster } from './swept-cluster.ts';

/** Who may come to a repository. */
export interface TrustedGitOptions {
  readonly user: string;
  readonly password: string;
  readonly projects?: readonly string[];
  readonly before?: NonNullable<GitServerOptions['before']>;
}

/** Keys take time, and no test needs its own. */
const certificates = issueTestCertificates();

/** What Argo CD's own namespace is made to hold no longer between two tests. */
const EMPTIED = ['applications', 'appprojects', 'imageupdaters', 'leases', 'secrets', 'configmaps'];

/**
 * A cluster on which a page of `deploy/` is tried: Argo CD's resources in the namespace `argocd`, empty at the start of each test, and a
 * registry that the policy names as the mirror of `ghcr.io`, so that manifests stay as they are written.
 */
export function pagedCluster(page: Page) {
  const cluster = sweptCluster();
  const { shared } = cluster;
  let shells = 0;
  beforeEach(async () => {
    for (const name of ['argocd', 'tagpin-system']) {
      await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
    const served = (await shared.plane.kubectl(['api-resources', '-o', 'name'])).stdout.split('\n');
    const there = EMPTIED.filter((each) => served.some((name) => name.split('.')[0] === each)).join();
    await kubectl('delete', there, '--all', '-n', 'argocd');
    await kubectl('delete', 'configmaps,secrets', '--all', '-n', 'tagpin-system');
  });

  async function kubectl(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await shared.plane.kubectl(args);
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** The policy of a file of the page, with the registry of the test in the place of `ghcr.io`. */
  function policyWithMirror(file: string, replace: Readonly<Record<string, string>>): string {
    const object = parse(replaced(page.file(file), replace)) as { data: Record<string, string> };
    const { host } = cluster.registry();
    const hosts = [
      { host: 'ghcr.io', mirror: host },
      { host, plainHttp: true },
    ];
    const policy = { ...parse(object.data['policy.yaml'] ?? ''), registries: { hosts } };
    return stringify({ ...object, data: { 'policy.yaml': stringify(policy) } });
  }

  return {
    ...cluster,
    kubectl,

    /** A shell in a folder with the page's files; `replace` says which hosts stand for which. */
    shell(replace: Readonly<Record<string, string>> = {}): PageShell {
      shells += 1;
      const folder = join(shared.plane.folder, `page-${shells}`);
      rmSync(folder, { recursive: true, force: true });
      const shell = openPageShell(folder, { KUBECONFIG: shared.plane.kubeconfig });
      page.write(folder, replace, (file, text) => (isPolicy(text) ? policyWithMirror(file, replace) : null));
      return shell;
    },

    /**
     * Serves a repository over https, to one user, with an authority that Argo CD trusts; the projects that the page's Applications are
     * in permit it.
     */
    async serveTrusted(
      t: Lifetime,
      repository: RemoteRepository,
      { user, password, projects = ['default'], before: answer }: TrustedGitOptions,
    ): Promise<GitServer> {
      const { authority, serving } = await certificates;
      const server = await serveGit(t, repository, {
        authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
        tls: serving,
        ...(answer !== undefined && { before: answer }),
      });
      const data = { '127.0.0.1': authority.certificate };
      const metadata = { name: 'argocd-tls-certs-cm', namespace: 'argocd' };
      await shared.plane.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
      for (const name of projects) {
        await shared.plane.apply({
          apiVersion: 'argoproj.io/v1alpha1',
          kind: 'AppProject',
          metadata: { name, namespace: 'argocd' },
          spec: { sourceRepos: [`${server.origin}/*/*`] },
        });
      }
      return server;
    },

    /** What there is of Image Updater itself: a Deployment that can be scaled, and runs nowhere. */
    async deployImageUpdater(): Promise<void> {
      const labels = { app: 'image-updater' };
      const containers = [{ name: 'controller', image: 'quay.io/argoprojlabs/argocd-image-updater:v1.3.0' }];
      const template = { metadata: { labels }, spec: { containers } };
      await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
      await shared.plane.apply({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'argocd-image-updater-controller', namespace: 'argocd' },
        spec: { replicas: 1, selector: { matchLabels: labels }, template },
      });
    },

    /** Sweeps all there is, with a folder for mirrors that stays. */
    async sweepAll(...args: readonly string[]): Promise<readonly SweptRow[]> {
      const mirrors = `--git-directory=${join(shared.plane.folder, 'mirrors')}`;
      const { stdout, stderr } = await cluster.run('--once', '-o', 'json', mirrors, ...args);
      assert.equal(stderr, '');
      return rowsOf(stdout) as unknown as readonly SweptRow[];
    },

    /** `outcome reason` of each row, under the names of its Application and image. */
    summaries: (rows: readonly SweptRow[]): readonly string[] =>
      rows.map(({ target, alias, outcome, reason }) => `${target.name} ${alias}: ${outcome} ${reason}`).toSorted(),

    /** Sets what Image Updater, or Argo CD, would have set. */
    async patch(name: string, patch: Manifest): Promise<void> {
      await kubectl('patch', 'application', name, '-n', 'argocd', '--type=merge', '-p', JSON.stringify(patch));
    },

    /** Helm's parameters of an Application, by name. */
    async parameters(name: string): Promise<Readonly<Record<string, unknown>>> {
      const source = property((await cluster.get('argocd', name))['spec'], 'source');
      const parameters = (property(property(source, 'helm'), 'parameters') ?? []) as Manifest[];
      return Object.fromEntries(parameters.map(({ name: key, value }) => [key, value]));
    },
  };
}

function isPolicy(text: string): boolean {
  return /^kind: ConfigMap$/m.test(text) && text.includes('kind: TagPolicy');
}
