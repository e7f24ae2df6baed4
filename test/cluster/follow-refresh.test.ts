/** Workloads that follow a floating tag through the webhook: the first table of what a refresh CronJob does, row by row. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { followedCluster } from '../support/followed-cluster.ts';
import { createFollowed, type FollowedWorkload, type WantedWorkload } from '../support/followed-workload.ts';
import { pinsOf } from './manifests.ts';

const OPTED_IN = { 'tagpin.dev/inject': 'enabled' };

describe('workloads that follow a floating tag', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = followedCluster();

  /** Two images of a namespace's own, with a tag `prod` each. */
  async function images(namespace: string) {
    const { registry } = cluster;
    const push = (name: string): string => registry.pushImage(`${namespace}/${name}`, 'prod');
    const name = (image: string): string => `${registry.host}/${namespace}/${image}`;
    return { push, name, first: { api: push('api'), monitor: push('monitor') } };
  }

  /** A Deployment of two images, which was there before its namespace was opted in, so that nothing of it is pinned. */
  async function floating(more: Partial<WantedWorkload> = {}) {
    const namespace = await cluster.namespace({});
    const { push, name, first } = await images(namespace);
    const containers = { api: `${name('api')}:prod`, monitor: `${name('monitor')}:prod` };
    const follow = [{ container: 'api' }, { container: 'monitor' }];
    const web = await createFollowed(cluster, { namespace, containers, follow, ...more });
    await label(namespace, OPTED_IN);
    return { namespace, push, name, first, web };
  }

  async function label(namespace: string, labels: object, annotations = {}): Promise<void> {
    const body = { metadata: { labels, annotations } };
    await cluster.client.request({ method: 'PATCH', patch: 'merge', path: `/api/v1/namespaces/${namespace}`, body });
  }

  /** Was anything written to it? */
  async function untouched(web: FollowedWorkload, act: () => Promise<unknown>): Promise<void> {
    const before = (await web.stored()).metadata.resourceVersion;
    await act();
    assert.equal((await web.stored()).metadata.resourceVersion, before);
  }

  test('the first observation records and restarts nothing; the same digest again is nothing to do', async () => {
    const { web } = await floating();
    await untouched(web, async () => {
      assert.deepEqual(await web.look(), ['api unchanged Recorded', 'monitor unchanged Recorded']);
      assert.deepEqual(await web.look(), ['api unchanged UpToDate', 'monitor unchanged UpToDate']);
    });
    assert.equal(await web.annotation('tagpin.dev/pins'), null);
  });

  test('all images that moved are one rollout, whose success is recorded once it is healthy', async () => {
    const { web, push, name } = await floating();
    await web.look();
    const moved = { api: push('api'), monitor: push('monitor') };
    assert.deepEqual(await web.look(), ['api written Moved', 'monitor written Moved']);
    assert.equal(await web.generation(), 2);
    const template = await web.template();
    assert.equal(await web.image('api'), `${name('api')}@${moved.api}`);
    assert.equal(await web.image('monitor'), `${name('monitor')}@${moved.monitor}`);
    assert.equal(await web.annotation('tagpin.dev/refresh'), null);
    assert.equal(pinsOf(await web.stored())['containers/api'].ref, `${name('api')}:prod`);
    assert.equal(await web.annotation('tagpin.dev/last-refresh'), null);

    // Its controller has not seen it, and then it is at it.
    assert.deepEqual(await web.look(), ['api waiting RollingOut', 'monitor waiting RollingOut']);
    await web.rolls('rolling');
    assert.deepEqual(await web.look(), ['api waiting RollingOut', 'monitor waiting RollingOut']);
    assert.equal(await web.annotation('tagpin.dev/last-refresh'), null);
    await web.rolls('settled');
    assert.deepEqual(await web.look(), ['api unchanged RolledOut', 'monitor unchanged RolledOut']);
    assert.deepEqual(await web.look(), ['api unchanged UpToDate', 'monitor unchanged UpToDate']);
    assert.match((await web.annotation('tagpin.dev/last-refresh')) ?? '', new RegExp(moved.api));
    assert.equal(await web.template(), template);
    await untouched(web, () => web.look());
    const events = await web.events();
    assert.ok(events.length > 0 && events.every((event) => event.startsWith('Normal ')), events.join('\n'));
    assert.equal(new Set(events).size, events.length);
  });

  test('one image that moved leaves the other as it is', async () => {
    const { web, push, name } = await floating();
    await web.look();
    const api = push('api');
    assert.deepEqual(await web.look(), ['api written Moved', 'monitor unchanged UpToDate']);
    assert.equal(await web.image('api'), `${name('api')}@${api}`);
    assert.equal(await web.image('monitor'), `${name('monitor')}:prod`);
  });

  test('a pin is a record: what moved before anybody looked is refreshed at the first look', async () => {
    const namespace = await cluster.namespace();
    const { push, name, first } = await images(namespace);
    const containers = { api: `${name('api')}:prod` };
    const web = await createFollowed(cluster, { namespace, containers, follow: [{ container: 'api' }] });
    assert.equal(await web.image(), `${name('api')}@${first.api}`);
    assert.deepEqual(await web.look(), ['api unchanged UpToDate']);
    const other = { namespace, name: 'other', containers, follow: [{ container: 'api' }] };
    const late = await createFollowed(cluster, other);
    const api = push('api');
    assert.deepEqual(await late.look(), ['api written Moved']);
    assert.equal(await late.image(), `${name('api')}@${api}`);
  });

  test('the annotations of a CronJob before are where it begins', async () => {
    const { web, first, push, name } = await floating({
      annotations: {
        'tagpin.dev/adopt-from':
          'api=tracebloc.io/last-refreshed-api-digest,monitor=tracebloc.io/last-refreshed-monitor-digest',
        'tracebloc.io/last-refreshed-monitor-digest': `sha256:${'0'.repeat(64)}`,
      },
    });
    const recorded = {
      op: 'add',
      path: '/metadata/annotations/tracebloc.io~1last-refreshed-api-digest',
      value: first.api,
    };
    await web.edit([recorded]);
    await web.rolls('settled');
    assert.deepEqual(await web.look(), ['api unchanged UpToDate', 'monitor written Moved']);
    assert.equal(await web.image('api'), `${name('api')}:prod`);
    assert.equal(await web.image('monitor'), `${name('monitor')}@${first.monitor}`);
    await web.finish();
    // Nobody writes there any more, and nobody reads it.
    const api = push('api');
    assert.deepEqual(await web.look(), ['api written Moved', 'monitor unchanged UpToDate']);
    assert.equal(await web.image('api'), `${name('api')}@${api}`);
  });

  test('an adopted annotation that holds no digest is as none', async () => {
    const { web } = await floating({
      annotations: { 'tagpin.dev/adopt-from': 'example.org/digest', 'example.org/digest': 'sha256:nonsense' },
    });
    await untouched(web, async () => {
      const changes = await web.look();
      assert.ok(
        changes.every((each) => /unchanged Recorded|refused InvalidSettings/.test(each)),
        changes.join(),
      );
    });
  });

  test('what is pinned by hand is left alone, and its registry is not asked', async () => {
    const namespace = await cluster.namespace();
    const { push, name, first } = await images(namespace);
    const containers = { api: `${name('api')}@${first.api}`, monitor: `${name('monitor')}:prod` };
    const web = await createFollowed(cluster, {
      namespace,
      containers,
      follow: [{ container: 'api' }, { container: 'monitor' }],
    });
    await web.look();
    const monitor = push('monitor');
    push('api');
    cluster.registry.clearRequests();
    assert.deepEqual(await web.look(), ['api unchanged PinnedByHand', 'monitor written Moved']);
    assert.equal(await web.image('api'), `${name('api')}@${first.api}`);
    assert.equal(await web.image('monitor'), `${name('monitor')}@${monitor}`);
    const asked = cluster.registry.requests.filter(({ path }) => path.includes(`${namespace}/api`));
    assert.deepEqual(asked, []);
  });

  test('a registry that fails changes nothing and is reported; when it is back the move is made', async () => {
    const { web, push } = await floating();
    await web.look();
    push('api');
    const heal = cluster.registry.fault({ kind: 'status', status: 503 }, { path: new RegExp(`${web.namespace}/api`) });
    await untouched(web, async () => {
      const { code, changes } = await web.sweep();
      assert.equal(code, 1);
      assert.deepEqual(changes.map(({ alias, outcome, reason }) => `${alias} ${outcome} ${reason}`).toSorted(), [
        'api failed LookupFailed',
        'monitor unchanged UpToDate',
      ]);
      await web.look();
    });
    heal();
    assert.equal((await web.events()).filter((event) => /LookupFailed/.test(event)).length, 1);
    assert.deepEqual(await web.look(), ['api written Moved', 'monitor unchanged UpToDate']);
  });

  test('a tag that is not there changes nothing, and is no silence', async () => {
    const { web } = await floating();
    await web.look();
    cluster.registry.removeTag(`${web.namespace}/api`, 'prod');
    await untouched(web, async () => {
      const { code, changes } = await web.sweep();
      const api = changes.find(({ alias }) => alias === 'api');
      assert.match(`${api?.outcome} ${api?.reason}`, /^(failed LookupFailed|waiting NoTag)$/);
      if (api?.outcome === 'failed') assert.equal(code, 1);
    });
  });
});
