/** A repository that tagpin speaks to. */
export interface RepositoryUrl {
  readonly kind: 'https' | 'http' | 'ssh';
  /** `github.com`, `[::1]`, in lower case, without a port. */
  readonly host: string;
  readonly port: number | null;
  /** What git gets: without a password; without a user but for ssh. */
  readonly text: string;
  /** Of `https` and `http`: the same. */
  readonly url: URL | null;
}

/** What a text says, or why it is not used. */
export type ReadUrl =
  | { readonly ok: true; readonly url: RepositoryUrl }
  | {
      readonly ok: false;
      readonly reason: 'InvalidUrl' | 'SchemeNotAllowed';
      /** The text as messages may show it. */
      readonly shown: string;
      readonly problem: string;
    };

const LONGEST = 2000;
const HOST = /^(?:[\da-z](?:[\w.-]*[\da-z])?|\[[\da-f:.]+\])$/i;
const USER = /^[\da-z_][\w.+-]*$/i;
/** `USER@HOST:PATH`; a slash before the first colon makes it a path. */
const SCP = /^(?:([^@/:]+)@)?([^@/:[\]]+|\[[^\]/]+\]):(?!\/\/)(.+)$/;

/**
 * Reads the URL of a repository: `https://`, `http://`, `ssh://` or `USER@HOST:PATH`. Nothing that git would take for an option,
 * a program to run (`ext::`), a file or a host of its own.
 */
export function readRepositoryUrl(text: string): ReadUrl {
  const trimmed = text.trim();
  const shown = showUrl(trimmed);
  const refuse = (problem: string): ReadUrl => ({ ok: false, reason: 'InvalidUrl', shown, problem });
  if (trimmed === '' || trimmed.length > LONGEST) return refuse('it is empty, or too long');
  if (/[\s\p{C}]/u.test(trimmed)) return refuse('there is white space or a control character in it');
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(trimmed)?.[1]?.toLowerCase();
  if (scheme === 'https' || scheme === 'http') return readHttp(trimmed, scheme) ?? refuse(NO_HTTP);
  if (scheme === 'ssh') return readSsh(trimmed) ?? refuse(NO_SSH);
  const scp = /^-|::/.test(trimmed) || scheme !== undefined ? null : SCP.exec(trimmed);
  if (scp === null) return { ok: false, reason: 'SchemeNotAllowed', shown, problem: 'only https and ssh are spoken' };
  return ssh(trimmed, scp[1] ?? '', scp[2] ?? '', '', scp[3] ?? '') ?? refuse(NO_SSH);
}

const NO_HTTP = 'it is no URL of a repository: HOST/PATH without a password, ? and #';
const NO_SSH = 'it is no URL of a repository: ssh://USER@HOST/PATH, or USER@HOST:PATH, without a password';

function readHttp(text: string, kind: 'https' | 'http'): ReadUrl | null {
  const url = URL.parse(text);
  if (url === null || url.password !== '' || url.search !== '' || url.hash !== '') return null;
  if (!/^https?:\/\/[^/?#\\]+(?:\/[^?#\\]*)?$/i.test(text)) return null;
  if (!HOST.test(url.hostname)) return null;
  url.username = '';
  const port = url.port === '' ? null : Number(url.port);
  return { ok: true, url: { kind, host: url.hostname, port, text: url.href, url } };
}

function readSsh(text: string): ReadUrl | null {
  const [, authority = '', path = ''] = /^ssh:\/\/([^/]*)\/(.*)$/i.exec(text) ?? [];
  const [, user, host = '', port = ''] = /^(?:([^@]*)@)?(\[[^\]]*\]|[^:@[\]]*)(?::(\d{1,5}))?$/.exec(authority) ?? [];
  return ssh(text, user ?? '', host, port, path);
}

function ssh(text: string, user: string, host: string, port: string, path: string): ReadUrl | null {
  if (!HOST.test(host) || (user !== '' && !USER.test(user)) || path === '' || /^\/?-|\\/.test(path)) return null;
  const number = port === '' ? null : Number(port);
  if (number !== null && (number < 1 || number > 65_535)) return null;
  return { ok: true, url: { kind: 'ssh', host: host.toLowerCase(), port: number, text, url: null } };
}

/** A URL as messages may show it: whatever stands where a user and a password would is left out, and it is not long. */
export function showUrl(text: string): string {
  const shown = text.replace(/^([a-z][a-z\d+.-]*:\/\/)[^/]*@/i, '$1').replaceAll(/[\s\p{C}]+/gu, ' ');
  return shown.length > 200 ? `${shown.slice(0, 200)}…` : shown === '' ? '""' : shown;
}

/**
 * Is it a name that git takes for a branch (https://git-scm.com/docs/git-check-ref-format), and nothing that could be read as
 * an option or a revision?
 */
export function isBranchName(name: string): boolean {
  return (
    name.length <= 255 &&
    name !== '@' &&
    name !== 'HEAD' &&
    !/^[-/]|\.\.|@\{|\/\/|[/.]$|[\p{C}\s~^:?*[\\]/u.test(name) &&
    name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'))
  );
}
