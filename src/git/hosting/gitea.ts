import { asObject, asString, elements, property, valueAt } from '../../core/workload/json.ts';
import type { JsonApi } from './api.ts';
import type { Host, HostedRequest } from './host.ts';

/** As many as a Gitea gives at once unless it is configured otherwise. */
const PAGES = { size: 50, most: 20, sizeName: 'limit' };
/** There is no filter by branch: of what is closed the last hundred are looked at. */
const CLOSED_PAGES = { ...PAGES, most: 2 };
const GREY = '#ededed';

/** Where a Gitea or Forgejo has its API, also below a path of its host: a repository's own path are the last two parts. */
export function giteaApi(url: URL, prefix: readonly string[]): string {
  return `${url.origin}${prefix.map((part) => `/${encodeURIComponent(part)}`).join('')}/api/v1`;
}

/** The pull requests of a repository of Gitea or Forgejo (https://docs.gitea.com/api). @param path owner and name. */
export function createGitea(api: JsonApi, path: readonly string[]): Host {
  const [owner = '', name = ''] = path;
  const root = `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
  const list = async (query: string, pages: typeof PAGES): Promise<readonly HostedRequest[]> => {
    const found = await api.pages(`${root}/pulls?${query}`, pages);
    return found.map(readRequest).filter((one) => one !== null);
  };
  const open = (): Promise<readonly HostedRequest[]> => list('state=open', PAGES);
  return {
    refer: (number) => `#${number}`,
    async ofBranch(branch, base) {
      const isOfBranch = (one: HostedRequest): boolean => one.branch === branch && one.base === base;
      const found = (await open()).filter(isOfBranch);
      return found.length > 0 ? found : (await list('state=closed&sort=recentupdate', CLOSED_PAGES)).filter(isOfBranch);
    },
    open,
    async create({ branch, base, title, body }) {
      return (
        readRequest(await api.call('POST', `${root}/pulls`, { head: branch, base, title, body })) ?? api.misunderstood()
      );
    },
    async update(number, text) {
      await api.call('PATCH', `${root}/pulls/${number}`, text);
    },
    async close(number, body) {
      await api.call('PATCH', `${root}/pulls/${number}`, { state: 'closed', body });
    },
    async label(number, labels) {
      const known = await api.pages(`${root}/labels?`, PAGES);
      const ids: unknown[] = [];
      for (const label of labels) {
        const same = known.find((one) => property(one, 'name') === label);
        const made = same ?? (await api.call('POST', `${root}/labels`, { name: label, color: GREY }));
        ids.push(property(made, 'id'));
      }
      // Numbers are understood by all versions, names by new ones only.
      await api.call('POST', `${root}/issues/${number}/labels`, { labels: ids });
    },
  };
}

function readRequest(value: unknown): HostedRequest | null {
  const number = property(value, 'number');
  const [branch, base] = [asString(valueAt(value, ['head', 'ref'])), asString(valueAt(value, ['base', 'ref']))];
  if (typeof number !== 'number' || branch === null || base === null) return null;
  const isOpen = property(value, 'state') === 'open';
  const source = valueAt(value, ['head', 'repo_id']);
  return {
    number,
    url: asString(property(value, 'html_url')) ?? '',
    branch,
    base,
    body: asString(property(value, 'body')) ?? '',
    labels: elements(property(value, 'labels')).map((label) => asString(property(asObject(label), 'name')) ?? ''),
    state: isOpen ? 'open' : property(value, 'merged') === true ? 'merged' : 'closed',
    isOfRepository: typeof source === 'number' && source === valueAt(value, ['base', 'repo_id']),
  };
}
