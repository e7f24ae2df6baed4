/** Tries deploy/replace-flux-oci.md: its manifests on source-controller's own definition, its commands as they stand. */
import assert from 'node:assert/strict';
import { before, beforeEach, describe, test } from 'node:test';
import { parsePolicyFile } from '../../src/core/policy/manifest.ts';
import { valueAt } from '../../src/core/workload/json.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { installFluxResources } from '../support/custom-resources.ts';
import { assertWellKept, readPage } from '../support/page.ts';
import { pagedCluster } from '../support/paged-cluster.ts';
import { dockerSecret, secret } from '../support/pull-secrets.ts';
import { newKey, publicPem } from '../support/signed-image.ts';
import { pushLegacy } from '../support/sigstore/push.ts';
import { signLegacy, simpleSigning } from '../support/sigstore/signatures.ts';

const page = readPage('replace-flux-oci.md');
const REPOSITORY = 'acme/manifests/podinfo';
const NAMESPACE = 'flux-system';

test('the page is short, links to what is there, and shows a policy that is one', () => {
  assertWellKept(page);
  const parsed = parsePolicyFile(page.file('after/policy.yaml'));
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.deepEqual(parsed.policy.registries.allow, ['ghcr.io']);
});

describe('in the place of a Flux OCIRepository by semver with cosign', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = pagedCluster(page);
  const { kubectl, shared } = cluster;
  const key = newKey();
  before(async () => {
    assert.equal(await installFluxResources(shared.plane), null);
    await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
    const data = { 'cosign.pub': Buffer.from(publicPem(key)).toString('base64') };
    await shared.plane.apply(secret(NAMESPACE, 'cosign-public-key', 'Opaque', data));
    await shared.plane.apply(dockerSecret(NAMESPACE, 'ghcr-auth', { 'ghcr.io': 'robot:secret' }));
  });
  beforeEach(() => kubectl('delete', 'ocirepositories', '--all', '-n', NAMESPACE));

  const reference = async (): Promise<unknown> => {
    const object = JSON.parse(await kubectl('get', 'ocirepository', 'podinfo', '-n', NAMESPACE, '-o', 'json'));
    return valueAt(object, ['spec', 'ref']);
  };

  async function release(tag: string, signed: 'signed' | 'unsigned'): Promise<string> {
    const digest = cluster.registry().pushImage(REPOSITORY, tag);
    const target = { host: cluster.registry().host, repository: REPOSITORY };
    if (signed === 'signed') await pushLegacy(target, digest, [signLegacy(simpleSigning(digest), { privateKey: key })]);
    return digest;
  }

  test('it moves to the newest version that verifies, tells what it passed over, and goes back', async () => {
    const shell = cluster.shell();
    const digest = await release('1.4.0', 'signed');
    await release('1.5.0', 'unsigned');
    await shell.output('kubectl apply -f before/podinfo.yaml -f after/policy.yaml');
    assert.deepEqual(await cluster.sweepAll(), []);

    const dry = await shell.output(page.under('## Change over'));
    assert.match(dry, /^planned Moved OCIRepository\/flux-system\/podinfo .*passed over 1\.5\.0@/m);
    assert.deepEqual(await reference(), { semver: '>=1.0.0' });

    const seen = await shell.output(page.under('## See that it works'));
    assert.match(seen, /^written Moved OCIRepository\/flux-system\/podinfo /m);
    assert.match(seen, /Normal +Updated +ocirepository\/podinfo/);
    const printed = seen.split('\n').find((line) => line.startsWith('{')) ?? assert.fail(seen);
    assert.deepEqual(JSON.parse(printed), { semver: '>=1.0.0', tag: '1.4.0', digest });

    // What is in git is applied again, and takes nothing away.
    await shell.output('kubectl apply -f after/podinfo.yaml');
    assert.deepEqual(await reference(), { semver: '>=1.0.0', tag: '1.4.0', digest });

    await shell.output(page.under('## The way back'));
    assert.deepEqual(await reference(), { semver: '>=1.0.0' });
    assert.deepEqual(await cluster.sweepAll(), []);
  });

  test('a manifest that has the tag as well is refused, as the page says', async () => {
    const shell = cluster.shell();
    await release('1.6.0', 'signed');
    const tagged = page.file('after/podinfo.yaml').replace('semver: ">=1.0.0"', 'semver: ">=1.0.0"\n    tag: 1.4.0');
    const args = ['apply', '--server-side', '--field-manager=kustomize-controller', '-f', '-'];
    const { code, stderr } = await shared.plane.kubectl(args, { input: tagged });
    assert.equal(code, 0, stderr);
    await shell.output('kubectl apply -f after/policy.yaml');
    const [row] = await cluster.sweepAll();
    assert.equal(`${row?.outcome} ${row?.reason}`, 'refused OwnedByApply');
    assert.match(page.text, /`refused OwnedByApply`/);
  });
});
