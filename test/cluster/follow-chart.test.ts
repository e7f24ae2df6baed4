/** The chart of test/cases/refresh-chart, whose refresh CronJob tagpin replaces, with Helm 4 on a real API server. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONTROL_PLANE, PROGRAMS, skipWithout } from '../environment/programs.ts';
import { helm } from '../support/chart.ts';
import { followedCluster } from '../support/followed-cluster.ts';
import type { FollowedWorkload } from '../support/followed-workload.ts';
import {
  REFRESH_CHART as CHART,
  CHART_IMAGES as IMAGES,
  releaseChart,
  CHART_VARIABLE as VARIABLE,
} from '../support/refresh-chart.ts';

describe('a chart whose refresh CronJob is replaced', {
  skip: skipWithout(...CONTROL_PLANE, PROGRAMS.helm),
}, () => {
  const cluster = followedCluster();

  const release = (...flags: readonly string[]) => releaseChart(cluster, flags);
  /** What Pods are made from: another one is a rollout. */
  const templates = (...workloads: readonly FollowedWorkload[]): Promise<readonly string[]> =>
    Promise.all(workloads.map((each) => each.template()));

  test('it is taken over without a restart, where its variable is the CronJob’s; then each move is one rollout of each', async () => {
    const { takeOver, upgrade, push, settle, first, repository, manager, proxy, monitor } =
      await release('--server-side=true');
    const before = await templates(manager, proxy, monitor);
    await takeOver();
    await settle();
    // What the CronJob wrote is nobody else's, and stays.
    assert.equal(await manager.variable(VARIABLE, 'api'), first.ingestor);
    const UP_TO_DATE = [
      'api unchanged UpToDate',
      `api/${VARIABLE} unchanged UpToDate`,
      'pods-monitor unchanged UpToDate',
    ];
    assert.deepEqual(await manager.look(), UP_TO_DATE);
    // It had no annotation of its own.
    assert.match((await proxy.look()).join(), /^proxy unchanged (Recorded|UpToDate)$/);
    assert.deepEqual(await monitor.look(), ['monitor unchanged UpToDate']);
    assert.deepEqual(await templates(manager, proxy, monitor), before);

    const generations = async () => Promise.all([manager, proxy, monitor].map((each) => each.generation()));
    const counted = await generations();
    const digests = [push('jobs-manager'), push('pods-monitor'), push('ingestor')] as const;
    assert.deepEqual(await manager.look(), [
      'api written Moved',
      `api/${VARIABLE} written Moved`,
      'pods-monitor written Moved',
    ]);
    const moved = async () => [
      await manager.image('api'),
      await manager.image('pods-monitor'),
      await manager.variable(VARIABLE, 'api'),
      await proxy.image(),
      await monitor.image(),
    ];
    const expected = [
      `${repository('jobs-manager')}@${digests[0]}`,
      `${repository('pods-monitor')}@${digests[1]}`,
      digests[2],
      `${repository('jobs-manager')}@${digests[0]}`,
      `${repository('pods-monitor')}@${digests[1]}`,
    ];
    assert.deepEqual(await moved(), expected);
    const once = counted.map((each) => each + 1);
    assert.deepEqual(await generations(), once, 'one rollout of each, whatever moved');
    const after = await templates(proxy, monitor);
    await settle();
    await manager.finish();
    assert.deepEqual(await manager.look(), UP_TO_DATE);

    // An upgrade that changes something else keeps what runs, and is no drift.
    assert.equal(await upgrade('refresh=tagpin', 'logLevel=debug'), '');
    assert.equal(await manager.variable('LOG_LEVEL', 'api'), 'debug');
    assert.deepEqual(await moved(), expected);
    await settle();
    assert.deepEqual(await manager.look(), UP_TO_DATE);
    assert.deepEqual(await templates(proxy, monitor), after);
  });

  test('with client-side apply the chart’s value goes with the chart’s line: the next look fills it, and upgrades leave it', async () => {
    const { takeOver, upgrade, push, settle, first, repository, manager } = await release('--server-side=false');
    await takeOver();
    assert.equal(await manager.variable(VARIABLE, 'api'), '');
    // Its Pods answer nothing until it is there: that rollout is not waited for.
    await manager.rolls('rolling');
    const variable = (await manager.look()).find((each) => each.startsWith('api/')) ?? '';
    assert.match(variable, new RegExp(`^api/${VARIABLE} written (Filled|Repaired|Moved)$`));
    assert.equal(await manager.variable(VARIABLE, 'api'), first.ingestor);
    await settle();
    await manager.finish();

    const [ingestor, api] = [push('ingestor'), push('jobs-manager')];
    await manager.look();
    await settle();
    await manager.finish();
    for (const level of ['debug', 'warn']) {
      assert.equal(await upgrade('refresh=tagpin', `logLevel=${level}`), '');
      assert.equal(await manager.variable(VARIABLE, 'api'), ingestor);
      assert.equal(await manager.image('api'), `${repository('jobs-manager')}@${api}`);
      await settle();
      const looked = await manager.look();
      assert.ok(
        looked.every((each) => each.endsWith('unchanged UpToDate')),
        looked.join(),
      );
    }
  });

  test('a chart that keeps its own value of the variable puts it back at every upgrade: that is told, and left so', async () => {
    const { upgrade, first, push, settle, repository, manager } = await release('--server-side=false');
    const stale = first.ingestor;
    const chartValue = `images.ingestor.digest=${stale}`;
    assert.equal(await upgrade('refresh=cronjob', chartValue), '');
    const entry = {
      image: `${repository('ingestor')}:0.3`,
      action: 'set-env',
      container: 'api',
      env: VARIABLE,
    };
    const annotation = (value: string) => [{ op: 'add', path: '/metadata/annotations/tagpin.dev~1follow', value }];
    await manager.edit(annotation(JSON.stringify([entry])));
    await settle();
    await manager.look();
    const moved = push('ingestor');
    assert.deepEqual(await manager.look(), [`api/${VARIABLE} written Moved`]);
    await manager.finish();
    assert.deepEqual(await manager.look(), [`api/${VARIABLE} unchanged UpToDate`]);
    assert.equal(await manager.variable(VARIABLE, 'api'), moved);

    assert.equal(await upgrade('refresh=cronjob', chartValue, 'logLevel=debug'), '');
    await settle();
    const { changes } = await manager.sweep();
    assert.deepEqual(
      changes.map(({ outcome, reason }) => `${outcome} ${reason}`),
      ['waiting Contested'],
    );
    assert.match(changes[0]?.message ?? '', /"helm"/);
    assert.equal(await manager.variable(VARIABLE, 'api'), stale);
  });

  for (const flags of [['--server-side=true', '--force-conflicts'], ['--server-side=false']]) {
    test(`what is pinned by hand in the values is what runs, and comes back when it is pinned no more (${flags.join(' ')})`, async () => {
      const { takeOver, upgrade, push, settle, repository, manager, proxy } = await release(...flags);
      await takeOver();
      await settle();
      await manager.look();
      await settle();
      const old = push('jobs-manager');
      const ingestor = push('ingestor');
      await manager.look();
      await settle();
      await manager.look();
      const next = push('jobs-manager');
      push('ingestor');
      const pins = [`images.jobsManager.digest=${old}`, `images.ingestor.digest=${ingestor}`];
      assert.equal(await upgrade('refresh=tagpin', ...pins), '');
      assert.equal(await manager.image('api'), `${repository('jobs-manager')}@${old}`);
      await settle();
      assert.deepEqual(await manager.look(), ['pods-monitor unchanged UpToDate']);
      assert.deepEqual(await proxy.look(), []);
      assert.equal(await manager.variable(VARIABLE, 'api'), ingestor);
      // Nobody follows it any more: its annotations are gone from the chart.
      assert.equal(await proxy.annotation('tagpin.dev/follow'), null);

      assert.equal(await upgrade('refresh=tagpin'), '');
      await settle();
      await manager.look();
      await settle();
      await manager.look();
      assert.equal(await manager.image('api'), `${repository('jobs-manager')}@${next}`);
    });
  }

  test('where all is pinned by hand nothing is rendered for anybody to follow', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const pins = Object.keys(IMAGES).flatMap((image) => ['--set-string', `images.${image}.digest=${digest}`]);
    for (const refresh of ['tagpin', 'cronjob']) {
      const { code, stdout } = await helm(['template', 'edge', CHART, '--set', `refresh=${refresh}`, ...pins]);
      assert.equal(code, 0);
      assert.doesNotMatch(stdout, /tagpin\.dev|kind: (CronJob|Role)/);
    }
  });

  test('it goes back to the CronJob as it came', async () => {
    const { takeOver, upgrade, settle, push, namespace, optOut, repository, manager } =
      await release('--server-side=true');
    await takeOver();
    await manager.look();
    push('jobs-manager');
    await manager.look();
    await settle();
    await manager.look();
    await optOut();
    assert.equal(await upgrade('refresh=cronjob', '--force-conflicts'), '');
    assert.equal(await manager.image('api'), `${repository('jobs-manager')}:prod`);
    assert.equal(await manager.annotation('tagpin.dev/follow'), null);
    await cluster.plane.get(`/apis/batch/v1/namespaces/${namespace}/cronjobs/image-refresh`);
    push('jobs-manager');
    assert.deepEqual(await manager.look(), []);
  });
});
