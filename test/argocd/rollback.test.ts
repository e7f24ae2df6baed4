/** Going back, by hand and in git, in an Argo CD that wants the cluster to be what git says. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { skipWithoutArgoCd } from '../environment/argo-cd.ts';
import { eventually } from '../support/eventually.ts';
import { openShop, type Shop, type ShopState } from './shop.ts';
import { type ArgoStage, openArgoStage } from './stage.ts';

const skip = skipWithoutArgoCd();
let stage: ArgoStage;

/** kubectl and Argo CD's self-healing take a moment. */
async function becomes(shop: Shop, expected: ShopState): Promise<void> {
  const isSo = async (): Promise<void> => assert.deepEqual(await shop.state(), expected);
  await eventually(`${shop.name} is as expected`, async () => isSo().then(() => true), { seconds: 60 });
}

describe('with server-side diff, going back', { skip, concurrency: true }, () => {
  before(async () => {
    stage = await openArgoStage();
  });
  after(() => stage?.close());

  for (const selfHeal of ['on', 'off'] as const) {
    const options = { diff: 'server-side', apply: 'client-side', selfHeal } as const;

    test(`kubectl rollout undo to an older digest of the same tag stays, with selfHeal ${selfHeal}`, async (t) => {
      const shop = await openShop(t, stage, options);
      const first = await shop.push('1.0');
      await shop.synced(await shop.commit('1.0'));
      const second = await shop.push('1.0');
      await shop.settle();
      await shop.kubectl('annotate', 'deployment', shop.name, 'tagpin.dev/refresh=*;1');
      // A refresh is no drift: Argo CD has nothing to do.
      await becomes(shop, { sync: 'Synced', deployed: 1, runs: second, replicaSets: 2, revision: 2 });

      await shop.settle();
      await shop.kubectl('rollout', 'undo', `deployment/${shop.name}`);
      const undone: ShopState = { sync: 'Synced', deployed: 1, runs: first, replicaSets: 2, revision: 3 };
      await becomes(shop, undone);
      await shop.rest();
      assert.deepEqual(await shop.state(), undone);
      await shop.compare('hard');
      await shop.rest();
      assert.deepEqual(await shop.state(), undone);
    });
  }

  test('with selfHeal, an undo to an older tag than that of git rolls forward to what ran of it, though it moved', async (t) => {
    const shop = await openShop(t, stage, { diff: 'server-side', apply: 'client-side', selfHeal: 'on' });
    const ran = await openTwoReleases(shop);
    await shop.push('1.1');
    await shop.settle();
    await shop.kubectl('rollout', 'undo', `deployment/${shop.name}`);
    const healed: ShopState = { sync: 'Synced', deployed: 2, runs: ran['1.1'], replicaSets: 2, revision: 4 };
    await becomes(shop, healed);
    await shop.rest();
    assert.deepEqual(await shop.state(), healed);
  });

  test('without selfHeal, an undo to an older tag than that of git stays, OutOfSync', async (t) => {
    const shop = await openShop(t, stage, { diff: 'server-side', apply: 'client-side', selfHeal: 'off' });
    const ran = await openTwoReleases(shop);
    await shop.settle();
    await shop.kubectl('rollout', 'undo', `deployment/${shop.name}`);
    const undone: ShopState = { sync: 'OutOfSync', deployed: 2, runs: ran['1.0'], replicaSets: 2, revision: 3 };
    await becomes(shop, undone);
    await shop.rest();
    assert.deepEqual(await shop.state(), undone);
  });

  for (const apply of ['client-side', 'server-side'] as const) {
    test(`git revert brings back what ran, though the tag moved, with ${apply} apply`, async (t) => {
      const shop = await openShop(t, stage, { diff: 'server-side', apply, selfHeal: 'on' });
      const ran = await openTwoReleases(shop);
      await shop.push('1.0');
      const seconds = await shop.synced(await shop.revert());
      const reverted: ShopState = { sync: 'Synced', deployed: 3, runs: ran['1.0'], replicaSets: 2, revision: 3 };
      await becomes(shop, reverted);
      await shop.rest();
      assert.deepEqual(await shop.state(), reverted);
      t.diagnostic(`a revert is synced in ${seconds.toFixed(1)} s`);
    });
  }
});

/** 1.0 ran, and 1.1 runs. */
async function openTwoReleases(shop: Shop): Promise<{ readonly '1.0': string; readonly '1.1': string }> {
  const ran = { '1.0': await shop.push('1.0'), '1.1': await shop.push('1.1') };
  await shop.synced(await shop.commit('1.0'));
  await shop.synced(await shop.commit('1.1'));
  await becomes(shop, { sync: 'Synced', deployed: 2, runs: ran['1.1'], replicaSets: 2, revision: 2 });
  return ran;
}
