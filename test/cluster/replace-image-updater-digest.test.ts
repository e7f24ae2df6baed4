/** Tries deploy/replace-image-updater-digest.md: its manifests on a real API server, its commands as they stand. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { installImageUpdaterResource } from '../support/custom-resources.ts';
import { readPage } from '../support/page.ts';
import { pagedCluster } from '../support/paged-cluster.ts';

const page = readPage('replace-image-updater-digest.md');
const CHANGE_OVER = page.under('## Change over');
const PROMISED = page.under('## Change over', 'text');
const FORMAT = /tagpin\.dev\/backend\.format: digest/.exec(page.text)?.[0].replace(': ', '=') ?? '';
const REPOSITORY = 'ghcr.io/acme/backend';

describe('in the place of Image Updater with the digest strategy', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = pagedCluster(page);
  const { kubectl, shared } = cluster;
  before(async () => {
    assert.equal(await installImageUpdaterResource(shared.plane), null);
    await cluster.deployImageUpdater();
  });

  /** The set-up as it was, and what Image Updater has written there for what the tag means now. */
  async function setUp(value: (digest: string) => string) {
    const shell = cluster.shell();
    const digest = cluster.registry().pushImage('acme/backend', 'preview');
    await shell.output('kubectl apply -f before/preview.yaml -f before/production.yaml');
    const parameters = [
      { name: 'image.repository', value: REPOSITORY, forceString: true },
      { name: 'image.tag', value: value(digest), forceString: true },
    ];
    await cluster.patch('shop-preview', { spec: { source: { helm: { parameters } } } });
    return { shell, digest };
  }

  const replicas = async (): Promise<string> =>
    kubectl('get', 'deployment', 'argocd-image-updater-controller', '-n', 'argocd', '-o', 'jsonpath={.spec.replicas}');

  test('with annotations of its own it takes over without a write, follows the tag, leaves production, and goes back', async () => {
    const { shell, digest } = await setUp((current) => `preview@${current}`);
    const dry = await shell.output(CHANGE_OVER);
    assert.ok(dry.endsWith(PROMISED), dry);
    assert.equal(await replicas(), '0');
    const version = (await cluster.get('argocd', 'shop-preview'))['metadata'];
    assert.deepEqual(cluster.summaries(await cluster.sweepAll()), ['shop-preview backend: unchanged UpToDate']);
    assert.deepEqual((await cluster.get('argocd', 'shop-preview'))['metadata'], version);

    const moved = cluster.registry().pushImage('acme/backend', 'preview');
    assert.notEqual(moved, digest);
    const seen = await shell.output(page.under('## See that it works'));
    assert.match(seen, /^written Moved Application\/argocd\/shop-preview backend /m);
    assert.match(seen, /Normal +Updated +application\/shop-preview/);
    const isForced = { forceString: true };
    const parameters = [
      { ...isForced, name: 'image.repository', value: REPOSITORY },
      { ...isForced, name: 'image.tag', value: `preview@${moved}` },
    ];
    const printed = seen.split('\n').find((line) => line.startsWith('[')) ?? assert.fail(seen);
    assert.deepEqual(JSON.parse(printed), parameters);
    assert.deepEqual(await cluster.parameters('shop-production'), { 'image.tag': 'v1.4.0' });

    await shell.output(page.under('## The way back'));
    assert.equal(await replicas(), '1');
    assert.deepEqual(cluster.summaries(await cluster.sweepAll()), []);
    assert.equal((await cluster.parameters('shop-preview'))['image.tag'], `preview@${moved}`);
  });

  test('production is refused even where it is annotated', async () => {
    const { shell } = await setUp((current) => `preview@${current}`);
    await shell.output(CHANGE_OVER);
    const tried = await shell.output(page.under('## See that production holds'));
    assert.match(tried, /^refused Protected Application\/argocd\/shop-production /m);
    assert.deepEqual(await cluster.parameters('shop-production'), { 'image.tag': 'v1.4.0' });
  });

  test('a digest alone, of an older Image Updater, stays as it is with the format that the page names', async () => {
    const { shell } = await setUp((current) => current);
    await shell.output(CHANGE_OVER);
    await kubectl('annotate', 'application', 'shop-preview', '-n', 'argocd', FORMAT);
    assert.deepEqual(cluster.summaries(await cluster.sweepAll()), ['shop-preview backend: unchanged UpToDate']);
    const moved = cluster.registry().pushImage('acme/backend', 'preview');
    await cluster.sweepAll();
    assert.equal((await cluster.parameters('shop-preview'))['image.tag'], moved);
  });

  for (const [what, files] of [
    ['the old annotations', ['before/preview.yaml']],
    ['the ImageUpdater resource', ['before/plain.yaml', 'before/image-updater.yaml']],
  ] as const) {
    test(`with imageUpdater: true ${what} are read as they are, once Image Updater is gone`, async () => {
      const { shell } = await setUp((current) => `preview@${current}`);
      const bare = parse(page.file('before/preview.yaml'));
      delete bare.metadata.annotations;
      writeFileSync(join(shell.folder, 'before/plain.yaml'), stringify(bare));
      const policy = readFileSync(join(shell.folder, 'after/policy.yaml'), 'utf8');
      assert.match(policy, /imageUpdater: false/);
      writeFileSync(
        join(shell.folder, 'after/policy.yaml'),
        policy.replace('imageUpdater: false', 'imageUpdater: true'),
      );
      await shell.output(`kubectl apply ${files.map((file) => `-f ${file}`).join(' ')} -f after/policy.yaml`);
      const renewed = (time: Date) => ({
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'c21b75f2.argoproj.io', namespace: 'argocd' },
        spec: { holderIdentity: 'image-updater', renewTime: time.toISOString().replace('Z', '000Z') },
      });
      await shared.plane.apply(renewed(new Date()));
      assert.deepEqual(cluster.summaries(await cluster.sweepAll()), [
        'shop-preview backend: waiting ImageUpdaterRunning',
      ]);
      await shared.plane.apply(renewed(new Date(Date.now() - 150_000)));
      assert.deepEqual(cluster.summaries(await cluster.sweepAll()), ['shop-preview backend: unchanged UpToDate']);
      const moved = cluster.registry().pushImage('acme/backend', 'preview');
      assert.deepEqual(cluster.summaries(await cluster.sweepAll()), ['shop-preview backend: written Moved']);
      assert.equal((await cluster.parameters('shop-preview'))['image.tag'], `preview@${moved}`);
    });
  }

  test('what Image Updater verified is refused until the policy has the key, and then where it is not signed', async () => {
    const { shell } = await setUp((current) => `preview@${current}`);
    const bare = parse(page.file('before/preview.yaml'));
    delete bare.metadata.annotations;
    const resource = parse(page.file('before/image-updater.yaml'));
    const verification = { enabled: true, cosignKey: { secretName: 'cosign', key: 'cosign.pub' } };
    const verified = (more: object) => ({
      ...resource,
      spec: { ...resource.spec, imagesVerification: { ...verification, ...more } },
    });
    await shared.plane.apply(stringify(bare));
    await shared.plane.apply(stringify(verified({})));
    const file = join(shell.folder, 'after/policy.yaml');
    const switched = readFileSync(file, 'utf8').replace('imageUpdater: false', 'imageUpdater: true');
    await shared.plane.apply(switched);
    const [refused] = await cluster.sweepAll();
    assert.equal(`${refused?.outcome} ${refused?.reason}`, 'refused InvalidSettings');
    assert.match(refused?.message ?? '', /name the key under verify in the policy, and write enabled: false here/);

    await shared.plane.apply(stringify(verified({ enabled: false })));
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keys = [publicKey.export({ type: 'spki', format: 'pem' }).toString()];
    const object = parse(switched);
    const verify = [{ name: 'ours', images: ['ghcr.io/acme/**'], action: 'deny', keys, transparencyLog: 'optional' }];
    object.data['policy.yaml'] = stringify({ ...parse(object.data['policy.yaml']), verify });
    await shared.plane.apply(stringify(object));
    const before = await cluster.parameters('shop-preview');
    cluster.registry().pushImage('acme/backend', 'preview');
    assert.deepEqual(cluster.summaries(await cluster.sweepAll()), ['shop-preview backend: refused NotVerified']);
    assert.deepEqual(await cluster.parameters('shop-preview'), before);
  });
});
