/**
 * A Deployment that the webhook pins, in Argo CD with server-side diff: in git stands a tag, in the cluster a digest, and that is
 * in sync.
 */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { skipWithoutArgoCd } from '../environment/argo-cd.ts';
import { openShop, type ShopState } from './shop.ts';
import { type ArgoStage, openArgoStage } from './stage.ts';

const skip = skipWithoutArgoCd();
let stage: ArgoStage;

describe('with server-side diff', { skip, concurrency: true }, () => {
  before(async () => {
    stage = await openArgoStage();
  });
  after(() => stage?.close());

  for (const apply of ['client-side', 'server-side'] as const) {
    test(`a Deployment of ${apply} apply stays Synced after the first sync, a hard refresh and a moved tag`, async (t) => {
      const shop = await openShop(t, stage, { diff: 'server-side', apply, selfHeal: 'on' });
      const runs = await shop.push('1.0');
      const seconds = await shop.synced(await shop.commit('1.0'));
      const expected: ShopState = { sync: 'Synced', deployed: 1, runs, replicaSets: 1, revision: 1 };
      await shop.rest();
      assert.deepEqual(await shop.state(), expected, 'after the first sync');

      const before = await shop.admissions();
      await shop.compare('hard');
      const afterwards = await shop.admissions();
      await shop.rest();
      assert.deepEqual(await shop.state(), expected, 'after a hard refresh');

      assert.notEqual(await shop.push('1.0'), runs);
      await shop.compare('hard');
      await shop.rest();
      assert.deepEqual(await shop.state(), expected, 'after the tag moved');

      // Whatever touches the live object makes Argo CD compare and the webhook answer.
      await shop.kubectl('annotate', 'deployment', shop.name, 'example.org/touched=yes');
      await shop.rest();
      assert.deepEqual(await shop.state(), expected, 'after the live object was touched');
      assert.equal(await shop.syncs(), 1);
      t.diagnostic(`first sync ${seconds.toFixed(1)} s; a hard refresh ${JSON.stringify({ before, afterwards })}`);
    });

    test(`a tag bumped in git rolls a Deployment of ${apply} apply out once, and that is all`, async (t) => {
      const shop = await openShop(t, stage, { diff: 'server-side', apply, selfHeal: 'on' });
      await shop.push('1.0');
      const runs = await shop.push('1.1');
      await shop.synced(await shop.commit('1.0'));
      await shop.settle();
      const seconds = await shop.synced(await shop.commit('1.1'));
      const bumped: ShopState = { sync: 'Synced', deployed: 2, runs, replicaSets: 2, revision: 2 };
      await shop.rest();
      assert.deepEqual(await shop.state(), bumped);
      const syncs = await shop.syncs();
      await shop.compare('hard');
      await shop.rest();
      assert.deepEqual(await shop.state(), bumped);
      assert.equal(await shop.syncs(), syncs);
      t.diagnostic(`the bump is synced in ${seconds.toFixed(1)} s; ${syncs} syncs in all`);
    });

    test(`a refresh rolls a Deployment of ${apply} apply out once, and Argo CD has nothing to do`, async (t) => {
      const shop = await openShop(t, stage, { diff: 'server-side', apply, selfHeal: 'on' });
      await shop.push('1.0');
      await shop.synced(await shop.commit('1.0'));
      const runs = await shop.push('1.0');
      await shop.settle();
      await shop.kubectl('annotate', 'deployment', shop.name, 'tagpin.dev/refresh=*;1');
      const refreshed: ShopState = { sync: 'Synced', deployed: 1, runs, replicaSets: 2, revision: 2 };
      await shop.rest();
      assert.deepEqual(await shop.state(), refreshed);
      await shop.compare('hard');
      await shop.rest();
      assert.deepEqual(await shop.state(), refreshed);
      assert.equal(await shop.syncs(), 1);
    });
  }
});
