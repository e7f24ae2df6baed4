import type { AppToken, GitCredential, RepositoryAccess } from '../credentials.ts';
import { readRepositoryUrl } from '../url.ts';
import { createJsonApi, type SendHosting } from './api.ts';
import { HostingError } from './error.ts';
import { createGitea, giteaApi } from './gitea.ts';
import { createGitHub, githubApi } from './github.ts';
import { createGitLab, gitlabApi } from './gitlab.ts';
import type { Host } from './host.ts';

/** The hosts whose pull requests are opened. */
export type HostingProvider = 'github' | 'gitlab' | 'gitea';

/** A repository, and who hosts it. */
export interface HostAccess {
  readonly repository: RepositoryAccess;
  readonly provider: HostingProvider;
  /** Where the API is, for a host that has it at no usual place; null: as the repository's URL says. */
  readonly apiUrl: string | null;
  readonly signal: AbortSignal;
}

const NAMES: Readonly<Record<HostingProvider, string>> = { github: 'GitHub', gitlab: 'GitLab', gitea: 'Gitea' };

/**
 * The pull requests of a repository, asked with the credential that pushes to it: the password of https credentials must be an
 * access token.
 *
 * It rejects with `HostingError`, and with what `appToken` rejects with.
 */
export async function openHost(
  { repository: access, provider, apiUrl, signal }: HostAccess,
  { send, appToken }: { readonly send: SendHosting; readonly appToken: AppToken | null },
): Promise<Host> {
  const host = NAMES[provider];
  const read = readRepositoryUrl(access.url);
  if (!read.ok) throw new HostingError('BadPath', { repository: read.shown, what: read.problem });
  const { url, text: repository } = read.url;
  if (url === null) throw new HostingError('NotHttps', { repository });
  if (url.protocol === 'http:' && access.trust.plainHttp === 'refused')
    throw new HostingError('NotHttps', { repository });

  const parts = pathOf(url);
  const path = parts === null ? null : pathFor(provider, parts);
  if (parts === null || path === null) {
    throw new HostingError('BadPath', { repository, what: `a repository of ${host} is https://HOST/OWNER/NAME` });
  }
  const { header, secrets } = await authorize(provider, access.credential, url, repository, appToken, signal);
  const api = createJsonApi({
    send,
    base: apiBase(provider, apiUrl ?? appApi(access.credential), url, parts, repository),
    headers: {
      authorization: header,
      ...(provider === 'github' && { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' }),
    },
    trust: access.trust,
    signal,
    repository,
    host,
    secrets,
  });
  switch (provider) {
    case 'github':
      return createGitHub(api, path);
    case 'gitlab':
      return createGitLab(api, path);
    case 'gitea':
      return createGitea(api, path);
  }
}

/** The parts of a repository's path, decoded; null where one could be taken for something else. */
function pathOf(url: URL): readonly string[] | null {
  try {
    const path = url.pathname.replace(/\/+$/, '').replace(/\.git$/, '');
    const parts = path.split('/').slice(1).map(decodeURIComponent);
    return parts.every((part) => part !== '' && part !== '.' && part !== '..' && !/[/\p{C}]/u.test(part))
      ? parts
      : null;
  } catch {
    return null;
  }
}

/** What of the path names the repository: GitLab has groups in groups, a Gitea may stand below a path. */
function pathFor(provider: HostingProvider, parts: readonly string[]): readonly string[] | null {
  if (parts.length < 2 || (provider === 'github' && parts.length > 2)) return null;
  return provider === 'gitlab' ? parts : parts.slice(-2);
}

function appApi(credential: GitCredential | null): string | null {
  return credential?.kind === 'githubApp' ? credential.apiUrl : null;
}

function apiBase(
  provider: HostingProvider,
  named: string | null,
  url: URL,
  parts: readonly string[],
  repository: string,
): string {
  if (named !== null) {
    const api = URL.parse(named);
    // The token must not go where the repository's own credentials would not.
    const isFit = api !== null && (api.protocol === 'https:' || api.protocol === url.protocol);
    if (!isFit || api.username !== '' || api.search !== '' || api.hash !== '') {
      throw new HostingError('BadPath', { repository, what: 'the address of its API is no https URL' });
    }
    return api.href.replace(/\/+$/, '');
  }
  switch (provider) {
    case 'github':
      return githubApi(url);
    case 'gitlab':
      return gitlabApi(url);
    case 'gitea':
      return giteaApi(url, parts.slice(0, -2));
  }
}

async function authorize(
  provider: HostingProvider,
  credential: GitCredential | null,
  url: URL,
  repository: string,
  appToken: AppToken | null,
  signal: AbortSignal,
): Promise<{ readonly header: string; readonly secrets: readonly string[] }> {
  const none = (what: string): HostingError => new HostingError('NoToken', { repository, what });
  const bearer = (token: string): { header: string; secrets: readonly string[] } => {
    if (!/^[\x21-\x7e]+$/.test(token)) throw none('it has characters that no header may have');
    return { header: `Bearer ${token}`, secrets: [token] };
  };
  switch (credential?.kind) {
    case undefined:
      throw none('the repository has no credentials');
    case 'own':
      throw none("git's own credentials are not asked for it");
    case 'ssh':
      throw new HostingError('NotHttps', { repository });
    case 'bearer':
      return bearer(credential.token);
    case 'password': {
      const { username, password } = credential;
      if (password === '') throw none('its password is empty');
      // Gitea knows tokens and passwords apart by itself.
      if (provider !== 'gitea') return bearer(password);
      const encoded = Buffer.from(`${username}:${password}`).toString('base64');
      return { header: `Basic ${encoded}`, secrets: [password, encoded] };
    }
    case 'githubApp':
      if (provider !== 'github') throw none('a GitHub App has tokens for GitHub only');
      if (appToken === null) throw none('nobody is there to ask GitHub for one');
      return bearer(await appToken(credential, url, signal));
  }
}
