/** `tagpin sweep --once` against a real API server with Argo CD's real resources, and a registry. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { startRegistry } from '../support/registry.ts';
import { type SweptRow, sweptCluster } from '../support/swept-cluster.ts';

describe('tagpin sweep, method argocd', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = sweptCluster();
  const { shared } = cluster;
  const summary = ({ alias, from, to, outcome, reason }: SweptRow) => ({ alias, from, to, outcome, reason });

  test('a tag that moved is bumped once, and nothing happens afterwards', async () => {
    const namespace = await shared.namespace();
    const registry = cluster.registry();
    const first = registry.pushImage('acme/shop', 'main');
    const image = `${registry.host}/acme/shop`;
    const follow = { 'image-list': `shop=${image}:main`, 'shop.update-strategy': 'digest' };
    await cluster.create({ namespace, follow, source: { helm: { parameters: [{ name: 'replicas', value: '2' }] } } });

    const dry = await cluster.sweep(namespace, '--dry-run');
    assert.equal(dry.stderr, '');
    assert.deepEqual(dry.changes.map(summary), [
      { alias: 'shop', from: null, to: `main@${first}`, outcome: 'planned', reason: 'Moved' },
    ]);
    assert.equal(await cluster.parameter(namespace, 'image.tag'), null);

    const written = await cluster.sweep(namespace);
    assert.deepEqual({ code: written.code, stderr: written.stderr }, { code: 0, stderr: '' });
    assert.deepEqual(written.changes.map(summary), [
      { alias: 'shop', from: null, to: `main@${first}`, outcome: 'written', reason: 'Moved' },
    ]);
    assert.equal(await cluster.parameter(namespace, 'image.tag'), `main@${first}`);
    assert.equal(await cluster.parameter(namespace, 'image.name'), image);
    assert.equal(await cluster.parameter(namespace, 'replicas'), '2');
    const { metadata } = await cluster.get(namespace);

    const again = await cluster.sweep(namespace);
    assert.deepEqual(again.changes.map(summary), [
      { alias: 'shop', from: `main@${first}`, to: `main@${first}`, outcome: 'unchanged', reason: 'UpToDate' },
    ]);
    assert.deepEqual((await cluster.get(namespace))['metadata'], metadata);

    const second = registry.pushImage('acme/shop', 'main');
    const moved = await cluster.sweep(namespace);
    assert.deepEqual(moved.changes.map(summary), [
      { alias: 'shop', from: `main@${first}`, to: `main@${second}`, outcome: 'written', reason: 'Moved' },
    ]);
    assert.equal(await cluster.parameter(namespace, 'image.tag'), `main@${second}`);
  });

  test('a registry that limits its clients holds up nobody else, changes nothing, and is told', async (t) => {
    const namespace = await shared.namespace();
    const registry = cluster.registry();
    const busy = await startRegistry();
    t.after(() => busy.close());
    await cluster.policy(undefined, busy.host);
    t.after(() => cluster.policy());
    const digest = registry.pushImage('acme/web', '1.2.0');
    busy.pushImage('acme/busy', '1.0.0');
    const list = `web=${registry.host}/acme/web:^1, busy=${busy.host}/acme/busy:^1`;
    const places = { 'busy.helm.image-name': 'busy.name', 'busy.helm.image-tag': 'busy.tag' };
    await cluster.create({ namespace, follow: { 'image-list': list, 'web.format': 'tag+digest', ...places } });
    const status = { kind: 'status', status: 429, headers: { 'retry-after': '1' } } as const;
    const well = busy.fault(status);
    const limited = await cluster.sweep(namespace);
    assert.equal(limited.code, 1);
    assert.deepEqual(limited.changes.map(summary), [
      { alias: 'web', from: null, to: `1.2.0@${digest}`, outcome: 'written', reason: 'Moved' },
      { alias: 'busy', from: null, to: null, outcome: 'failed', reason: 'LookupFailed' },
    ]);
    assert.match(limited.changes[1]?.message ?? '', /^RateLimited: /);
    well();
    const again = await cluster.sweep(namespace);
    assert.equal(again.code, 0);
    assert.deepEqual(
      again.changes.map(({ alias, outcome }) => `${alias} ${outcome}`),
      ['web unchanged', 'busy written'],
    );
    assert.equal(await cluster.parameter(namespace, 'busy.tag'), '1.0.0');
    const events = await cluster.events(namespace);
    assert.deepEqual(
      events.map((event) => event.split(' ').slice(0, 2).join(' ')),
      ['Normal Updated', 'Normal Updated', 'Warning LookupFailed'],
    );
  });

  test('kustomize images and several sources are written where they are, and nothing else', async () => {
    const namespace = await shared.namespace();
    const registry = cluster.registry();
    const digest = registry.pushImage('acme/kustomized', 'main');
    const image = `${registry.host}/acme/kustomized`;
    const source = (path: string, kustomize: object) => ({
      repoURL: 'https://git.example/deploy.git',
      path,
      kustomize,
    });
    await cluster.create({
      namespace,
      follow: {
        'image-list': `shop=${image}:main`,
        'update-strategy': 'digest',
        'shop.kustomize.image-name': 'shop',
        'shop.source': '1',
      },
      spec: { sources: [source('one', { images: ['nginx:1'] }), source('two', { images: ['nginx:1', 'shop=old:1'] })] },
    });
    const { changes } = await cluster.sweep(namespace);
    assert.deepEqual(
      changes.map(({ alias, outcome }) => `${alias} ${outcome}`),
      ['shop written'],
    );
    const { spec } = (await cluster.get(namespace)) as { spec: { sources: { kustomize: { images: string[] } }[] } };
    assert.deepEqual(
      spec.sources.map(({ kustomize }) => kustomize.images),
      [['nginx:1'], ['nginx:1', `shop=${image}:main@${digest}`]],
    );
  });

  test('what is protected, paused, in another namespace or follows nothing is named, and nothing is written', async (t) => {
    const [shop, paused] = [await shared.namespace(), await shared.namespace()];
    cluster.registry().pushImage('acme/held', '1.0.0');
    const follow = { 'image-list': `shop=${cluster.registry().host}/acme/held` };
    await cluster.policy(
      `sweep:\n  applicationNamespaces: ["${shop}", "${paused}"]\n  protect: [{project: production}]\n`,
    );
    t.after(() => cluster.policy());
    const annotations = { 'tagpin.dev/pause': 'true' };
    await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: paused, annotations } });
    await cluster.create({ namespace: paused, follow });
    await cluster.create({ namespace: shop, name: 'plain' });
    await cluster.create({ namespace: shop, name: 'typo', follow: { ...follow, 'update-strategy': 'newest' } });
    const source = { repoURL: 'https://git.example/deploy.git', path: '.', helm: {} };
    await cluster.create({ namespace: shop, follow, spec: { project: 'production', source } });
    await cluster.create({ namespace: 'default', name: 'elsewhere', follow });
    const named = [
      `${paused}/shop`,
      `${shop}/plain`,
      `${shop}/typo`,
      `${shop}/shop`,
      'default/elsewhere',
      `${shop}/gone`,
    ];
    const { code, stdout } = await cluster.run(
      '--once',
      '-o',
      'json',
      ...named.map((each) => `--target=Application/${each}`),
    );
    assert.equal(code, 1);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const came = rows.map(({ target, outcome, reason }) => `${target.namespace}/${target.name} ${outcome} ${reason}`);
    assert.deepEqual(
      came.toSorted(),
      [
        `${paused}/shop waiting Paused`,
        `${shop}/plain refused NotFollowed`,
        `${shop}/typo refused InvalidSettings`,
        `${shop}/shop refused Protected`,
        'default/elsewhere refused NotFollowed',
        `${shop}/gone failed NotFound`,
      ].toSorted(),
    );
    const all = await cluster.run('--once');
    assert.match(all.stdout, /^3 targets, 0 questions: /m);
  });
});
