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
  url = url.replace(/\.git$/, '');
  return isUrlOfGo(url) ? url.replaceAll(' ', '%20').replace(/^ssh:\/\//, '') : '';
}

/** Do both name one repository, as Argo CD sees it? What is no URL is only itself. */
export function isSameRepository(left: string, right: string): boolean {
  const [one, other] = [left, right].map((text) => normalizeRepositoryUrl(text) || text);
  return one !== '' && one === other;
}

function isUrlOfGo(url: string): boolean {
  if (/[\p{Cc}]/u.test(url) || /%(?![\da-f]{2})/.test(url)) return false;
  const authority = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/.exec(url)?.[1];
  if (authority === undefined) return !/^[^/]*:/.test(url) || /^[a-z][a-z\d+.-]*:/.test(url);
  const port = /:([^\]:]*)$/.exec(authority.replace(/^.*@/, ''))?.[1] ?? '';
  return /^\d*$/.test(port) && !/[ <>"]/.test(authority);
}
