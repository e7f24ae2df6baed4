/** Policy `verify` entries in a real control plane: what is signed is admitted and pinned, and what is not is refused. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CONTROL_PLANE, PROGRAMS, skipWithout } from '../environment/programs.ts';
import { deployment, type Images, type Manifest, pod } from '../support/admission.ts';
import { type Rendered, render } from '../support/chart.ts';
import {
  type ClusterWebhook,
  type InstalledPlane,
  startClusterWebhook,
  startInstalledPlane,
} from '../support/cluster-webhook.ts';
import { eventually } from '../support/eventually.ts';
import type { FinishedProcess } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { identity, newKey, privateSigstore, publicPem } from '../support/signed-image.ts';
import { pushLegacy } from '../support/sigstore/push.ts';
import { type SigningKey, signLegacy, simpleSigning } from '../support/sigstore/signatures.ts';
import type { LogLine } from '../support/webhook-process.ts';

describe('signatures in a cluster', { skip: skipWithout(...CONTROL_PLANE, PROGRAMS.helm) }, () => {
  let plane: InstalledPlane;
  let registry: TestRegistry;
  let webhook: ClusterWebhook;
  const ours = newKey();
  const stranger = newKey();
  const sigstore = privateSigstore();
  const ends: (() => unknown)[] = [];
  const lifetime = { after: (end: () => unknown) => void ends.push(end) };
  const running: (() => unknown)[] = [];
  const startWebhook = () => startClusterWebhook({ after: (end) => running.push(end) }, plane);

  before(async () => {
    registry = await startRegistry();
    ends.push(() => registry.close());
    plane = await startInstalledPlane(lifetime);
    const role = (await render({ trustRoots: ['sigstore'] })).find(({ kind }: Rendered) => kind === 'Role');
    await plane.apply(role);
    await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: OPTED_IN } });
    await plane.apply(configMap('sigstore', { 'trusted_root.json': sigstore.root }));
    const key = { images: [`${registry.host}/acme/**`], keys: [publicPem(ours)], transparencyLog: 'optional' };
    const policy = {
      apiVersion: 'tagpin.dev/v1',
      kind: 'TagPolicy',
      registries: { hosts: [{ host: registry.host, plainHttp: true }] },
      verify: [
        { ...key, name: 'ours' },
        { ...key, name: 'mild', action: 'warn', images: [`${registry.host}/mild/**`] },
        {
          name: 'keyless',
          images: [`${registry.host}/keyless/**`],
          identities: [written(identity())],
          trustRoot: { configMap: 'sigstore', key: 'trusted_root.json' },
        },
      ],
    };
    webhook = await startWebhook();
    await plane.apply(configMap('tagpin-policy', { 'policy.yaml': JSON.stringify(policy) }));
    await eventually('the policy is in force', () =>
      webhook.lines().some((line) => line['msg'] === 'policy in force' && line['source'] === 'configmap'),
    );
  });
  after(async () => {
    for (const end of [...ends, ...running].toReversed()) await end();
  });

  /** Puts an image there, signed by these keys. */
  async function push(repository: string, tag: string, ...keys: readonly SigningKey[]): Promise<string> {
    const digest = registry.pushImage(repository, tag);
    const signatures = keys.map((key) => {
      const witnesses = key.certificate === undefined ? undefined : { at: Date.now(), rekor: sigstore.rekor };
      return signLegacy(simpleSigning(digest), key, witnesses);
    });
    if (signatures.length > 0) await pushLegacy({ host: registry.host, repository }, digest, signatures);
    return digest;
  }

  const image = (name: string): string => `${registry.host}/${name}`;

  /** Applies a Deployment as a user does. */
  async function apply(name: string, images: Images, annotations: Readonly<Record<string, string>> = {}) {
    const done = await plane.kubectl(['apply', '-f', '-'], {
      input: JSON.stringify(whole(deployment(images, { name, namespace: 'shop', annotations }))),
    });
    return { ...done, told: done.stdout + done.stderr };
  }

  async function imageOf(kind: string, name: string): Promise<string> {
    const path = kind === 'pod' ? '{.spec.containers[0].image}' : '{.spec.template.spec.containers[0].image}';
    return (await plane.kubectl(['get', '-n', 'shop', kind, name, '-o', `jsonpath=${path}`])).stdout;
  }

  /** The audit line about an object. */
  async function lineOf(name: string, decision: string): Promise<LogLine> {
    return await eventually(`an audit line of ${name}`, () => {
      const found = webhook.lines().findLast((line) => line['name'] === name && line['decision'] === decision);
      if (found === undefined) throw new Error('not yet');
      return found;
    });
  }

  test('a Deployment of an unsigned image is denied, with the image, the entry, the digest and what to do', async () => {
    const digest = await push('acme/unsigned', '1');
    const { code, told } = await apply('unsigned', { app: image('acme/unsigned:1') });
    assert.equal(code, 1, told);
    const sentence = `image "${image('acme/unsigned:1')}" of container app is denied by the verify entry "ours" of the tagpin policy: ${digest} is not verified: no signature of it was found`;
    assert.ok(told.includes(sentence), told);
    assert.match(told, /Sign that digest, or use an image that is signed\./);
    assert.equal(await imageOf('deployment', 'unsigned'), '', 'nothing is stored');
    const [said] = (await lineOf('unsigned', 'denied'))['images'] as readonly {
      readonly verified: readonly object[];
    }[];
    assert.deepEqual({ ...said?.verified[0], detail: '' }, { entry: 'ours', result: 'unverified', detail: '' });
    await push('acme/foreign', '1', { privateKey: stranger });
    assert.match((await apply('foreign', { app: image('acme/foreign:1') })).told, /its only signature does not hold/);
  });

  test('a Deployment of a signed image is admitted, and pinned to the digest that is signed', async () => {
    const digest = await push('acme/signed', '1', { privateKey: stranger }, { privateKey: ours });
    const { code, told } = await apply('signed', { app: image('acme/signed:1') });
    assert.equal(code, 0, told);
    assert.equal(await imageOf('deployment', 'signed'), image(`acme/signed@${digest}`));
    const moved = await push('acme/signed', '2');
    assert.match((await apply('signed', { app: image('acme/signed:2') })).told, new RegExp(`${moved} is not verified`));
    assert.equal(await imageOf('deployment', 'signed'), image(`acme/signed@${digest}`), 'what ran runs on');
    const metrics = (await webhook.page('/metrics')).body;
    assert.match(metrics, /^tagpin_verifications_total\{result="verified"\} [1-9]/m);
    assert.match(metrics, /^tagpin_verifications_total\{result="unverified"\} [1-9]/m);
  });

  test('an identity is verified by the trust root of a ConfigMap, which the role names', async () => {
    const digest = await push('keyless/signed', '1', sigstore.keyless());
    const { code, told } = await apply('keyless', { app: image('keyless/signed:1') });
    assert.equal(code, 0, told);
    assert.equal(await imageOf('deployment', 'keyless'), image(`keyless/signed@${digest}`));
    await push('keyless/other', '1', sigstore.keyless({ issuer: 'https://evil.test' }));
    assert.match((await apply('evil', { app: image('keyless/other:1') })).told, /denied by the verify entry "keyless"/);
  });

  test('an entry that warns admits, pins, and says so', async () => {
    const digest = await push('mild/app', '1');
    const { code, stderr } = await apply('mild', { app: image('mild/app:1') });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Warning: app: \S+ is not verified \(mild\): no signature/);
    assert.equal(await imageOf('deployment', 'mild'), image(`mild/app@${digest}`));
  });

  test('what is left a tag can not be verified, whatever leaves it', async () => {
    await push('acme/skipped', '1', { privateKey: ours });
    const { code, told } = await apply('skipped', { app: image('acme/skipped:1') }, { 'tagpin.dev/skip': 'app' });
    assert.equal(code, 1);
    assert.match(told, /has no digest that the verify entry "ours" .* could verify: tagpin\.dev\/skip leaves its tag/);
  });

  test("a Pod of Kubernetes' own controllers is never stopped: that it is not verified is in the audit line", async () => {
    const digest = await push('acme/reported', '1');
    const object = pod({ app: image(`acme/reported@${digest}`) }, { name: 'reported', namespace: 'shop' });
    const as = ['--as=system:serviceaccount:kube-system:replicaset-controller', '--as-group=system:masters'];
    const created = await plane.kubectl(['create', ...as, '-f', '-'], { input: JSON.stringify(object) });
    assert.equal(created.code, 0, created.stderr);
    assert.doesNotMatch(created.stderr, /Warning/);
    const { images } = await lineOf('reported', 'patched');
    const [said] = images as readonly { readonly reported: boolean; readonly verified: readonly LogLine[] }[];
    assert.deepEqual([said?.reported, said?.verified[0]?.['result']], [true, 'unverified']);
    const refused: FinishedProcess = await plane.kubectl(['create', '-f', '-'], {
      input: JSON.stringify(pod({ app: image(`acme/reported@${digest}`) }, { name: 'mine', namespace: 'shop' })),
    });
    assert.match(refused.stderr, /is denied by the verify entry "ours"/);
  });

  test('a hundred reviews of one image ask for its signatures once', async () => {
    const digest = await push('acme/crowd', '1', { privateKey: ours });
    registry.clearRequests();
    const items = Array.from({ length: 100 }, (_, index) =>
      pod({ app: image(`acme/crowd@${digest}`) }, { name: `crowd-${index}`, namespace: 'shop' }),
    );
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    const { code, stderr } = await plane.kubectl(['create', '-f', '-'], { input });
    assert.equal(code, 0, stderr);
    const asked = registry.requests.map(({ method, path }) => `${method} ${path}`);
    assert.equal(new Set(asked).size, asked.length, asked.join('\n'));
    assert.ok(asked.length <= 10, asked.join('\n'));
  });

  test('an object that JSON makes too large to be judged is refused, and not let in', async () => {
    const digest = await push('acme/large', '1');
    // Go writes `<` as \u003c; an argument of a process has 128 KiB at most, and all of them 2 MiB.
    const args = Array.from({ length: 14 }, () => '<'.repeat(100_000));
    const containers = [{ name: 'app', image: image(`acme/large@${digest}`), args }];
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'large' }, spec: { containers } };
    // The others of kubectl's ways write JSON as Go does, and are sent away for their own size.
    const path = '/api/v1/namespaces/shop/pods';
    const { code, stderr } = await plane.kubectl(['create', '--raw', path, '-f', '-'], { input: JSON.stringify(body) });
    assert.match(stderr, /"pods\.tagpin\.dev" denied the request: tagpin can not judge this object/);
    assert.equal(code, 1);
  });

  test('a registry that is down stops no change of what runs, and every image that is new', async () => {
    const digest = await push('acme/outage', '1', { privateKey: ours });
    const other = await push('acme/outage', '2', { privateKey: ours });
    assert.equal((await apply('outage', { app: image(`acme/outage@${digest}`) })).code, 0);
    // A webhook that remembers nothing.
    for (const end of running.splice(0)) await end();
    webhook = await startWebhook();
    const heal = registry.fault({ kind: 'reset', after: 'request' });
    try {
      const unchanged = await apply('outage', { app: image(`acme/outage@${digest}`) }, { note: 'changed' });
      assert.equal(unchanged.code, 0, unchanged.told);
      assert.match(unchanged.stderr, /Warning: app: \S+ could not be verified \(ours\): Unreachable/);
      const changed = await apply('outage', { app: image(`acme/outage@${other}`) });
      assert.equal(changed.code, 1);
      assert.match(changed.told, /could not be verified by the verify entry "ours" .*\(Unreachable\)\. Try again/);
    } finally {
      heal();
    }
  });
});

const OPTED_IN = { 'tagpin.dev/inject': 'enabled' };

function configMap(name: string, data: Readonly<Record<string, string>>): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'tagpin-system' }, data };
}

/** Without what is null, which a policy may not say. */
function written(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null));
}

/** With what the API server wants of a Deployment. */
function whole(object: Manifest): Manifest {
  const labels = { app: 'web' };
  const { template, ...spec } = object['spec'] as { readonly template: object };
  return {
    ...object,
    spec: { ...spec, replicas: 0, selector: { matchLabels: labels }, template: { ...template, metadata: { labels } } },
  };
}
