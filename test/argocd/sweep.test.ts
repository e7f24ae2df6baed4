/** What a real Argo CD makes of what `tagpin sweep` writes to Applications. */
import assert from 'node:assert/strict';
import test, { after, before, describe, type TestContext } from 'node:test';
import { skipWithoutArgoCd } from '../environment/argo-cd.ts';
import { eventually } from '../support/eventually.ts';
import { PATIENCE, restOfArgoCd } from './argo-application.ts';
import { openSweptStage, type SweptStage } from './sweeper.ts';
import { openSweptShop, type SweptShop, type SweptShopOptions } from './swept-shop.ts';

const skip = skipWithoutArgoCd();
let stage: SweptStage;

// Each has its own Application, and waits most of the time.
describe('an Application that is swept', { skip, concurrency: true }, () => {
  before(async () => {
    stage = await openSweptStage();
  });
  after(async () => {
    const refusals = await stage?.refusals();
    await stage?.close();
    assert.deepEqual(refusals ?? [], []);
  });

  const SHOPS: readonly SweptShopOptions[] = [
    { kind: 'helm', selfHeal: 'on', namespace: 'plain' },
    { kind: 'helm', selfHeal: 'off', namespace: 'plain' },
    { kind: 'kustomize', selfHeal: 'on', namespace: 'plain' },
    { kind: 'kustomize', selfHeal: 'off', namespace: 'plain' },
    { kind: 'helm', selfHeal: 'on', namespace: 'pinned' },
  ];
  for (const options of SHOPS) {
    const { kind, selfHeal, namespace } = options;
    test(`${kind}, selfHeal ${selfHeal}, ${namespace}: a tag that moved is one write, one sync, one rollout`, async (t) => {
      const shop = await openSweptShop(t, stage, options);
      for (const times of [1, 2]) {
        await bumped(t, shop);
        await restOfArgoCd();
        const runs = await lastWritten(shop);
        const once = { sync: 'Synced', runs, rollouts: 1 + times, syncs: 1 + times, writes: times };
        assert.deepEqual(await shop.state(), once);
        await shop.compare('hard');
        assert.deepEqual(await came(shop), ['unchanged UpToDate']);
        assert.deepEqual(await shop.state(), once);
        await shop.push();
      }
    });
  }

  for (const kind of ['helm', 'kustomize'] as const) {
    test(`${kind}: what a person puts back stays, until the tag means a third digest`, async (t) => {
      const shop = await openSweptShop(t, stage, { kind, selfHeal: 'on', namespace: 'plain' });
      const first = await bumped(t, shop);
      await shop.push();
      const second = await bumped(t, shop);
      await shop.patch(await replaced(shop, second, first));
      await shop.runs(first);
      await keeps(shop, 'waiting Contested');
      await restOfArgoCd();
      assert.deepEqual(await came(shop), ['waiting Contested']);
      const reverted = { sync: 'Synced', runs: first, rollouts: 4, syncs: 4, writes: 2 };
      assert.deepEqual(await shop.state(), reverted);

      await shop.push();
      const third = await bumped(t, shop);
      await restOfArgoCd();
      assert.deepEqual(await came(shop), ['unchanged UpToDate']);
      assert.deepEqual(await shop.state(), { ...reverted, runs: third, rollouts: 5, syncs: 5, writes: 3 });
    });
  }

  test('what a person takes away stays away: git’s tag runs, until the tag means something else', async (t) => {
    const shop = await openSweptShop(t, stage, { kind: 'helm', selfHeal: 'on', namespace: 'plain' });
    await bumped(t, shop);
    await shop.patch([{ op: 'remove', path: '/spec/source/helm' }]);
    await shop.runs('main');
    await keeps(shop, 'waiting Contested');
    assert.equal((await shop.state()).writes, 1);
    await shop.push();
    await bumped(t, shop);
  });

  test('while a sync runs it waits, and writes when that is over', async (t) => {
    const shop = await openSweptShop(t, stage, { kind: 'helm', selfHeal: 'on', namespace: 'plain' });
    // There is nobody to run its Pod: it never ends.
    const hook = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'migrate', annotations: { 'argocd.argoproj.io/hook': 'PreSync' } },
      spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'migrate', image: shop.image }] } } },
    };
    shop.repository.commit('main', {
      'templates/hook.yaml': JSON.stringify(hook),
      'templates/deployment.yaml': shop.repository
        .show('main', 'templates/deployment.yaml')
        .replace('replicas: 1', 'replicas: 2'),
    });
    await shop.compare('normal');
    const phase = async (): Promise<string> => (await shop.status()).operationState?.phase;
    await eventually('the hook runs', async () => (await phase()) === 'Running', PATIENCE);
    await keeps(shop, 'waiting OperationRunning');
    assert.equal((await shop.state()).writes, 0);

    shop.repository.commit('main', { 'templates/hook.yaml': null });
    await shop.patch([{ op: 'replace', path: '/status/operationState/phase', value: 'Terminating' }]);
    await eventually('the sync is over', async () => (await phase()) !== 'Running', PATIENCE);
    await shop.compare('normal');
    await bumped(t, shop);
    assert.equal((await shop.state()).writes, 1);
  });
});

async function came(shop: SweptShop): Promise<readonly string[]> {
  return (await stage.sweep(shop.name)).map((image) => image.came);
}

/** Sweeps three times, with the same end. */
async function keeps(shop: SweptShop, what: string): Promise<void> {
  for (let times = 0; times < 3; times += 1) assert.deepEqual(await came(shop), [what]);
}

/** Sweeps, and waits until that is deployed. @returns what was written. */
async function bumped(t: TestContext, shop: SweptShop): Promise<string> {
  const [image] = await stage.sweep(shop.name);
  const start = performance.now();
  assert.equal(image?.came, 'written Moved', image?.message);
  const to = image.to ?? '';
  await shop.runs(to);
  t.diagnostic(`the Deployment is changed ${((performance.now() - start) / 1000).toFixed(1)} s after the sweep`);
  return to;
}

/** What the Application says now. */
async function lastWritten(shop: SweptShop): Promise<string> {
  const { helm, kustomize } = (await shop.get()).spec.source;
  const written: string = helm?.parameters.at(-1).value ?? kustomize.images[0].slice(shop.image.length + 1);
  assert.match(written, /^main@sha256:/);
  return written;
}

/** A patch that makes one value another. */
async function replaced(shop: SweptShop, from: string, to: string): Promise<readonly object[]> {
  const { helm, kustomize } = (await shop.get()).spec.source;
  const values: string[] = helm?.parameters.map(({ value }: { value: string }) => value) ?? kustomize.images;
  const index = values.findIndex((value) => value.includes(from));
  const path = helm ? `/spec/source/helm/parameters/${index}/value` : `/spec/source/kustomize/images/${index}`;
  return [{ op: 'replace', path, value: values[index]?.replace(from, to) }];
}
