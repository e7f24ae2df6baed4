import { asString, elements, property } from '../../core/workload/json.ts';
import type { JsonApi } from './api.ts';
import type { Host, HostedRequest } from './host.ts';

const PAGES = { size: 100, most: 10, sizeName: 'per_page' };

/** Where a GitLab has its API. One below a path of its host can't be told from a group: it is named in the settings. */
export function gitlabApi(url: URL): string {
  return `${url.origin}/api/v4`;
}

/** The merge requests of a project of GitLab (https://docs.gitlab.com/api/merge_requests). @param path groups and name. */
export function createGitLab(api: JsonApi, path: readonly string[]): Host {
  const root = `/projects/${encodeURIComponent(path.join('/'))}/merge_requests`;
  return {
    refer: (number) => `!${number}`,
    async ofBranch(branch, base) {
      const query = new URLSearchParams({
        state: 'all',
        source_branch: branch,
        target_branch: base,
        order_by: 'created_at',
        sort: 'desc',
        per_page: '30',
      });
      const found = elements(await api.call('GET', `${root}?${query.toString()}`)).map(readRequest);
      return found.filter((one) => one !== null).filter((one) => one.branch === branch && one.base === base);
    },
    async open() {
      const found = await api.pages(`${root}?state=opened&order_by=created_at&sort=desc`, PAGES);
      return found.map(readRequest).filter((one) => one !== null);
    },
    async create({ branch, base, title, body }) {
      const fields = { source_branch: branch, target_branch: base, title, description: body };
      return readRequest(await api.call('POST', root, fields)) ?? api.misunderstood();
    },
    async update(number, { title, body }) {
      await api.call('PUT', `${root}/${number}`, { title, description: body });
    },
    async close(number, body) {
      await api.call('PUT', `${root}/${number}`, { state_event: 'close', description: body });
    },
    async label(number, labels) {
      await api.call('PUT', `${root}/${number}`, { add_labels: labels.join(',') });
    },
  };
}

function readRequest(value: unknown): HostedRequest | null {
  const number = property(value, 'iid');
  const [branch, base] = [asString(property(value, 'source_branch')), asString(property(value, 'target_branch'))];
  if (typeof number !== 'number' || branch === null || base === null) return null;
  const state = property(value, 'state');
  return {
    number,
    url: asString(property(value, 'web_url')) ?? '',
    branch,
    base,
    body: asString(property(value, 'description')) ?? '',
    labels: elements(property(value, 'labels')).map((label) => asString(label) ?? ''),
    // A request that is being merged is locked.
    state: state === 'opened' ? 'open' : state === 'merged' || state === 'locked' ? 'merged' : 'closed',
    isOfRepository: property(value, 'source_project_id') === property(value, 'target_project_id'),
  };
}
