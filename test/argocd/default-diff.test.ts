/** What happens without server-side diff: not recommended, and what a user sees who did not read about it. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { skipWithoutArgoCd } from '../environment/argo-cd.ts';
import { openShop } from './shop.ts';
import { type ArgoStage, openArgoStage } from './stage.ts';

const skip = skipWithoutArgoCd();
let stage: ArgoStage;

describe('without server-side diff', { skip, concurrency: true }, () => {
  before(async () => {
    stage = await openArgoStage();
  });
  after(() => stage?.close());

  for (const apply of ['client-side', 'server-side'] as const) {
    test(`a Deployment of ${apply} apply is OutOfSync and synced again and again, but nothing rolls out`, async (t) => {
      const shop = await openShop(t, stage, { diff: 'default', apply, selfHeal: 'on' });
      const runs = await shop.push('1.0');
      await shop.synced(await shop.commit('1.0'));
      await shop.rest();
      await shop.push('1.0');
      await shop.compare('hard');
      await shop.rest();
      const ran = { sync: 'OutOfSync', deployed: 1, runs, replicaSets: 1, revision: 1 };
      assert.deepEqual(await shop.state(), ran);
      const syncs = await shop.syncs();
      assert(syncs > 2, `${syncs} syncs`);
      t.diagnostic(`${syncs} syncs in about 75 s`);

      const next = await shop.push('1.1');
      await shop.synced(await shop.commit('1.1'));
      await shop.rest();
      const bumped = { sync: 'OutOfSync', deployed: 2, runs: next, replicaSets: 2, revision: 2 };
      assert.deepEqual(await shop.state(), bumped);
      t.diagnostic(`${(await shop.syncs()) - syncs} more in 35 s after the tag was bumped in git`);
    });
  }
});
