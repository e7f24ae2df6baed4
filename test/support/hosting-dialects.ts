import type { HostingProvider } from '../../src/git/hosting/access.ts';
import { type Dialect, type HostStandIn, pageOf, type StoredRequest, startHost } from './hosting.ts';

/** GitHub's REST API, as far as it is asked (https://docs.github.com/en/rest/pulls/pulls). */
const github: Dialect = ({ method, path, query, fields, store }) => {
  const show = ({ number, branch, base, title, body, state, labels, fork }: StoredRequest) => ({
    number,
    html_url: `https://github.example/acme/deploy/pull/${number}`,
    state: state === 'open' ? 'open' : 'closed',
    merged_at: state === 'merged' ? '2026-11-21T08:00:00Z' : null,
    title,
    body: body === '' ? null : body,
    labels: labels.map((name, id) => ({ id, name })),
    head: { ref: branch, repo: { full_name: fork ? 'mallory/deploy' : 'Acme/deploy' } },
    base: { ref: base, repo: { full_name: 'Acme/deploy' } },
  });
  const [, number, rest] = /^\/repos\/acme\/deploy\/(?:pulls|issues)(?:\/(\d+))?(\/labels)?$/.exec(path) ?? [null];
  if (number === null) return null;
  if (number === undefined && method === 'GET') {
    const [state, head, base] = ['state', 'head', 'base'].map((name) => query.get(name));
    const found = store.requests.filter(
      (one) =>
        (state === 'all' || (one.state === 'open') === (state === 'open')) &&
        (head === null || head === `${one.fork ? 'mallory' : 'acme'}:${one.branch}`) &&
        (base === null || base === one.base),
    );
    return { status: 200, body: pageOf(found.toReversed(), query, 'per_page').map(show) };
  }
  if (number === undefined) {
    const { head, base, title, body } = fields as Record<string, string>;
    const made = store.open(head ?? '', base ?? '', title ?? '', body ?? '');
    const errors = [
      { resource: 'PullRequest', code: 'custom', message: `A pull request already exists for acme:${head}.` },
    ];
    return made === null
      ? { status: 422, body: { message: 'Validation Failed', errors, status: '422' } }
      : { status: 201, body: show(made) };
  }
  const one = store.find(number);
  if (one === undefined) return null;
  if (rest === '/labels') one.labels.push(...(fields['labels'] as string[]));
  else Object.assign(one, fields);
  return { status: 200, body: rest === '/labels' ? show(one).labels : show(one) };
};

/** GitLab's (https://docs.gitlab.com/api/merge_requests). */
const gitlab: Dialect = ({ method, path, query, fields, store }) => {
  const show = ({ number, branch, base, title, body, state, labels, fork }: StoredRequest) => ({
    id: 1000 + number,
    iid: number,
    web_url: `https://gitlab.example/acme/team/deploy/-/merge_requests/${number}`,
    state: state === 'open' ? 'opened' : state,
    title,
    description: body === '' ? null : body,
    labels,
    source_branch: branch,
    target_branch: base,
    source_project_id: fork ? 8 : 7,
    target_project_id: 7,
  });
  const [, number] = /^\/projects\/acme%2Fteam%2Fdeploy\/merge_requests(?:\/(\d+))?$/.exec(path) ?? [null];
  if (number === null) return { status: 404, body: { message: '404 Project Not Found' } };
  if (number === undefined && method === 'GET') {
    const [state, source, target] = ['state', 'source_branch', 'target_branch'].map((name) => query.get(name));
    const found = store.requests.filter(
      (one) =>
        (state === 'all' || one.state === 'open') &&
        (source === null || source === one.branch) &&
        (target === null || target === one.base),
    );
    return { status: 200, body: pageOf(found.toReversed(), query, 'per_page').map(show) };
  }
  if (number === undefined) {
    const { source_branch: source, target_branch: target, title, description } = fields as Record<string, string>;
    const made = store.open(source ?? '', target ?? '', title ?? '', description ?? '');
    const message = ['Another open merge request already exists for this source branch: !1'];
    return made === null ? { status: 409, body: { message } } : { status: 201, body: show(made) };
  }
  const one = store.find(number);
  if (one === undefined || method !== 'PUT') return null;
  const { title, description, state_event: event, add_labels: labels } = fields as Record<string, string | undefined>;
  if (title !== undefined) one.title = title;
  if (description !== undefined) one.body = description;
  if (event === 'close') one.state = 'closed';
  if (labels !== undefined) one.labels.push(...labels.split(','));
  return { status: 200, body: show(one) };
};

/** Gitea's and Forgejo's (https://docs.gitea.com/api). */
const gitea: Dialect = ({ method, path, query, fields, store }) => {
  const show = ({ number, branch, base, title, body, state, labels, fork }: StoredRequest) => ({
    id: 1000 + number,
    number,
    html_url: `https://gitea.example/git/acme/deploy/pulls/${number}`,
    state: state === 'open' ? 'open' : 'closed',
    merged: state === 'merged',
    title,
    body,
    labels: labels.map((name) => ({ name })),
    head: { ref: branch, label: branch, repo_id: fork ? 8 : 7 },
    base: { ref: base, label: base, repo_id: 7 },
  });
  if (path === '/repos/acme/deploy/labels') {
    if (method === 'GET') return { status: 200, body: pageOf(store.labels, query, 'limit') };
    const made = { id: 50 + store.labels.length, name: String(fields['name']) };
    store.labels.push(made);
    return { status: 201, body: made };
  }
  const [, number, rest] = /^\/repos\/acme\/deploy\/(?:pulls|issues)(?:\/(\d+))?(\/labels)?$/.exec(path) ?? [null];
  if (number === null) return { status: 404, body: { message: "The target couldn't be found.", url: '', errors: [] } };
  if (number === undefined && method === 'GET') {
    const isOpen = query.get('state') === 'open';
    const found = store.requests.filter((one) => (one.state === 'open') === isOpen);
    return { status: 200, body: pageOf(found.toReversed(), query, 'limit').map(show) };
  }
  if (number === undefined) {
    const { head, base, title, body } = fields as Record<string, string>;
    const made = store.open(head ?? '', base ?? '', title ?? '', body ?? '');
    const message = `pull request already exists for these targets [id: 1, issue_id: 1, head_branch: ${head}]`;
    return made === null ? { status: 409, body: { message } } : { status: 201, body: show(made) };
  }
  const one = store.find(number);
  if (one === undefined) return null;
  if (rest === '/labels') {
    const names = (fields['labels'] as number[]).map(
      (id) => store.labels.find((label) => label.id === id)?.name ?? '?',
    );
    one.labels.push(...names);
    return { status: 200, body: show(one).labels };
  }
  Object.assign(one, fields);
  return { status: 201, body: show(one) };
};

/** Starts a stand-in of a host on loopback, GitLab's with a subgroup, Gitea's below a path. */
export function startHostOf(provider: HostingProvider): Promise<HostStandIn> {
  switch (provider) {
    case 'github':
      return startHost(provider, { path: 'acme/deploy', root: '/api/v3', dialect: github });
    case 'gitlab':
      return startHost(provider, { path: 'acme/team/deploy', root: '/api/v4', dialect: gitlab });
    case 'gitea':
      return startHost(provider, { path: 'git/acme/deploy', root: '/git/api/v1', dialect: gitea });
  }
}
