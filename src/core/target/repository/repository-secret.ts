import { asObject, asString, valueAt } from '../../workload/json.ts';
import { isSameRepository, normalizeRepositoryUrl, withoutUser } from './repository-url.ts';

/** Who a repository's Secret makes of us. */
export type RepositoryCredential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'ssh'; readonly privateKey: string }
  | {
      readonly kind: 'githubApp';
      readonly appId: string;
      readonly installationId: string | null;
      readonly privateKey: string;
      readonly apiUrl: string | null;
    };

/** How a repository is signed in to and reached, as the fields of a Secret say it. */
export interface RepositorySettings {
  readonly credential: RepositoryCredential | null;
  readonly clientCertificate: { readonly certificate: string; readonly key: string } | null;
  readonly proxy: { readonly url: string; readonly except: string | null } | null;
  /** `insecure: "true"` lets plain http be spoken. It is never a reason not to look at certificates and host keys. */
  readonly plainHttp: 'allowed' | 'refused';
  /** Credentials that stand there and are not used. */
  readonly problem: string | null;
}

/** A Secret of Argo CD about one git repository (`repository`), or about all whose URLs begin alike (`repo-creds`). */
export interface RepositorySecret extends RepositorySettings {
  readonly kind: 'repository' | 'repo-creds';
  /** Made for writing (`repository-write`, `repo-write-creds`): comes before those for reading. */
  readonly use: 'read' | 'write';
  readonly namespace: string;
  readonly name: string;
  readonly url: string;
  /** The only project whose Applications may use it; null: all may. */
  readonly project: string | null;
}

/** The label that makes a Secret one of Argo CD's. */
export const SECRET_TYPE = 'argocd.argoproj.io/secret-type';

const KINDS: ReadonlyMap<unknown, Pick<RepositorySecret, 'kind' | 'use'>> = new Map([
  ['repository', { kind: 'repository', use: 'read' }],
  ['repo-creds', { kind: 'repo-creds', use: 'read' }],
  ['repository-write', { kind: 'repository', use: 'write' }],
  ['repo-write-creds', { kind: 'repo-creds', use: 'write' }],
]);

/** Reads a Secret of Argo CD. @returns null for what is none of a git repository. */
export function readRepositorySecret(object: unknown): RepositorySecret | null {
  const kind = KINDS.get(valueAt(object, ['metadata', 'labels', SECRET_TYPE]));
  const name = asString(valueAt(object, ['metadata', 'name']));
  const namespace = asString(valueAt(object, ['metadata', 'namespace']));
  const field = fieldsOf(object);
  const url = field('url')?.trim() ?? '';
  if (kind === undefined || name === null || namespace === null || url === '') return null;
  if (!['', 'git'].includes(field('type') ?? '')) return null;
  return { ...kind, namespace, name, url, project: field('project'), ...settingsOf(field) };
}

/**
 * Reads a Secret that an Application names itself, by the same fields.
 *
 * Argo CD's own Secrets are not for naming: they belong to projects, and to URLs. Nor is one that says another URL.
 *
 * @returns the settings, or why it is not used: a sentence that goes on from "the Secret NAME".
 */
export function readNamedSecret(object: unknown, url: string): RepositorySettings | { readonly refused: string } {
  const field = fieldsOf(object);
  if (valueAt(object, ['metadata', 'labels', SECRET_TYPE]) !== null) {
    return { refused: "is Argo CD's own: write git:repocreds, which finds it where the project may use it" };
  }
  const own = field('url');
  if (own !== null && !isSameRepository(own, url)) return { refused: 'is for another repository, by its url' };
  const settings = settingsOf(field);
  if (settings.credential?.kind === 'password' && settings.credential.username === '') {
    return { refused: 'has no username beside its password' };
  }
  if (settings.credential !== null) return settings;
  return {
    refused: settings.problem ?? 'has neither username and password, nor bearerToken, sshPrivateKey or a GitHub App',
  };
}

/** A text of a Secret's data by its name; null where it is not there, is empty or is no text. */
type Field = (name: string) => string | null;

function fieldsOf(object: unknown): Field {
  const data = asObject(valueAt(object, ['data']));
  return (name) => {
    const encoded = data !== null && Object.hasOwn(data, name) ? asString(data[name]) : null;
    return encoded === null || encoded === '' ? null : decode(encoded);
  };
}

function decode(encoded: string): string | null {
  try {
    const bytes = Uint8Array.from(atob(encoded), (each) => each.charCodeAt(0));
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text === '' ? null : text;
  } catch {
    return null;
  }
}

function settingsOf(field: Field): RepositorySettings {
  const certificate = field('tlsClientCertData');
  const key = field('tlsClientCertKey');
  const proxy = field('proxy');
  const credential = credentialOf(field);
  return {
    credential,
    clientCertificate: certificate === null || key === null ? null : { certificate, key },
    proxy: proxy === null ? null : { url: proxy.trim(), except: field('noProxy') },
    plainHttp: field('insecure') === 'true' ? 'allowed' : 'refused',
    problem: credential === null ? problemOf(field) : null,
  };
}

/** In the order in which Argo CD looks (`GetGitCreds`). */
function credentialOf(field: Field): RepositoryCredential | null {
  const [username, password, token] = [field('username'), field('password'), field('bearerToken')];
  if (password !== null) return { kind: 'password', username: username ?? '', password };
  if (token !== null) return { kind: 'bearer', token: token.trim() };
  const sshKey = field('sshPrivateKey');
  if (sshKey !== null) return { kind: 'ssh', privateKey: sshKey };
  const [appId, appKey] = [field('githubAppID'), field('githubAppPrivateKey')];
  if (appId === null || appKey === null) return null;
  const installationId = field('githubAppInstallationID')?.trim() ?? '0';
  return {
    kind: 'githubApp',
    appId: appId.trim(),
    installationId: installationId === '0' ? null : installationId,
    privateKey: appKey,
    apiUrl: field('githubAppEnterpriseBaseUrl')?.trim() ?? null,
  };
}

const WAY_OUT = 'use a password, a token, an ssh key or a GitHub App';

function problemOf(field: Field): string | null {
  if (field('gcpServiceAccountKey') !== null) return `holds a key of Google Cloud, which is not used: ${WAY_OUT}`;
  if (field('useAzureWorkloadIdentity') === 'true' || field('azureServicePrincipalClientId') !== null) {
    return `holds an identity of Azure, which is not used: ${WAY_OUT}`;
  }
  return null;
}

/** How a repository is reached for the Applications of a project. */
export type MatchedRepository =
  | { readonly kind: 'found'; readonly settings: RepositorySettings; readonly secrets: readonly RepositorySecret[] }
  /** Nothing says how: it is tried without credentials. */
  | { readonly kind: 'none' }
  /** There are Secrets for it, and none is for this project. */
  | { readonly kind: 'refused'; readonly problem: string };

/**
 * Finds the Secret of a repository as Argo CD does: the same URL and project, else the same URL without a project; where that has
 * no credentials, those of the longest URL that the repository's begins with. Secrets made for writing come first.
 *
 * Other than in Argo CD a prefix never reaches another host (`https://github.com` is not one of `https://github.com.evil.net/x`),
 * and the project of a `repo-creds` is heeded.
 */
export function matchRepository(
  secrets: readonly RepositorySecret[],
  wanted: { readonly url: string; readonly project: string },
): MatchedRepository {
  const isForUs = ({ project }: RepositorySecret): boolean => project === null || project === wanted.project;
  for (const use of ['write', 'read'] as const) {
    const usable = secrets.filter((each) => each.use === use && isForUs(each));
    const same = usable.filter(({ kind, url }) => kind === 'repository' && isSameRepository(url, wanted.url));
    const own = same.find(({ project }) => project === wanted.project) ?? same[0];
    const shared = own === undefined || !hasCredentials(own) ? longestPrefix(usable, wanted.url) : undefined;
    const found = [own, shared].filter((each) => each !== undefined);
    if (found.length === 0 || (use === 'write' && !found.some(hasCredentials))) continue;
    return { kind: 'found', settings: join(found), secrets: found };
  }
  const others = secrets.filter((each) => !isForUs(each) && applies(each, wanted.url));
  if (others.length === 0) return { kind: 'none' };
  const names = others.map(({ namespace, name, project }) => `${namespace}/${name} of project ${project ?? ''}`);
  const problem = `no Secret for ${withoutUser(wanted.url)} is for project ${wanted.project}: there is ${names.join(', ')}`;
  return { kind: 'refused', problem };
}

function applies(secret: RepositorySecret, url: string): boolean {
  return secret.kind === 'repository' ? isSameRepository(secret.url, url) : isPrefix(secret.url, url);
}

function hasCredentials({ credential, clientCertificate, problem }: RepositorySettings): boolean {
  return credential !== null || clientCertificate !== null || problem !== null;
}

function longestPrefix(secrets: readonly RepositorySecret[], url: string): RepositorySecret | undefined {
  return secrets
    .filter((each) => each.kind === 'repo-creds' && isPrefix(each.url, url))
    .reduce<RepositorySecret | undefined>(
      (best, each) => (best === undefined || lengthOf(each) > lengthOf(best) ? each : best),
      undefined,
    );
}

function lengthOf({ url }: RepositorySecret): number {
  return normalizeRepositoryUrl(url).length;
}

/** Scheme, user, host and port whole, and then the beginning of the path. */
const ORIGIN = /^(?:[a-z][a-z\d+.-]*:\/\/)?[^/]*/;

function isPrefix(prefix: string, url: string): boolean {
  const [one, whole] = [normalizeRepositoryUrl(prefix), normalizeRepositoryUrl(url)];
  return one !== '' && whole.startsWith(one) && ORIGIN.exec(one)?.[0] === ORIGIN.exec(whole)?.[0];
}

function join([first, second]: readonly RepositorySecret[]): RepositorySettings {
  const settings = [first, second].filter((each) => each !== undefined);
  return {
    credential: settings.find(({ credential }) => credential !== null)?.credential ?? null,
    clientCertificate: settings.find(({ clientCertificate }) => clientCertificate !== null)?.clientCertificate ?? null,
    proxy: settings.find(({ proxy }) => proxy !== null)?.proxy ?? null,
    plainHttp: settings.some(({ plainHttp }) => plainHttp === 'allowed') ? 'allowed' : 'refused',
    problem: settings.find(({ problem }) => problem !== null)?.problem ?? null,
  };
}
