/** Sweepers that meet others: another sweeper, people, parents, a kill in the middle of a write. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import type { Gate } from '../support/api-proxy.ts';
import { type SweptRow, sweptCluster } from '../support/swept-cluster.ts';

describe('a sweeper that is not alone', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = sweptCluster();
  const { shared } = cluster;
  const summary = ({ alias, outcome, reason }: SweptRow) => `${alias} ${outcome} ${reason}`;

  /** An Application whose tag has moved since it was written. */
  async function movedTag(more: Readonly<Record<string, string>> = {}) {
    const namespace = await shared.namespace();
    const registry = cluster.registry();
    const image = `${registry.host}/acme/${namespace}`;
    const first = registry.pushImage(`acme/${namespace}`, 'main');
    const parameters = [
      { name: 'before', value: '1' },
      { name: 'image.name', value: image, forceString: true },
      { name: 'image.tag', value: `main@${first}`, forceString: true },
      { name: 'after', value: '2' },
    ];
    const follow = { 'image-list': `shop=${image}:main`, 'update-strategy': 'digest', ...more };
    await cluster.create({ namespace, follow, source: { helm: { parameters } } });
    await cluster.sweep(namespace);
    const second = registry.pushImage(`acme/${namespace}`, 'main');
    return { namespace, image, first: `main@${first}`, second: `main@${second}` };
  }
  const generation = async (namespace: string): Promise<number> => {
    const { metadata } = (await cluster.get(namespace)) as { metadata: { generation: number } };
    return metadata.generation;
  };

  /** Lets something happen at the first patch of an Application. */
  const atPatch = (when: 'request' | 'answer', happen: () => Promise<void>): Gate => {
    let isDone = false;
    return async ({ method, path }, now) => {
      if (isDone || now !== when || method !== 'PATCH' || !path.includes('/applications/')) return;
      isDone = true;
      await happen();
    };
  };

  test('two sweepers at once write once', async () => {
    const { namespace, second } = await movedTag();
    const before = await generation(namespace);
    const target = `--target=Application/${namespace}/shop`;
    const both = await Promise.all([cluster.sweep(namespace, target), cluster.sweep(namespace, target)]);
    assert.deepEqual(
      both.map(({ code, stderr }) => ({ code, stderr })),
      [
        { code: 0, stderr: '' },
        { code: 0, stderr: '' },
      ],
    );
    assert.equal(await cluster.parameter(namespace, 'image.tag'), second);
    assert.equal(await generation(namespace), before + 1);
    assert.deepEqual((await cluster.sweep(namespace, target)).changes.map(summary), ['shop unchanged UpToDate']);
    assert.equal(await generation(namespace), before + 1);
  });

  test('what a person changes in the same list just before the write stays', async (t) => {
    const { namespace, second } = await movedTag();
    const list = '/spec/source/helm/parameters';
    const kubeconfig = await cluster.gated(
      t,
      atPatch('request', () =>
        cluster.edit(namespace, 'shop', [
          { op: 'add', path: `${list}/0`, value: { name: 'theirs', value: 'new' } },
          { op: 'replace', path: `${list}/4/value`, value: 'changed' },
          { op: 'add', path: '/metadata/labels', value: { team: 'shop' } },
        ]),
      ),
    );
    const swept = await cluster.sweep(namespace, `--kubeconfig=${kubeconfig}`);
    assert.deepEqual([swept.code, swept.stderr, swept.changes.map(summary)], [0, '', ['shop written Moved']]);
    const { spec, metadata } = (await cluster.get(namespace)) as {
      spec: { source: { helm: { parameters: { name: string; value: string }[] } } };
      metadata: { labels: object };
    };
    assert.deepEqual(metadata.labels, { team: 'shop' });
    assert.deepEqual(
      spec.source.helm.parameters
        .map(({ name, value }) => `${name}=${value}`)
        .filter((each) => !/^image.name/.test(each)),
      ['theirs=new', 'before=1', `image.tag=${second}`, 'after=changed'],
    );
  });

  test('a person who pauses it, or sets the image, just before the write is heard', async (t) => {
    const paused = await movedTag();
    const pause = [{ op: 'add', path: '/metadata/annotations/tagpin.dev~1pause', value: 'true' }];
    const image = [{ op: 'replace', path: '/spec/source/helm/parameters/2/value', value: 'debug' }, ...pause];
    const kubeconfig = await cluster.gated(
      t,
      atPatch('request', () => cluster.edit(paused.namespace, 'shop', image)),
    );
    const swept = await cluster.sweep(paused.namespace, `--kubeconfig=${kubeconfig}`);
    assert.deepEqual(swept.changes.map(summary), ['shop waiting Paused']);
    assert.equal(await cluster.parameter(paused.namespace, 'image.tag'), 'debug');
  });

  for (const when of ['request', 'answer'] as const) {
    test(`a sweeper that is killed before the ${when} of its write is followed by one that finishes`, async (t) => {
      const { namespace, first, second } = await movedTag();
      const before = await generation(namespace);
      const held = Promise.withResolvers<void>();
      const gate = atPatch(when, () => {
        held.resolve();
        return new Promise(() => {});
      });
      const kubeconfig = await cluster.gated(t, gate);
      const target = `--target=Application/${namespace}/shop`;
      const killed = cluster.start('--once', target, `--kubeconfig=${kubeconfig}`);
      await held.promise;
      killed.signal('SIGKILL');
      await killed.finished;
      assert.equal(await cluster.parameter(namespace, 'image.tag'), when === 'request' ? first : second);

      const next = await cluster.sweep(namespace, target);
      assert.deepEqual(next.changes.map(summary), [
        when === 'request' ? 'shop written Moved' : 'shop unchanged UpToDate',
      ]);
      assert.equal(await cluster.parameter(namespace, 'image.tag'), second);
      assert.equal(await generation(namespace), before + 1);
      // It is on record: what was there before is a rollback.
      await cluster.edit(namespace, 'shop', [
        { op: 'replace', path: '/spec/source/helm/parameters/2/value', value: first },
      ]);
      assert.deepEqual((await cluster.sweep(namespace, target)).changes.map(summary), ['shop waiting Contested']);
    });
  }

  test('a parent that puts its value back is left its way until the tag means a third digest', async () => {
    const { namespace, first, second } = await movedTag();
    await cluster.sweep(namespace);
    assert.equal(await cluster.parameter(namespace, 'image.tag'), second);
    const back = [{ op: 'replace', path: '/spec/source/helm/parameters/2/value', value: first }];
    await cluster.edit(namespace, 'shop', back, 'argocd-controller');
    const before = await generation(namespace);
    for (let times = 0; times < 3; times += 1) {
      const { changes } = await cluster.sweep(namespace);
      assert.deepEqual(changes.map(summary), ['shop waiting Contested']);
      assert.match(changes[0]?.message ?? '', /"argocd-controller"/);
    }
    assert.equal(await generation(namespace), before);
    const contested = (await cluster.events(namespace)).filter((event) => event.startsWith('Warning Contested'));
    assert.equal(contested.length, 1);
    const third = cluster.registry().pushImage(`acme/${namespace}`, 'main');
    assert.deepEqual((await cluster.sweep(namespace)).changes.map(summary), ['shop written Moved']);
    assert.equal(await cluster.parameter(namespace, 'image.tag'), `main@${third}`);
  });

  test('an ApplicationSet that would put its value back is named, and nothing is written', async () => {
    const { namespace, first } = await movedTag();
    const template = {
      metadata: { name: 'shop' },
      spec: { project: 'default', destination: {}, source: { repoURL: 'https://git.example/deploy.git' } },
    };
    const set = await shared.client.request({
      method: 'POST',
      path: `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/applicationsets`,
      body: {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'ApplicationSet',
        metadata: { name: 'shops' },
        spec: { generators: [], template },
      },
    });
    const { uid } = (set as { metadata: { uid: string } }).metadata;
    const owner = { apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', name: 'shops', uid };
    await cluster.edit(namespace, 'shop', [{ op: 'add', path: '/metadata/ownerReferences', value: [owner] }]);
    const { changes } = await cluster.sweep(namespace);
    assert.deepEqual(changes.map(summary), ['shop refused RevertedByParent']);
    assert.match(changes[0]?.message ?? '', new RegExp(`^reverted by ApplicationSet ${namespace}/shops`));
    assert.equal(await cluster.parameter(namespace, 'image.tag'), first);
  });
});
