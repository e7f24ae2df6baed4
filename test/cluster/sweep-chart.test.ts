/** What Helm renders with the parameters that `tagpin sweep` writes, for charts that make images of them in different ways. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { parseReference } from '../../src/core/image/reference.ts';
import { CONTROL_PLANE, PROGRAMS, skipWithout } from '../environment/programs.ts';
import { helm } from '../support/chart.ts';
import { type ImageHelper, shopChart } from '../support/shop-chart.ts';
import { sweptCluster } from '../support/swept-cluster.ts';

interface Followed {
  readonly chart: ImageHelper;
  /** What comes after the image's name in `image-list`. */
  readonly follow: string;
  readonly keys: Readonly<Record<string, string>>;
}

/** What is written and rendered; NAME is the image's, MAIN and VERSION are the digests of `main` and `1.20`. */
const CASES: readonly (Followed & { readonly parameters: readonly string[]; readonly renders: string })[] = [
  ...(['colon', 'at', 'digest value', 'whole'] as const).flatMap((chart) => [
    {
      chart,
      follow: ':main',
      keys: { 'shop.update-strategy': 'digest' },
      parameters: ['image.name=NAME', 'image.tag=main@MAIN'],
      renders: 'NAME:main@MAIN',
    },
    {
      chart,
      follow: ':1.x',
      keys: { 'shop.format': 'tag' },
      parameters: ['image.name=NAME', 'image.tag=1.20'],
      renders: 'NAME:1.20',
    },
    {
      chart,
      follow: ':1.x',
      keys: { 'shop.format': 'tag+digest', 'shop.helm.image-tag': 'image.tag' },
      parameters: ['image.tag=1.20@VERSION'],
      renders: 'NAME:1.20@VERSION',
    },
  ]),
  {
    chart: 'at',
    follow: ':main',
    keys: { 'shop.update-strategy': 'digest', 'shop.format': 'digest' },
    parameters: ['image.name=NAME', 'image.tag=MAIN'],
    renders: 'NAME@MAIN',
  },
  {
    chart: 'whole',
    follow: ':main',
    keys: { 'shop.update-strategy': 'digest', 'shop.format': 'digest', 'shop.helm.image-spec': 'image.spec' },
    parameters: ['image.spec=NAME@MAIN'],
    renders: 'NAME@MAIN',
  },
  {
    chart: 'whole',
    follow: ':1.x',
    keys: { 'shop.format': 'tag+digest', 'shop.helm.image-spec': 'image.spec' },
    parameters: ['image.spec=NAME:1.20@VERSION'],
    renders: 'NAME:1.20@VERSION',
  },
  {
    chart: 'digest value',
    follow: ':main',
    keys: { 'shop.update-strategy': 'digest', 'shop.helm.image-digest': 'image.digest' },
    parameters: ['image.digest=MAIN'],
    renders: 'NAME:main@MAIN',
  },
  {
    chart: 'digest value',
    follow: ':1.x',
    keys: { 'shop.format': 'tag', 'shop.helm.image-tag': 'image.tag', 'shop.helm.image-digest': 'image.digest' },
    parameters: ['image.tag=1.20', 'image.digest=VERSION'],
    renders: 'NAME:1.20@VERSION',
  },
];

const ALONE: Followed = {
  chart: 'colon',
  follow: ':main',
  keys: { 'shop.update-strategy': 'digest', 'shop.format': 'digest' },
};

describe('helm template of what was written', { skip: skipWithout(...CONTROL_PLANE, PROGRAMS.helm) }, () => {
  const cluster = sweptCluster();
  let namespace = '';
  let meanings: readonly (readonly [string, string])[] = [];
  before(async () => {
    namespace = await cluster.shared.namespace();
    const registry = cluster.registry();
    const image = `${registry.host}/acme/shop`;
    // Helm would take 1.20 for the number 1.2, had it not been said to be a string.
    const [main, version] = [registry.pushImage('acme/shop', 'main'), registry.pushImage('acme/shop', '1.20')];
    meanings = [
      [image, 'NAME'],
      [main, 'MAIN'],
      [version, 'VERSION'],
    ];
    for (const [at, { follow, keys }] of [...CASES, ALONE].entries()) {
      await cluster.create({
        namespace,
        name: `shop-${at}`,
        follow: { 'image-list': `shop=${image}${follow}`, ...keys },
      });
    }
    const { code, changes } = await cluster.sweep(namespace);
    assert.equal(code, 0);
    assert.deepEqual(new Set(changes.map(({ outcome }) => outcome)), new Set(['written']));
  });

  /** The parameters of an Application, and the image that Argo CD would render with them. */
  async function rendered(at: number, chart: ImageHelper) {
    const { spec } = (await cluster.get(namespace, `shop-${at}`)) as { spec: { source: { helm: Helm } } };
    const { parameters } = spec.source.helm;
    const folder = join(cluster.shared.plane.folder, `chart-${at}`);
    for (const [file, text] of Object.entries(shopChart(chart, { name: meanings[0]?.[0] ?? '', tag: 'main' }))) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    // As Argo CD's util/helm/cmd.go does.
    const flags = parameters.flatMap(({ name, value, forceString }) => [
      forceString === true ? '--set-string' : '--set',
      `${name}=${value.replaceAll(',', '\\,')}`,
    ]);
    const { code, stdout, stderr } = await helm(['template', 'shop', folder, ...flags], { folder });
    assert.deepEqual([code, stderr], [0, '']);
    const { image } = parse(stdout).spec.template.spec.containers[0];
    const named = (text: string): string =>
      meanings.reduce((before, [what, name]) => before.replaceAll(what, name), text);
    return { parameters: parameters.map(({ name, value }) => named(`${name}=${value}`)), image, named: named(image) };
  }

  for (const [at, { chart, follow, keys, parameters, renders }] of CASES.entries()) {
    const said = Object.entries(keys).map(([key, value]) => `${key.replace('shop.', '')}=${value}`);
    test(`a chart with the helper "${chart}", ${follow}, ${said.join(', ')}: ${renders}`, async () => {
      const { image, ...found } = await rendered(at, chart);
      assert.deepEqual(found, { parameters, named: renders });
      assert.ok(parseReference(image).ok, image);
    });
  }

  test('a digest alone where a tag goes is for charts that expect it: another makes no reference of it', async () => {
    const { image, named } = await rendered(CASES.length, ALONE.chart);
    assert.equal(named, 'NAME:MAIN');
    assert.equal(parseReference(image).ok, false);
  });
});

interface Helm {
  readonly parameters: readonly { readonly name: string; readonly value: string; readonly forceString?: boolean }[];
}
