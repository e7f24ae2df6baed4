/** Apps of apps: what a parent makes of values that `tagpin sweep` writes to its children, and the other way round. */
import assert from 'node:assert/strict';
import test, { after, before, describe, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { skipWithoutArgoCd } from '../environment/argo-cd.ts';
import { makeRepository, type RemoteRepository } from '../support/git-repository.ts';
import { type ArgoApplication, createApplication } from './argo-application.ts';
import { ARGO_CD_NAMESPACE } from './argocd.ts';
import { openSweptStage, type SweptStage } from './sweeper.ts';
import { prepareSweptShop, type SweptShop, type SweptShopOptions, shopApplication } from './swept-shop.ts';

const skip = skipWithoutArgoCd();
const SECONDS = 120;
const OPTIONS: SweptShopOptions = { kind: 'helm', selfHeal: 'on', namespace: 'plain' };
let stage: SweptStage;

describe('a child of an app of apps', { skip, concurrency: true }, () => {
  before(async () => {
    stage = await openSweptStage();
    await stage.changePolicy('sweep:\n  interval: 1s\n');
    await stage.startSweeper();
  });
  after(async () => {
    const refusals = await stage?.refusals();
    await stage?.close();
    assert.deepEqual(refusals ?? [], []);
  });

  test('whose manifest has parameters is refused, and nothing is ever written', async (t) => {
    const { shop, parent } = await openFamily(t, 'parameters');
    await sleep(SECONDS * 1000);
    await shop.push();
    const [image] = await stage.sweep(shop.name);
    assert.equal(image?.came, 'refused RevertedByParent');
    assert.match(image.message, new RegExp(`^reverted by Application ${parent.name}, `));
    assert.deepEqual(await shop.state(), { sync: 'Synced', runs: 'main', rollouts: 1, syncs: 1, writes: 0 });
    assert.equal(await parent.syncs(), 1);
  });

  for (const apply of ['client', 'server'] as const) {
    for (const block of ['nothing', 'value files'] as const) {
      test(`whose manifest has ${block} is written once, and a parent that applies on the ${apply}'s side leaves it`, async (t) => {
        const syncOptions = apply === 'server' ? ['ServerSideApply=true'] : [];
        const { shop, parent } = await openFamily(t, block, { syncOptions });
        await written(shop, parent);
      });
    }
  }

  test('whose parent ignores the parameters is written once, and the parent leaves it', async (t) => {
    const { shop, parent } = await openFamily(t, 'parameters', {
      ignoreDifferences: [
        { group: 'argoproj.io', kind: 'Application', jsonPointers: ['/spec/source/helm/parameters'] },
      ],
      syncOptions: ['RespectIgnoreDifferences=true'],
    });
    await written(shop, parent);
  });

  test('that gets parameters in git after it was written is left to its parent', async (t) => {
    const { shop, parent, repository } = await openFamily(t, 'nothing');
    const digest = await shop.push();
    await shop.runs(digest);
    const before = await stage.writes(shop.name);
    await parent.synced(repository.commit('main', { 'shop.yaml': manifestOf(shop, 'parameters') }));
    await shop.runs('main');
    await shop.push();
    await sleep(SECONDS * 1000);
    assert.deepEqual(
      (await stage.sweep(shop.name)).map(({ came }) => came),
      ['refused RevertedByParent'],
    );
    assert.equal(await stage.writes(shop.name), before);
    assert.equal((await shop.state()).runs, 'main');
    assert.equal(await parent.syncs(), 2);
  });
});

/** The tag has moved and is written; then for two minutes nothing happens. */
async function written(shop: SweptShop, parent: ArgoApplication): Promise<void> {
  const before = await stage.writes(shop.name);
  const digest = await shop.push();
  await shop.runs(digest);
  await sleep(SECONDS * 1000);
  const { sync, runs, writes } = await shop.state();
  assert.deepEqual({ sync, runs, writes }, { sync: 'Synced', runs: digest, writes: before + 1 });
  await parent.compare('hard');
  await sleep(5000);
  assert.deepEqual([(await parent.status()).sync.status, await parent.syncs()], ['Synced', 1]);
  assert.equal(await stage.writes(shop.name), before + 1);
}

interface Family {
  readonly shop: SweptShop;
  readonly parent: ArgoApplication;
  /** The parent's. */
  readonly repository: RemoteRepository;
}

/** What the child's manifest in git has in `helm`. */
type Block = 'nothing' | 'value files' | 'parameters';

interface ParentOptions {
  readonly ignoreDifferences?: readonly object[];
  readonly syncOptions?: readonly string[];
}

/** A parent with selfHeal that makes one Application, which has been synced. */
async function openFamily(t: TestContext, block: Block, options: ParentOptions = {}): Promise<Family> {
  const { ignoreDifferences = [], syncOptions = [] } = options;
  const shop = await prepareSweptShop(t, stage, OPTIONS);
  await shop.push();
  const repository = makeRepository({ after: (end) => t.after(end) }, { 'shop.yaml': manifestOf(shop, block) });
  const parent = await createApplication(stage, {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: `apps-of-${shop.name}`, namespace: ARGO_CD_NAMESPACE },
    spec: {
      project: 'default',
      source: { repoURL: `file://${repository.path}`, path: '.', targetRevision: 'main' },
      destination: { server: 'https://kubernetes.default.svc', namespace: ARGO_CD_NAMESPACE },
      syncPolicy: { automated: { selfHeal: true }, syncOptions },
      ignoreDifferences,
    },
  });
  t.after(async () => {
    await parent.delete();
    await shop.delete();
  });
  await parent.synced(repository.head('main') ?? '');
  await shop.synced(shop.repository.head('main') ?? '');
  return { shop, parent, repository };
}

function manifestOf(shop: SweptShop, block: Block): string {
  const { spec, ...rest } = shopApplication(shop, OPTIONS);
  const parameters = [
    { name: 'image.name', value: shop.image },
    { name: 'image.tag', value: 'main' },
  ];
  const helm = {
    nothing: {},
    'value files': { helm: { valueFiles: ['values.yaml'] } },
    parameters: { helm: { parameters } },
  };
  return stringify({ ...rest, spec: { ...spec, source: { ...spec.source, ...helm[block] } } });
}
