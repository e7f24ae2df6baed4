const SSH = /^(?:ssh:\/\/)?[^/:]*?@[^@]+$/;

/**
 * The text by which Argo CD compares repositories (`NormalizeGitURL` of its util/git): in lower case, without `.git` at the end
 * and without `ssh://`, so that `git@HOST:PATH` and `ssh://git@HOST/PATH` are one.
 *
 * @returns '' where Go's net/url would read no URL in it.
 */
export function normalizeRepositoryUrl(text: string): string {
  let url = text.trim().toLowerCase();
  // The first colon would be read as that of a port.
  if (SSH.test(url) && !url.startsWith('ssh://')) url = `ssh://${url.replace(':', '/')}`;
  return writeUrl(url.replace(/\.git$/, '')).replace(/^ssh:\/\//, '');
}

/** Do both name one repository, as Argo CD sees it? What is no URL is only itself. */
export function isSameRepository(left: string, right: string): boolean {
  const [one, other] = [left, right].map((text) => normalizeRepositoryUrl(text) || text);
  return one !== '' && one === other;
}

/** What Go's `url.Parse(text).String()` gives for text in lower case, '' for its errors. */
function writeUrl(text: string): string {
  const [, scheme = '', authority = '', path = '', rest = ''] =
    /^([a-z][a-z\d+.-]*:)?(\/\/[^/?#]*)?([^?#]*)(.*)$/s.exec(text) ?? [];
  if (/\p{Cc}/u.test(text) || /%(?![\da-f]{2})/.test(path)) return '';
  if (authority === '' && !path.startsWith('/')) {
    // Without a slash it is opaque behind a scheme, and must not look like one without.
    if (scheme !== '') return text;
    if (/^[^/]*:/.test(path)) return '';
  }
  if (!isAuthority(authority)) return '';
  return `${scheme}${authority}${escapePath(path)}${rest}`;
}

function isAuthority(authority: string): boolean {
  const host = authority.slice(2).replace(/^.*@/, '');
  const port = /:([^\]:]*)$/.exec(host)?.[1] ?? '';
  return /^\d*$/.test(port) && /^[\w.~!$&'()*+,;=:[\]<>"-]*$/.test(host);
}

/** A path in which only these characters stand is left as it is written; any other one has all of them escaped. */
function escapePath(path: string): string {
  if (/^[\w.~$&+,/:;=@!'()*[\]%-]*$/.test(path) || path === '*') return path;
  const plain = path.replaceAll(/%[\da-f]{2}/g, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
  return encodeURI(plain.toWellFormed()).replaceAll(
    /[!'()*?#]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A URL as messages may show it: somebody may have put a password or a token into it. */
export function withoutUser(url: string): string {
  return url.replace(/^([a-z][a-z\d+.-]*:\/\/)[^/]*@/i, '$1').slice(0, 256);
}
