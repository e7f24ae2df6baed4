import { X509Certificate } from 'node:crypto';
import { GitError } from './error.ts';
import type { GitSession } from './session.ts';
import type { RepositoryUrl } from './url.ts';

/** A GitHub App that is installed where the repository is. */
export interface GitHubApp {
  readonly appId: string;
  /** Null: that of the repository is looked up. */
  readonly installationId: string | null;
  /** PEM, of RSA. */
  readonly privateKey: string;
  /** Of GitHub Enterprise: `https://HOST/api/v3`; null for github.com. */
  readonly apiUrl: string | null;
}

/** Who pushes. */
export type GitCredential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  /** OpenSSH or PEM, without a passphrase. */
  | { readonly kind: 'ssh'; readonly privateKey: string }
  | ({ readonly kind: 'githubApp' } & GitHubApp)
  /** The user's own: agent, keys, helpers. For the command line, where it is the user who asks. */
  | { readonly kind: 'own' };

/** Whom to believe, and how to get there. */
export interface GitTrust {
  /** The text of a known_hosts file; without, no ssh host is believed. */
  readonly knownHosts: string | null;
  /** PEM, for this host; null: those of the system. */
  readonly authorities: string | null;
  readonly clientCertificate: { readonly certificate: string; readonly key: string } | null;
  /** Whether `http://` may be spoken. */
  readonly plainHttp: 'allowed' | 'refused';
  /** `except`: hosts as in NO_PROXY. Without, the environment's proxies are used. */
  readonly proxy: { readonly url: string; readonly except: string | null } | null;
}

/** The system's authorities, no known hosts, no plain http, the environment's proxies. */
export const NO_TRUST: GitTrust = {
  knownHosts: null,
  authorities: null,
  clientCertificate: null,
  plainHttp: 'refused',
  proxy: null,
};

/** A repository, and how it is reached. */
export interface RepositoryAccess {
  readonly url: string;
  readonly credential: GitCredential | null;
  readonly trust: GitTrust;
}

/** Asks GitHub for a token that acts for an installed app. */
export type AppToken = (
  app: GitHubApp,
  repository: URL,
  signal: AbortSignal | null,
  trust?: GitTrust,
) => Promise<string>;

/**
 * Hands a credential to git: passwords and tokens in a configuration file, keys in files of their own, all of them in the
 * session's folder. Nothing of it stands in arguments, in the environment or in the mirror. Passwords go to this URL only:
 * git sends the header to nobody else, and follows no redirect.
 *
 * @throws GitError `BadCredential` | `PlainHttp`, and what `appToken` rejects with.
 */
export async function giveCredentials(
  session: GitSession,
  url: RepositoryUrl,
  access: Omit<RepositoryAccess, 'url'>,
  appToken: AppToken | null,
  signal: AbortSignal | null,
): Promise<void> {
  const { credential, trust } = access;
  if (url.kind === 'http' && trust.plainHttp === 'refused')
    throw new GitError('PlainHttp', { repository: session.repository });
  if (credential?.kind === 'own') {
    session.set({ ...(url.kind === 'ssh' && { GIT_SSH_COMMAND: 'ssh -oBatchMode=yes -oConnectTimeout=20' }) });
    return;
  }
  if (url.url === null) return await giveSsh(session, credential, trust);
  const tokenOf = (app: GitHubApp, repository: URL): Promise<string> => {
    if (appToken === null) throw badCredential(session, 'nobody is there to ask GitHub for a token');
    return appToken(app, repository, signal, trust);
  };
  const header = await authorization(session, url.url, credential, tokenOf);
  if (header !== null) {
    session.hide(header);
    session.configure([`[http ${quoted(url.text)}]`, `extraHeader = ${quoted(`Authorization: ${header}`)}`]);
  }
  await giveTrust(session, trust);
}

async function authorization(
  session: GitSession,
  url: URL,
  credential: Exclude<GitCredential, { kind: 'own' }> | null,
  tokenOf: (app: GitHubApp, repository: URL) => Promise<string>,
): Promise<string | null> {
  const bad = (what: string): GitError => badCredential(session, what);
  switch (credential?.kind) {
    case undefined:
      return null;
    case 'password': {
      const { username, password } = credential;
      if (/[\p{Cc}:]/u.test(username) || /\p{Cc}/u.test(password)) throw bad('there is a line break in it');
      return basic(session, username, password);
    }
    case 'bearer':
      session.hide(credential.token);
      if (!/^[\x21-\x7e]+$/.test(credential.token)) throw bad('the token has characters that no header may have');
      return `Bearer ${credential.token}`;
    case 'githubApp': {
      session.hide(credential.privateKey);
      return basic(session, 'x-access-token', await tokenOf(credential, url));
    }
    case 'ssh':
      throw bad('it is a private key for ssh, and the URL is none of ssh');
  }
}

function badCredential({ repository }: GitSession, what: string): GitError {
  return new GitError('BadCredential', { repository, what });
}

function basic(session: GitSession, username: string, password: string): string {
  const encoded = Buffer.from(`${username}:${password}`).toString('base64');
  session.hide(password, encoded);
  return `Basic ${encoded}`;
}

async function giveTrust(session: GitSession, trust: GitTrust): Promise<void> {
  const { authorities, clientCertificate, proxy } = trust;
  const bad = (what: string): GitError => badCredential(session, what);
  const lines = ['[http]'];
  if (authorities !== null) {
    if (!isCertificate(authorities)) throw bad('its certificate authority is not PEM');
    // The variable is above git's configuration, and the process' own may be set.
    session.set({ GIT_SSL_CAINFO: await session.file('authorities.pem', authorities) });
  }
  if (clientCertificate !== null) {
    const { certificate, key } = clientCertificate;
    if (!isCertificate(certificate) || !key.includes('PRIVATE KEY')) throw bad('its TLS client certificate is not PEM');
    session.hide(key);
    lines.push(`sslCert = ${quoted(await session.file('client.pem', certificate))}`);
    lines.push(`sslKey = ${quoted(await session.file('client.key', key))}`);
  }
  if (proxy !== null) {
    const url = URL.parse(proxy.url);
    if (url === null || !/^(?:https?|socks5h?):$/.test(url.protocol))
      throw bad('its proxy is no http, https or socks5 URL');
    session.hide(url.password, decodeURIComponent(url.password));
    lines.push(`proxy = ${quoted(url.href)}`);
    session.set({ NO_PROXY: proxy.except ?? '', no_proxy: proxy.except ?? '' });
  }
  session.configure(lines);
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).subject !== null;
  } catch {
    return false;
  }
}

/** OpenSSH without the user's files and agent; a host that is not known, or is another one, is never spoken to. */
async function giveSsh(session: GitSession, credential: GitCredential | null, trust: GitTrust): Promise<void> {
  const bad = (what: string): GitError => badCredential(session, what);
  if (credential?.kind !== 'ssh') throw bad('the URL is one of ssh, which wants a private key');
  if (trust.proxy !== null) throw bad('a proxy is not used for ssh: use https');
  const key = `${credential.privateKey.replaceAll('\r\n', '\n').trim()}\n`;
  if (!/^-----BEGIN [A-Z ]*PRIVATE KEY-----\n/.test(key)) throw bad('the private key is not one of OpenSSH or PEM');
  session.hide(credential.privateKey.trim());
  const settings = {
    IdentityFile: quoted(await session.file('id', key)),
    UserKnownHostsFile: quoted(await session.file('known_hosts', trust.knownHosts ?? '')),
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'yes',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    BatchMode: 'yes',
    PreferredAuthentications: 'publickey',
    UpdateHostKeys: 'no',
    CheckHostIP: 'no',
    CanonicalizeHostname: 'no',
    ForwardAgent: 'no',
    ControlMaster: 'no',
    ControlPath: 'none',
    ConnectTimeout: '20',
    ServerAliveInterval: '10',
    ServerAliveCountMax: '3',
  };
  const text = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
  const file = await session.file('ssh_config', text.join(''));
  // git hands this to a shell; the folder's name is ours.
  session.set({ GIT_SSH_COMMAND: `ssh -F '${file.replaceAll("'", String.raw`'\''`)}'`, GIT_SSH_VARIANT: 'ssh' });
}

/** A value of git's configuration, or of OpenSSH's. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
