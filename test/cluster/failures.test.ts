/** What goes on while the registry, the webhook or the API server is away. The tests take them away in this order. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { WORKLOAD_KINDS } from '../../src/core/workload/kinds.ts';
import { imageOf, manifest } from './manifests.ts';
import { openStage, type Stage, skip } from './stage.ts';

const POLICY = `rules:
- {name: refuse, match: {namespaces: [refuse]}, action: pin, onUnresolved: deny}
- {name: let-through, match: {namespaces: [let-through]}, action: pin, onUnresolved: allow}
- {name: last-known, match: {namespaces: [last-known]}, action: pin, onUnresolved: lastKnown}
`;

describe('failures', { skip }, () => {
  let stage: Stage;
  let digest: string;
  let known: string;
  let pinned: string;
  before(async () => {
    stage = await openStage({ policy: POLICY });
    for (const name of ['shop', 'refuse', 'let-through', 'last-known']) await stage.namespace(name);
    known = stage.image('shop/app:1');
    digest = await stage.push(known);
    pinned = `${stage.image('shop/app')}@${digest}`;
    await stage.apply(manifest('Deployment', 'shop', known));
    await stage.apply(manifest('CronJob', 'shop', known));
    await stage.list('shop', 'pods', ({ length }) => length === 1);
    await stage.registry.stop();
  });
  after(() => stage?.close());

  const refused = async (namespace: string, reference: string): Promise<string> => {
    const input = JSON.stringify(manifest('Deployment', namespace, reference));
    const { code, stderr } = await stage.plane.kubectl(['apply', '-f', '-'], { input });
    assert.equal(code, 1);
    return stderr;
  };

  test('registry down, onUnresolved deny: what is new is refused, and says of which image and why', async () => {
    const reference = stage.image('never/seen:1');
    const said = await refused('refuse', reference);
    assert.match(said, /denied the request: .*never\/seen:1.* container app can't be pinned: .+/);
    assert.doesNotMatch(said, /ECONNREFUSED/);
  });

  test('registry down, onUnresolved allow: it is stored as it is, with a warning, and pinned by nothing later', async () => {
    const { stderr } = await stage.apply(manifest('Deployment', 'let-through', known));
    assert.equal(stderr, `Warning: app: ${known} left as it is: the registry can't be reached (Unreachable)\n`);
    assert.equal(imageOf(await stage.stored('let-through', 'deployment/web')), known);
  });

  test('registry down, onUnresolved lastKnown: the digest that was seen last, or the tag where none was', async () => {
    const { stderr } = await stage.apply(manifest('Deployment', 'last-known', known));
    assert.match(stderr, /^Warning: app: .+ pinned to sha256:.{12}, last seen: the registry can't be reached/);
    assert.equal(imageOf(await stage.stored('last-known', 'deployment/web')), pinned);
    const unseen = stage.image('never/seen:1');
    await stage.apply(manifest('StatefulSet', 'last-known', unseen));
    assert.equal(imageOf(await stage.stored('last-known', 'statefulset/web')), unseen);
  });

  test('registry down: what is pinned stays, and is applied, scaled, restarted and debugged', async () => {
    const { stderr } = await stage.applyAgain('shop', 'deployment/web', manifest('Deployment', 'shop', known));
    assert.equal(stderr, '');
    await stage.kubectl(['rollout', 'restart', '-n', 'shop', 'deployment/web']);
    await stage.list('shop', 'replicasets', ({ length }) => length === 2);
    await stage.kubectl(['annotate', '-n', 'shop', 'deployment/web', 'tagpin.dev/refresh=*']);
    const stored = await stage.stored('shop', 'deployment/web');
    assert.equal(imageOf(stored), pinned, 'a refresh without an answer keeps the pin');
    assert.equal(stored.metadata.annotations['tagpin.dev/refresh'], undefined);
    await stage.kubectl(['delete', 'pods', '--all', '-n', 'shop', '--force', '--grace-period=0']);
    await stage.list('shop', 'pods', (pods) => pods.length > 0 && pods.every((pod) => imageOf(pod) === pinned));
  });

  test('webhook down: workloads of opted-in namespaces are refused, and of others are not', async () => {
    await stage.webhook().process.stop();
    await stage.namespace('elsewhere', 'not opted in');
    for (const kind of WORKLOAD_KINDS.filter((each) => each !== 'Pod')) {
      const input = JSON.stringify(manifest(kind, 'refuse', known));
      const { code, stderr } = await stage.plane.kubectl(['create', '-f', '-'], { input });
      assert.deepEqual([kind, code], [kind, 1]);
      assert.match(stderr, /failed calling webhook "workloads.tagpin.dev"/);
      await stage.apply(manifest(kind, 'elsewhere', known));
    }
    const { stderr } = await stage.plane.kubectl(['set', 'image', '-n', 'shop', 'deployment/web', `app=${known}`]);
    assert.match(stderr, /failed calling webhook "workloads.tagpin.dev"/);
    assert.equal(imageOf(await stage.stored('shop', 'deployment/web')), pinned);
  });

  test('webhook down: Pods of what runs are made, scaled and removed all the same, and Jobs of CronJobs', async () => {
    await stage.kubectl(['delete', 'pods', '--all', '-n', 'shop', '--force', '--grace-period=0']);
    await stage.kubectl(['scale', '-n', 'shop', 'deployment/web', '--replicas=4']);
    const pods = await stage.list('shop', 'pods', ({ length }) => length >= 4);
    for (const pod of pods) assert.equal(imageOf(pod), pinned);
    await stage.kubectl(['create', 'job', '-n', 'shop', 'by-hand', '--from=cronjob/web']);
    assert.equal(imageOf(await stage.stored('shop', 'job/by-hand')), pinned);
    await stage.kubectl(['delete', '-n', 'shop', 'cronjob/web']);
  });

  test('webhook back: all is as it was, from the record alone', async () => {
    await stage.startWebhook();
    await stage.apply(manifest('Deployment', 'shop', known));
    await stage.applyAgain('shop', 'deployment/web', manifest('Deployment', 'shop', known));
    assert.equal(imageOf(await stage.stored('shop', 'deployment/web')), pinned);
  });

  test('the API server restarted: the webhook goes on, and follows a policy that was changed since', async () => {
    await stage.plane.restartApiServer();
    await stage.applyAgain('shop', 'deployment/web', manifest('Deployment', 'shop', known));
    const rule = '- {name: no-more, match: {namespaces: [refuse]}, action: deny, message: Not any more.}';
    await stage.changePolicy(`rules:\n${rule}\n`);
    assert.match(await refused('refuse', known), /is denied by rule "no-more" of the tagpin policy\. Not any more\./);
  });
});
