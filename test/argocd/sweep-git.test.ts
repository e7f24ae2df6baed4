/** What a real Argo CD makes of what `tagpin sweep` commits. */
import assert from 'node:assert/strict';
import test, { after, before, describe, type TestContext } from 'node:test';
import { skipWithoutArgoCd } from '../environment/argo-cd.ts';
import { serveGit } from '../support/git-http.ts';
import { restOfArgoCd } from './argo-application.ts';
import { ARGO_CD_NAMESPACE } from './argocd.ts';
import { openSweptStage, type SweptStage } from './sweeper.ts';
import { openSweptShop, type SweptShop, type SweptShopOptions } from './swept-shop.ts';

const skip = skipWithoutArgoCd();
let stage: SweptStage;

describe('an Application whose values are committed', { skip, concurrency: true }, () => {
  before(async () => {
    stage = await openSweptStage();
  });
  after(async () => {
    const refusals = await stage?.refusals();
    await stage?.close();
    assert.deepEqual(refusals ?? [], []);
  });

  const TARGETS = [
    { kind: 'helm', selfHeal: 'on', target: null, file: (name: string) => `.argocd-source-${name}.yaml` },
    { kind: 'helm', selfHeal: 'off', target: null, file: (name: string) => `.argocd-source-${name}.yaml` },
    { kind: 'kustomize', selfHeal: 'on', target: null, file: (name: string) => `.argocd-source-${name}.yaml` },
    { kind: 'helm', selfHeal: 'on', target: 'helmvalues', file: () => 'values.yaml' },
    { kind: 'kustomize', selfHeal: 'on', target: 'kustomization', file: () => 'kustomization.yaml' },
  ] as const;
  for (const { kind, selfHeal, target, file } of TARGETS) {
    test(`${kind}, selfHeal ${selfHeal}, ${target ?? 'its own file'}: one commit, one sync, one rollout`, async (t) => {
      const shop = await open(t, { kind, selfHeal, namespace: 'plain' }, target);
      for (const times of [1, 2]) {
        const digest = await committed(t, shop);
        assert.ok(shop.repository.show('main', file(shop.name)).includes(digest.slice('main@'.length)));
        await restOfArgoCd();
        const once = { sync: 'Synced', runs: digest, rollouts: 1 + times, syncs: 1 + times, writes: 0 };
        assert.deepEqual(await shop.state(), once);
        assert.deepEqual(await came(shop), ['unchanged UpToDate']);
        assert.equal(commits(shop), 1 + times);
        await shop.push();
      }
    });
  }

  test('a commit that a person takes back stays taken back, until the tag means a third digest', async (t) => {
    const shop = await open(t, { kind: 'helm', selfHeal: 'on', namespace: 'plain' }, null);
    const first = await committed(t, shop);
    await shop.push();
    const second = await committed(t, shop);
    const file = `.argocd-source-${shop.name}.yaml`;
    const reverted = shop.repository.show('main', file).replace(second, first);
    await shop.synced(shop.repository.commit('main', { [file]: reverted }, 'Revert'));
    await shop.runs(first);
    for (let times = 0; times < 3; times += 1) await came(shop);
    assert.equal(commits(shop), 4);
    assert.equal((await shop.state()).runs, first);
    await shop.push();
    await committed(t, shop);
    assert.deepEqual([commits(shop), (await shop.state()).rollouts], [5, 5]);
  });
});

/** One whose repository is served over http, to whom has the credential in Argo CD's own Secret. */
async function open(t: TestContext, options: SweptShopOptions, target: string | null): Promise<SweptShop> {
  const follow = { 'write-back-method': 'git', ...(target !== null && { 'write-back-target': target }) };
  return await openSweptShop(t, stage, {
    ...options,
    follow,
    async serve(repository) {
      const authorization = `Basic ${Buffer.from('bot:secret').toString('base64')}`;
      const { url, origin } = await serveGit({ after: (end) => t.after(end) }, repository, { authorization });
      await stage.plane.apply({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name: `repository-${new URL(origin).port}`,
          namespace: ARGO_CD_NAMESPACE,
          labels: { 'argocd.argoproj.io/secret-type': 'repository' },
        },
        stringData: { type: 'git', url, username: 'bot', password: 'secret', insecure: 'true' },
      });
      return url;
    },
  });
}

async function came(shop: SweptShop): Promise<readonly string[]> {
  return (await stage.sweep(shop.name)).map((image) => image.came);
}

function commits({ repository }: SweptShop): number {
  return Number(repository.git('rev-list', '--count', 'main'));
}

/** Sweeps, and tells Argo CD of the commit, as a webhook of the host does. @returns what was written. */
async function committed(t: TestContext, shop: SweptShop): Promise<string> {
  const before = shop.repository.head('main');
  const [image] = await stage.sweep(shop.name);
  assert.equal(image?.came, 'written Moved', image?.message);
  const commit = shop.repository.head('main') ?? '';
  assert.equal(shop.repository.git('rev-parse', `${commit}^`).trim(), before);
  t.diagnostic(`synced ${(await shop.synced(commit)).toFixed(1)} s after Argo CD was told`);
  await shop.runs(image.to ?? '');
  return image.to ?? '';
}
