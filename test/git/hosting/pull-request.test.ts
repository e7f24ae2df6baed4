import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { HostingProvider } from '../../../src/git/hosting/access.ts';
import {
  createPullRequests,
  type PullRequestOutcome,
  type PullRequestRequest,
} from '../../../src/git/hosting/pull-request.ts';
import { readMarker } from '../../../src/git/hosting/text.ts';
import { type HostStandIn, LOOPBACK_TRUST, send, TOKEN } from '../../support/hosting.ts';
import { startHostOf } from '../../support/hosting-dialects.ts';

const MESSAGE = 'build: automatic update of shop\n\nupdates image acme/shop tag "1.4.1" to "1.4.2"\n';
const propose = createPullRequests({ send, appToken: null });

interface Started {
  readonly host: HostStandIn;
  readonly ask: (more?: Partial<PullRequestRequest>) => Promise<PullRequestOutcome>;
}

async function start(t: TestContext, provider: HostingProvider): Promise<Started> {
  const host = await startHostOf(provider);
  t.after(() => host.close());
  const request: PullRequestRequest = {
    repository: {
      url: host.url,
      credential: { kind: 'password', username: 'tagpin', password: TOKEN },
      trust: LOOPBACK_TRUST,
    },
    provider,
    apiUrl: null,
    branch: 'tagpin/shop-1',
    base: 'main',
    message: MESSAGE,
    labels: ['tagpin', 'bug'],
    target: 'deploy|main|shop/values.yaml',
    signal: new AbortController().signal,
  };
  return { host, ask: (more = {}) => propose({ ...request, ...more }) };
}

for (const provider of ['github', 'gitlab', 'gitea'] as const) {
  test(`${provider}: one is opened with title, body and labels, and the next time it is there`, async (t) => {
    const { host, ask } = await start(t, provider);
    const opened = await ask();
    assert.ok(opened.kind === 'opened', JSON.stringify(opened));
    assert.deepEqual([opened.number, opened.closed, opened.problems], [1, [], []]);
    assert.match(opened.url, /^https:\/\/\w+\.example\/.*1$/);
    const [stored] = host.stored;
    assert.equal(stored?.title, 'build: automatic update of shop');
    assert.match(stored?.body ?? '', /^updates image acme\/shop tag "1\.4\.1" to "1\.4\.2"\n\n<!-- tagpin target=/);
    assert.deepEqual([stored?.branch, stored?.base], ['tagpin/shop-1', 'main']);
    assert.deepEqual(stored?.labels.toSorted(), ['bug', 'tagpin']);
    const requests = host.requests.length;
    assert.equal((await ask()).kind, 'unchanged');
    assert.ok(host.requests.length <= requests + 1, 'it is one question to see that');
  });

  test(`${provider}: an open one gets a new text where there is one, and keeps what people wrote where not`, async (t) => {
    const { host, ask } = await start(t, provider);
    await ask();
    const [stored] = host.stored;
    assert.ok(stored !== undefined);
    stored.title = 'What we really want';
    stored.labels = [];
    assert.equal((await ask()).kind, 'unchanged');
    assert.deepEqual([stored.title, stored.labels], ['What we really want', []]);
    const updated = await ask({ message: 'build: shop 1.4.3' });
    assert.deepEqual([updated.kind, stored.title, host.stored.length], ['updated', 'build: shop 1.4.3', 1]);
  });

  test(`${provider}: older ones of the same target are closed, and nobody else's`, async (t) => {
    const { host, ask } = await start(t, provider);
    await ask();
    const first = host.stored[0] ?? assert.fail();
    const { body } = first;
    const byHand = host.add({ branch: 'tagpin/by-hand', body: 'mine' });
    const forked = host.add({ branch: 'tagpin/fork', body, fork: true });
    const quoted = host.add({ branch: 'quoted', body: `${body}\n\nlooks like this` });
    await ask({ branch: 'tagpin/other-1', target: 'other' });
    const next = await ask({ branch: 'tagpin/shop-2', message: 'build: shop 1.4.3' });
    assert.ok(next.kind === 'opened', JSON.stringify(next));
    assert.deepEqual(next.closed, [1]);
    assert.equal(first.state, 'closed');
    assert.match(first.body, new RegExp(`Superseded by [#!]${next.number}\\.\\n\\n<!-- tagpin .* superseded -->$`));
    for (const other of [byHand, forked, quoted, host.stored[4]]) assert.equal(other?.state, 'open');
  });

  test(`${provider}: what somebody closed stays closed until there is something else to propose`, async (t) => {
    const { host, ask } = await start(t, provider);
    await ask();
    const first = host.stored[0] ?? assert.fail();
    first.state = 'closed';
    const declined = await ask();
    assert.ok(declined.kind === 'declined' && declined.number === 1);
    assert.equal((await ask({ message: 'build: shop 1.4.3' })).kind, 'opened');
    assert.equal(host.stored.length, 2);
  });

  test(`${provider}: what tagpin closed itself, or what was merged, may come again`, async (t) => {
    const { host, ask } = await start(t, provider);
    await ask();
    await ask({ branch: 'tagpin/shop-2', message: 'build: shop 1.4.3' });
    const again = await ask();
    assert.ok(again.kind === 'opened' && again.number === 3, JSON.stringify(again));
    assert.deepEqual(again.closed, [2]);
    for (const one of host.stored) one.state = 'merged';
    assert.equal((await ask()).kind, 'opened');
  });

  test(`${provider}: one that people opened for the branch is left as it is`, async (t) => {
    const { host, ask } = await start(t, provider);
    const own = host.add({ branch: 'tagpin/shop-1', title: 'By hand', body: 'text' });
    const outcome = await ask();
    assert.ok(outcome.kind === 'unchanged' && outcome.number === 1);
    assert.deepEqual([own.title, own.body], ['By hand', 'text']);
  });

  test(`${provider}: one of a fork with the same branch is not taken for it`, async (t) => {
    const { host, ask } = await start(t, provider);
    host.add({ branch: 'tagpin/shop-1', fork: true });
    const outcome = await ask();
    assert.ok(outcome.kind === 'opened' && outcome.number === 2, JSON.stringify(outcome));
  });

  test(`${provider}: of many open ones those of later pages are found too`, async (t) => {
    const { host, ask } = await start(t, provider);
    await ask();
    for (let index = 0; index < 230; index += 1) host.add({ branch: `feature-${index}` });
    const next = await ask({ branch: 'tagpin/shop-2' });
    assert.deepEqual(next.kind === 'opened' && next.closed, [1]);
  });

  test(`${provider}: where somebody was first in the meantime, that one is kept`, async (t) => {
    const { host, ask } = await start(t, provider);
    let lists = 0;
    host.instead = (request) => {
      if (request.method !== 'GET') return null;
      lists += 1;
      return lists <= 2 && host.stored.length === 0 ? { status: 200, body: '[]' } : null;
    };
    const racing = Promise.all([ask(), ask()]);
    const kinds = (await racing).map(({ kind }) => kind).toSorted();
    assert.deepEqual([kinds, host.stored.length], [['opened', 'unchanged'], 1]);
  });

  test(`${provider}: labels that may not be set do not hinder it`, async (t) => {
    const { host, ask } = await start(t, provider);
    host.instead = (request, body) =>
      /labels/.test(`${request.url}${body}`) && request.method !== 'GET'
        ? { status: 403, body: JSON.stringify({ message: `not with ${TOKEN}` }) }
        : null;
    const opened = await ask();
    assert.ok(opened.kind === 'opened', JSON.stringify(opened));
    assert.equal(opened.problems.length, 1);
    assert.match(opened.problems[0] ?? '', /forbids the token.*\(not with \*\*\*\)/);
    assert.equal(readMarker(host.stored[0]?.body ?? '')?.isSuperseded, false);
  });
}
