import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Policy } from '../../core/policy/schema.ts';
import { type AppProject, permitsNamespace, permitsSource } from '../../core/target/repository/app-project.ts';
import {
  matchRepository,
  type RepositorySecret,
  type RepositorySettings,
} from '../../core/target/repository/repository-secret.ts';
import { createRepositories } from '../../git/commit.ts';
import type { RepositoryAccess } from '../../git/credentials.ts';
import { createAppTokens } from '../../git/github-app.ts';
import { createPullRequests } from '../../git/hosting/pull-request.ts';
import type { SigningKey } from '../../git/signing.ts';
import { readRepositoryUrl, showUrl } from '../../git/url.ts';
import { getAppProject } from '../../kubernetes/argo-cd/app-projects.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { KubernetesError } from '../../kubernetes/request/error.ts';
import {
  listRepositorySecrets,
  type RepositoryTrust,
  readGitSecret,
  readRepositoryTrust,
} from '../../kubernetes/secrets/repository-secrets.ts';
import { readSecretValues } from '../../kubernetes/secrets/secret-values.ts';
import type { Log } from '../../platform/log.ts';
import { createApiClient } from '../../platform/network/api-client.ts';
import {
  type CommitNeeds,
  createCommitTargets,
  type GrantedAccess,
  type WantedRepository,
} from '../../sweeper/application/commit-targets.ts';
import type { CommitTargets } from '../../sweeper/applications.ts';

/** What commits are made with. */
export interface CommitsOptions {
  readonly client: KubernetesClient;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Of the mirrors; null for one among temporary files. */
  readonly folder: string | null;
  readonly ownNamespace: string;
  /** Where Argo CD is. */
  readonly controllerNamespace: () => string;
  readonly log: Log;
}

/** The writer of method `git`, and how to be done with it. */
export interface Commits {
  readonly commit: CommitTargets;
  close(): Promise<void>;
}

/** For all requests to a host of pull requests together. */
const PROPOSE_MILLISECONDS = 120_000;

/**
 * Wires the commits of a sweep: the repositories that the AppProject permits, with the credentials that Argo CD's own Secrets or the
 * Application's name, through mirrors.
 */
export function openCommits(options: CommitsOptions): Commits {
  const { client, environment, ownNamespace, controllerNamespace, log } = options;
  const api = createApiClient(environment);
  const appToken = createAppTokens({ send: (request) => api.send(request), now: Date.now });
  const repositories = createRepositories({
    folder: options.folder ?? join(tmpdir(), 'tagpin-repositories'),
    environment,
    appToken,
  });
  const proposeChange = createPullRequests({ send: (request) => api.send(request), appToken });

  /** What a cycle reads once. */
  function openNeeds(): CommitNeeds<RepositoryAccess> {
    const once = <T>(load: () => Promise<T>): (() => Promise<T>) => {
      let loaded: Promise<T> | null = null;
      return () => {
        loaded ??= load();
        return loaded;
      };
    };
    const never = new AbortController().signal;
    const projects = new Map<string, Promise<AppProject | null>>();
    const project = (name: string): Promise<AppProject | null> => {
      const known = projects.get(name) ?? getAppProject(client, { namespace: controllerNamespace(), name }, never);
      projects.set(name, known);
      return known;
    };
    const secrets = once(() => listRepositorySecrets(client, controllerNamespace(), never));
    const trust = once(() => readRepositoryTrust(client, controllerNamespace(), never));

    return {
      controllerNamespace,
      access: (wanted, signal) =>
        orFailed(signal, () =>
          grantAccess(wanted, { client, controllerNamespace: controllerNamespace(), project, secrets, trust }, signal),
        ),
      async commit({ access, base, push, edit, git, signal }) {
        const signing = await orFailed(signal, () => readSigningKey(client, ownNamespace, git, signal));
        if (signing !== null && 'message' in signing) return signing;
        const { author, signOff } = git;
        const outcome = await orFailed(signal, () =>
          repositories.commit({
            repository: access,
            base,
            push,
            edit: (files, head) => edit((path) => files.read(path), head.branch),
            author,
            signing,
            signOff: signOff ? 'yes' : 'no',
            signal,
          }),
        );
        if ('message' in outcome) return outcome;
        const { kind, branch, commit } = outcome;
        if (kind === 'pushed')
          log.info('commit', { repository: showUrl(access.url), branch, commit, paths: outcome.paths });
        return { kind, branch, base: outcome.base };
      },
      async propose({ access, settings, branch, base, message, target, signal }) {
        const ending = AbortSignal.any([signal, AbortSignal.timeout(PROPOSE_MILLISECONDS)]);
        const { provider, labels } = settings;
        const wanted = { repository: access, provider, apiUrl: null, branch, base, message, labels, target };
        const outcome = await orFailed(signal, () => proposeChange({ ...wanted, signal: ending }));
        if ('message' in outcome) return outcome;
        const { kind, url } = outcome;
        if (kind !== 'unchanged')
          log.info('pull request', { repository: showUrl(access.url), branch, state: kind, url });
        return { kind: 'done' };
      },
    };
  }

  return {
    commit: (plans, context) => createCommitTargets(openNeeds())(plans, context),
    close: () => api.close(),
  };
}

/** What the Application's project and the Secrets that are for it allow. */
async function grantAccess(
  { application, url, credentials }: WantedRepository,
  cluster: {
    readonly client: KubernetesClient;
    readonly controllerNamespace: string;
    readonly project: (name: string) => Promise<AppProject | null>;
    readonly secrets: () => Promise<readonly RepositorySecret[]>;
    readonly trust: () => Promise<RepositoryTrust>;
  },
  signal: AbortSignal,
): Promise<GrantedAccess<RepositoryAccess>> {
  const { client, controllerNamespace } = cluster;
  const { project: name, namespace } = application;
  const project = await cluster.project(name);
  if (project === null) return refused(`there is no AppProject ${name} in ${controllerNamespace}`);
  if (!permitsNamespace(project, namespace, controllerNamespace)) {
    return refused(`the AppProject ${name} does not permit Applications of the namespace ${namespace}`);
  }
  if (!permitsSource(project, url))
    return refused(`the AppProject ${name} does not permit ${showUrl(url)}: see its sourceRepos`);
  if (credentials.kind === 'secret') {
    const { namespace: of, name: secret } = credentials;
    const wanted = { applicationNamespace: namespace, secret: { namespace: of, name: secret }, url };
    const read = await readGitSecret(client, wanted, signal);
    return 'refused' in read ? refused(read.refused) : granted(url, read, await cluster.trust());
  }
  const matched = matchRepository(await cluster.secrets(), { url, project: name });
  if (matched.kind === 'refused') return refused(matched.problem);
  const settings = matched.kind === 'found' ? matched.settings : null;
  return granted(url, settings, await cluster.trust());
}

function granted(
  url: string,
  settings: RepositorySettings | null,
  trust: RepositoryTrust,
): GrantedAccess<RepositoryAccess> {
  if (settings !== null && settings.credential === null && settings.problem !== null) return refused(settings.problem);
  const read = readRepositoryUrl(url);
  if (!read.ok) return refused(read.problem);
  const { host } = read.url;
  const access: RepositoryAccess = {
    url,
    credential: settings?.credential ?? null,
    trust: {
      knownHosts: trust.knownHosts,
      authorities: trust.authorityOf(host),
      clientCertificate: settings?.clientCertificate ?? null,
      plainHttp: settings?.plainHttp ?? 'refused',
      proxy: settings?.proxy ?? null,
    },
  };
  // What a URL says as a user is not used.
  const { url: _, ...way } = access;
  return { kind: 'granted', access, sharing: sumOf([read.url.text.replace(/\.git$/, ''), way]) };
}

/** It holds a password, and is only compared. */
function sumOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

/** Flux's keys, and those of `kubernetes.io/ssh-auth`. */
const KEYS = { ssh: ['ssh-privatekey', 'identity', 'key'], openpgp: ['git.asc', 'key'] } as const;

/** The key that the policy names; null where commits are not signed. */
async function readSigningKey(
  client: KubernetesClient,
  namespace: string,
  { signing }: Policy['sweep']['git'],
  signal: AbortSignal,
): Promise<SigningKey | null | { readonly kind: 'refused'; readonly message: string }> {
  if (signing === null) return null;
  const { secret, format } = signing;
  const values = await readSecretValues(client, { namespace, name: secret }, signal);
  const where = `sweep.git.signing: the Secret ${namespace}/${secret}`;
  if (values === null) return refused(`${where} is not there`);
  const privateKey = KEYS[format].map((key) => values[key]).find((value) => value !== undefined && value !== '');
  if (privateKey === undefined) return refused(`${where} has none of the keys ${KEYS[format].join(', ')}`);
  if (format === 'ssh') return { kind: 'ssh', privateKey };
  return { kind: 'openpgp', privateKey, passphrase: values['passphrase'] ?? null };
}

/** What the API server, or a host, does not answer is tried again with the next cycle. */
async function orFailed<T>(
  signal: AbortSignal,
  task: () => Promise<T>,
): Promise<T | { readonly kind: 'failed'; readonly message: string }> {
  try {
    return await task();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof KubernetesError) return { kind: 'failed', message: error.message };
    if (error instanceof Error && error.name === 'TimeoutError') {
      return { kind: 'failed', message: 'the host of the repository did not answer in time' };
    }
    if (error instanceof Error && 'syscall' in error) {
      return { kind: 'failed', message: `the folder of the mirrors can't be worked in: ${error.message}` };
    }
    throw error;
  }
}

function refused(message: string): { readonly kind: 'refused'; readonly message: string } {
  return { kind: 'refused', message };
}
