/** `tagpin sweep` of Flux OCIRepositories, on source-controller's own resource definition. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { valueAt } from '../../src/core/workload/json.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import type { Manifest } from '../support/admission.ts';
import { ociCluster, type WantedOciRepository } from '../support/oci-cluster.ts';
import { CANARY } from '../support/pull-secrets.ts';
import { ISSUER, newKey, privateSigstore, publicPem, SUBJECT } from '../support/signed-image.ts';
import { pushBundles, pushLegacy } from '../support/sigstore/push.ts';
import {
  type SigningKey,
  signBundle,
  signingStatement,
  signLegacy,
  simpleSigning,
} from '../support/sigstore/signatures.ts';
import { policyFor } from '../support/webhook-process.ts';

describe('OCIRepositories', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const { cluster, shared, create, get, refOf, edit, push, sweep, otherPolicy, opaque } = ociCluster();

  test('move to the newest version of their range within one cycle, and the range stays', async () => {
    const namespace = await shared.namespace();
    push(namespace, '1.0.0');
    const first = push(namespace, '1.1.0');
    push(namespace, '2.0.0-rc.1');
    push(namespace, '9');
    await create(namespace);
    assert.equal((await sweep(namespace, '--dry-run')).said, 'planned Moved');
    const moved = await sweep(namespace);
    assert.deepEqual([moved.said, moved.from, moved.to], ['written Moved', null, `1.1.0@${first}`], moved.message);
    assert.deepEqual(await refOf(namespace), { semver: '>=1.0.0', tag: '1.1.0', digest: first });
    assert.equal((await sweep(namespace)).said, 'unchanged UpToDate');

    const second = push(namespace, '1.2.0');
    assert.equal((await sweep(namespace)).said, 'written Moved');
    assert.deepEqual(await refOf(namespace), { semver: '>=1.0.0', tag: '1.2.0', digest: second });
    const rebuilt = push(namespace, '1.2.0');
    assert.equal((await sweep(namespace)).to, `1.2.0@${rebuilt}`);

    const managers = valueAt(await get(namespace), ['metadata', 'managedFields']) as readonly Manifest[];
    assert.ok(managers.some(({ manager, operation }) => manager === 'tagpin' && operation === 'Update'));
    const events = await cluster.events(namespace, 'app');
    assert.equal(events.filter((event) => event.startsWith('Normal Updated')).length, 3, events.join('\n'));
  });

  test('are left where they are paused, suspended, protected, or nothing fits', async (t) => {
    const rows: readonly (readonly [string, WantedOciRepository, string])[] = [
      ['paused', { annotations: { 'tagpin.dev/pause': 'true' } }, 'waiting Paused'],
      ['suspended', { spec: { suspend: true } }, 'waiting Suspended'],
      ['nothing fits', { ref: { semver: '>=7.0.0' } }, 'waiting NoTag'],
      ['min-age', { annotations: { 'tagpin.dev/min-age': '1h' } }, 'waiting TooYoung'],
      ['a filter', { ref: { semverFilter: 'never' } }, 'waiting NoTag'],
      ['a downgrade', { ref: { tag: '3.0.0' } }, 'refused Downgrade'],
      ['no range', { ref: { semver: '' } }, 'refused InvalidSettings'],
      ['notation', { spec: { verify: { provider: 'notation', secretRef: { name: 'x' } } } }, 'refused InvalidSettings'],
      [
        'a missing key',
        { spec: { verify: { provider: 'cosign', secretRef: { name: 'x' } } } },
        'refused InvalidSettings',
      ],
    ];
    for (const [name, wanted, expected] of rows) {
      const namespace = await shared.namespace();
      push(namespace, '1.0.0');
      await create(namespace, wanted);
      const before = await refOf(namespace);
      assert.equal((await sweep(namespace, '--target', `OCIRepository/${namespace}/app`)).said, expected, name);
      assert.deepEqual(await refOf(namespace), before, name);
    }
    const namespace = await shared.namespace();
    push(namespace, '1.0.0');
    await create(namespace);
    await otherPolicy(t, policyFor(cluster.registry().host, 'sweep:\n  protect: [{kind: OCIRepository}]\n'));
    assert.equal((await sweep(namespace)).said, 'refused Protected');
  });

  test('that nobody annotated are not touched, and named ones that are not there fail', async () => {
    const namespace = await shared.namespace();
    push(namespace, '1.0.0');
    await create(namespace, { annotations: { 'tagpin.dev/follow': '' } });
    assert.deepEqual((await cluster.sweep(namespace)).changes, []);
    assert.equal((await sweep(namespace, '--target', `OCIRepository/${namespace}/app`)).said, 'refused NotFollowed');
    assert.equal((await sweep(namespace, '--target', `ocirepo/${namespace}/gone`)).said, 'failed NotFound');
  });

  test('whose tag somebody applies are refused, with the way out', async () => {
    const namespace = await shared.namespace();
    push(namespace, '1.0.0');
    push(namespace, '1.1.0');
    await create(namespace);
    const spec = { url: `oci://${cluster.registry().host}/acme/${namespace}`, interval: '1m' };
    const object = {
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'OCIRepository',
      metadata: { name: 'app', namespace },
    };
    const applied = async (ref: object) => {
      const input = JSON.stringify({ ...object, spec: { ...spec, ref } });
      const args = ['apply', '--server-side', '--force-conflicts', '--field-manager=kustomize-controller', '-f', '-'];
      const { code, stderr } = await shared.plane.kubectl(args, { input });
      assert.equal(code, 0, stderr);
    };
    await applied({ semver: '>=1.0.0', tag: '1.0.0' });
    const refused = await sweep(namespace);
    assert.equal(refused.said, 'refused OwnedByApply');
    assert.match(refused.message, /"kustomize-controller".*take both out of the manifest/);
    await applied({ semver: '>=1.0.0' });
    assert.equal((await sweep(namespace)).said, 'written Moved');
    // Its next apply leaves what it does not name.
    await applied({ semver: '>=1.0.0' });
    assert.equal((await sweep(namespace)).said, 'unchanged UpToDate');
  });

  test('that somebody takes back are repaired once, and then theirs', async () => {
    const namespace = await shared.namespace();
    push(namespace, '1.0.0');
    await create(namespace);
    assert.equal((await sweep(namespace)).said, 'written Moved');
    const takeAway = [{ op: 'remove', path: '/spec/ref/digest' }];
    await edit(namespace, takeAway);
    assert.equal((await sweep(namespace)).said, 'written Repaired');
    await edit(namespace, takeAway);
    assert.equal((await sweep(namespace)).said, 'waiting Contested');
    const second = push(namespace, '1.1.0');
    assert.equal((await sweep(namespace)).said, 'written Moved');
    assert.deepEqual(await refOf(namespace), { semver: '>=1.0.0', tag: '1.1.0', digest: second });
  });

  test('that somebody takes back by their digest alone, which is what Flux takes, are theirs at once', async () => {
    const namespace = await shared.namespace();
    const first = push(namespace, '1.0.0');
    await create(namespace);
    assert.equal((await sweep(namespace)).said, 'written Moved');
    push(namespace, '1.1.0');
    assert.equal((await sweep(namespace)).said, 'written Moved');
    await edit(namespace, [{ op: 'replace', path: '/spec/ref/digest', value: first }]);
    const left = await sweep(namespace);
    assert.equal(left.said, 'waiting Contested');
    assert.match(left.message, /"kubectl-edit" put 1\.0\.0@/);
    assert.deepEqual(await refOf(namespace), { semver: '>=1.0.0', tag: '1.1.0', digest: first });
  });

  test('fill the state of nobody else, whatever stands in their reference', async () => {
    const namespace = await shared.namespace();
    push(namespace, '1.0.0');
    await create(namespace, { ref: { tag: 'x'.repeat(500_000), digest: 'none' } });
    const moved = await sweep(namespace);
    assert.deepEqual([moved.said, moved.from], ['written Moved', null]);
    const { items } = await shared.plane.get('/api/v1/namespaces/tagpin-system/configmaps');
    assert.ok(JSON.stringify(items).length < 200_000);
  });

  test('move to the newest version that verifies by their own keys, past a newer unsigned one', async () => {
    const namespace = await shared.namespace();
    const key = { privateKey: newKey() };
    const sign = (digest: string) =>
      pushLegacy({ host: cluster.registry().host, repository: `acme/${namespace}` }, digest, [
        signLegacy(simpleSigning(digest), key),
      ]);
    await opaque(namespace, 'cosign', { 'cosign.pub': publicPem(key.privateKey), 'cosign.key': CANARY });
    const verify = { provider: 'cosign', secretRef: { name: 'cosign' } };
    const signed = push(namespace, '1.0.0');
    await sign(signed);
    const unsigned = push(namespace, '1.1.0');
    await create(namespace, { spec: { verify } });
    const moved = await sweep(namespace);
    assert.deepEqual([moved.said, moved.to], ['written Moved', `1.0.0@${signed}`]);
    assert.match(moved.message, /; passed over 1\.1\.0@\S+ \(no signature .+\)$/);
    assert.match((await cluster.events(namespace, 'app')).join('\n'), /^Normal Updated .*passed over 1\.1\.0/);

    // Another one that is not signed is told, though nothing is written.
    push(namespace, '1.2.0');
    const still = await sweep(namespace);
    assert.equal(still.said, 'unchanged UpToDate');
    assert.match((await cluster.events(namespace, 'app')).join('\n'), /Warning PassedOver .*1\.2\.0@/);

    await sign(unsigned);
    assert.equal((await sweep(namespace)).to, `1.1.0@${unsigned}`);
    // A signature of another digest, copied over.
    const copied = push(namespace, '1.3.0');
    await pushLegacy({ host: cluster.registry().host, repository: `acme/${namespace}` }, copied, [
      signLegacy(simpleSigning(signed), key),
    ]);
    assert.equal((await sweep(namespace)).said, 'unchanged UpToDate');
    assert.doesNotMatch(JSON.stringify(await sweep(namespace)), new RegExp(CANARY));
  });

  test('hold against several identities as alternatives, by a trust root of their own', async () => {
    const namespace = await shared.namespace();
    const sigstore = privateSigstore();
    const { host } = cluster.registry();
    const sign = async (digest: string, key: SigningKey) => {
      const witnesses = { at: Date.now(), rekor: sigstore.rekor };
      const bundle = signBundle(signingStatement(digest), key, witnesses);
      const subject = { mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 1, digest };
      await pushBundles({ host, repository: `acme/${namespace}` }, subject, [bundle]);
    };
    await opaque(namespace, 'root', { 'trusted_root.json': sigstore.root });
    const matchOIDCIdentity = [
      { issuer: '^https://other\\.test$', subject: 'nobody' },
      { issuer: `^${ISSUER.replaceAll('.', '\\.')}$`, subject: 'github\\.com/acme/app' },
    ];
    const verify = { provider: 'cosign', matchOIDCIdentity, trustedRootSecretRef: { name: 'root' } };
    const first = push(namespace, '1.0.0');
    await sign(first, sigstore.keyless());
    const stranger = push(namespace, '1.1.0');
    await sign(stranger, sigstore.keyless({ names: [{ kind: 'uri', value: 'https://github.com/evil/app' }] }));
    await create(namespace, { spec: { verify } });
    const moved = await sweep(namespace);
    assert.deepEqual([moved.said, moved.to], ['written Moved', `1.0.0@${first}`], moved.message);
    assert.ok(SUBJECT.includes('github.com/acme/app'));
  });

  test("hold against the policy's entries as well, and are refused where nothing does", async (t) => {
    const namespace = await shared.namespace();
    const [ours, theirs] = [newKey(), newKey()];
    const target = { host: cluster.registry().host, repository: `acme/${namespace}` };
    const sign = (digest: string, ...keys: readonly (typeof ours)[]) =>
      pushLegacy(
        target,
        digest,
        keys.map((privateKey) => signLegacy(simpleSigning(digest), { privateKey })),
      );
    await opaque(namespace, 'cosign', { 'cosign.pub': publicPem(theirs) });
    await create(namespace, { spec: { verify: { provider: 'cosign', secretRef: { name: 'cosign' } } } });
    const indent = publicPem(ours).trim().replaceAll('\n', '\n    ');
    const entry = `verify:\n- name: ours\n  images: ["${target.host}/acme/${namespace}"]\n  transparencyLog: optional\n  keys:\n  - |\n    ${indent}\n`;
    await otherPolicy(t, policyFor(target.host, entry));
    await sign(push(namespace, '1.0.0'), theirs);
    await sign(push(namespace, '1.1.0'), ours);
    const refused = await sweep(namespace);
    assert.equal(refused.said, 'refused NotVerified');
    assert.match(refused.message, /1\.1\.0@.*1\.0\.0@/);
    const both = push(namespace, '0.9.0');
    await sign(both, ours, theirs);
    await edit(namespace, [{ op: 'add', path: '/spec/ref/semver', value: '>=0.1.0' }]);
    const moved = await sweep(namespace);
    assert.deepEqual([moved.said, moved.to], ['written Moved', `0.9.0@${both}`]);
  });
});
