/** What Argo CD makes of a webhook that is away for a while. */
import assert from 'node:assert/strict';
import test, { after, before, describe, type TestContext } from 'node:test';
import { skipWithoutArgoCd } from '../environment/argo-cd.ts';
import { eventually } from '../support/eventually.ts';
import { openShop, type Shop, type ShopState } from './shop.ts';
import { type ArgoStage, openArgoStage } from './stage.ts';

const skip = skipWithoutArgoCd();
let stage: ArgoStage;

describe('while the webhook is down', { skip }, () => {
  before(async () => {
    stage = await openArgoStage();
  });
  after(() => stage?.close());

  test('Deployments are Unknown, and Synced within a minute after, without a rollout', async (t) => {
    const shops = await openBoth(t);
    const running = await everywhere(shops, async (shop): Promise<ShopState> => {
      const runs = await shop.push('1.0');
      await shop.synced(await shop.commit('1.0'));
      await shop.settle();
      const state = await shop.state();
      assert.deepEqual(state, { sync: 'Synced', deployed: 1, runs, replicaSets: 1, revision: 1 });
      await shop.push('1.0');
      return state;
    });

    await stage.webhook().process.stop();
    await everywhere(shops, async (shop, at) => {
      await shop.compare('hard');
      assert.deepEqual(await shop.state(), { ...running[at], sync: 'Unknown' });
      const { conditions } = await shop.status();
      assert.deepEqual([conditions.length, conditions[0].type], [1, 'ComparisonError']);
      assert.match(conditions[0].message, /failed calling webhook "workloads\.tagpin\.dev"/);
      await shop.rest();
      assert.deepEqual(await shop.state(), { ...running[at], sync: 'Unknown' });
    });

    await stage.startWebhook();
    const start = performance.now();
    await everywhere(shops, async (shop, at) => {
      await eventually('it is Synced', async () => (await shop.state()).sync === 'Synced', { seconds: 60 });
      t.diagnostic(
        `${APPLY[at]}: Synced ${((performance.now() - start) / 1000).toFixed(1)} s after the webhook was back`,
      );
      await shop.rest();
      assert.deepEqual(await shop.state(), running[at]);
      assert.equal(await shop.syncs(), 1);
    });
  });

  test('a tag that is bumped in git waits, and rolls out once when the webhook is back', async (t) => {
    const shops = await openBoth(t);
    const tags = await everywhere(shops, async (shop) => {
      const pushed = { first: await shop.push('1.0'), next: await shop.push('1.1') };
      await shop.synced(await shop.commit('1.0'));
      await shop.settle();
      return pushed;
    });

    await stage.webhook().process.stop();
    const commits = await everywhere(shops, async (shop, at) => {
      const commit = await shop.commit('1.1');
      await shop.compare('normal');
      await shop.rest();
      const waiting = { sync: 'Unknown', deployed: 1, runs: tags[at]?.first, replicaSets: 1, revision: 1 };
      assert.deepEqual(await shop.state(), waiting);
      return commit;
    });

    await stage.startWebhook();
    await everywhere(shops, async (shop, at) => {
      t.diagnostic(`${APPLY[at]}: synced in ${(await shop.synced(commits[at] ?? '')).toFixed(1)} s`);
      await shop.rest();
      const rolled = { sync: 'Synced', deployed: 2, runs: tags[at]?.next, replicaSets: 2, revision: 2 };
      assert.deepEqual(await shop.state(), rolled);
    });
  });
});

const APPLY = ['client-side', 'server-side'] as const;

/** One of each way to apply: there is only one webhook that can be down. */
function openBoth(t: TestContext): Promise<Shop[]> {
  return Promise.all(APPLY.map((apply) => openShop(t, stage, { diff: 'server-side', apply, selfHeal: 'on' })));
}

/** The same in all shops at once. */
function everywhere<T>(shops: readonly Shop[], act: (shop: Shop, at: number) => Promise<T>): Promise<T[]> {
  return Promise.all(shops.map(act));
}
