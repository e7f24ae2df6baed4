import { asObject, asString, elements, property, valueAt } from '../../core/workload/json.ts';
import type { JsonApi } from './api.ts';
import type { Host, HostedRequest } from './host.ts';

/** GitHub's largest page, and as many of them as are read. */
const PAGES = { size: 100, most: 10, sizeName: 'per_page' };

/** Where GitHub has its API: github.com, a company's own at ghe.com, and Enterprise Server. */
export function githubApi(url: URL): string {
  if (url.hostname === 'github.com' || url.hostname === 'www.github.com') return 'https://api.github.com';
  return url.hostname.endsWith('.ghe.com') ? `https://api.${url.hostname}` : `${url.origin}/api/v3`;
}

/** The pull requests of a repository of GitHub (https://docs.github.com/en/rest/pulls/pulls). @param path owner and name. */
export function createGitHub(api: JsonApi, path: readonly string[]): Host {
  const [owner = '', name = ''] = path;
  const root = `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
  const full = `${owner}/${name}`.toLowerCase();
  const read = (value: unknown): HostedRequest | null => readRequest(value, full);
  return {
    refer: (number) => `#${number}`,
    async ofBranch(branch, base) {
      const query = new URLSearchParams({
        state: 'all',
        head: `${owner}:${branch}`,
        base,
        sort: 'created',
        direction: 'desc',
        per_page: '30',
      });
      const found = elements(await api.call('GET', `${root}/pulls?${query.toString()}`)).map(read);
      // GitHub leaves out a filter that it does not understand.
      return found.filter((one) => one !== null).filter((one) => one.branch === branch && one.base === base);
    },
    async open() {
      const found = await api.pages(`${root}/pulls?state=open&sort=created&direction=desc`, PAGES);
      return found.map(read).filter((one) => one !== null);
    },
    async create({ branch, base, title, body }) {
      const made = await api.call('POST', `${root}/pulls`, { head: branch, base, title, body });
      return read(made) ?? api.misunderstood();
    },
    async update(number, text) {
      await api.call('PATCH', `${root}/pulls/${number}`, text);
    },
    async close(number, body) {
      await api.call('PATCH', `${root}/pulls/${number}`, { state: 'closed', body });
    },
    async label(number, labels) {
      await api.call('POST', `${root}/issues/${number}/labels`, { labels });
    },
  };
}

function readRequest(value: unknown, full: string): HostedRequest | null {
  const number = property(value, 'number');
  const [branch, base] = [asString(valueAt(value, ['head', 'ref'])), asString(valueAt(value, ['base', 'ref']))];
  if (typeof number !== 'number' || branch === null || base === null) return null;
  const isOpen = property(value, 'state') === 'open';
  return {
    number,
    url: asString(property(value, 'html_url')) ?? '',
    branch,
    base,
    body: asString(property(value, 'body')) ?? '',
    labels: elements(property(value, 'labels')).map((label) => asString(property(asObject(label), 'name')) ?? ''),
    state: isOpen ? 'open' : property(value, 'merged_at') === null ? 'closed' : 'merged',
    isOfRepository: asString(valueAt(value, ['head', 'repo', 'full_name']))?.toLowerCase() === full,
  };
}
