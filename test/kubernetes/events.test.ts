/** Events as kubectl shows them: written by a recorder, read back from a real API server. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { openKubernetesClient } from '../../src/kubernetes/client.ts';
import {
  createEventRecorder,
  type EventProblem,
  type EventRecorderOptions,
  type RecordedEvent,
} from '../../src/kubernetes/events.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { sharedControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { changedKubeconfig } from '../support/kubeconfig.ts';

describe('a recorder of Events', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();

  async function setUp(t: TestContext, more: Partial<EventRecorderOptions> = {}) {
    const namespace = await shared.namespace();
    const problems: EventProblem[] = [];
    const record = createEventRecorder({
      client: shared.client,
      controller: 'tagpin.dev/webhook',
      instance: 'tagpin-webhook-0',
      observe: (problem) => problems.push(problem),
      ...more,
    });
    t.after(() => record.close());
    const written = async () => (await shared.plane.get(`/api/v1/namespaces/${namespace}/events`)).items;
    return { namespace, record, problems, written };
  }

  function eventOf(namespace: string, more: Partial<RecordedEvent> = {}): RecordedEvent {
    return {
      regarding: { apiVersion: 'v1', kind: 'ConfigMap', name: 'tagpin-policy', namespace },
      type: 'Warning',
      reason: 'PolicyRejected',
      action: 'ReadPolicy',
      note: 'policy.yaml:3:1: no such field',
      ...more,
    };
  }

  test('writes them where kubectl shows them', async (t) => {
    const { namespace, record } = await setUp(t);
    record(eventOf(namespace));
    await record.close();
    const { stdout } = await shared.plane.kubectl(['events', '-n', namespace, '--for', 'configmap/tagpin-policy']);
    assert.match(stdout, /Warning +PolicyRejected +ConfigMap\/tagpin-policy +policy\.yaml:3:1: no such field/);
  });

  test('writes the same once, and another one as well', async (t) => {
    const { namespace, record, written } = await setUp(t);
    for (let times = 0; times < 10; times += 1) record(eventOf(namespace));
    record(eventOf(namespace, { note: 'another' }));
    await record.close();
    assert.deepEqual((await written()).map(({ message }: { message: string }) => message).toSorted(), [
      'another',
      'policy.yaml:3:1: no such field',
    ]);
  });

  test('writes the same again when enough time has passed', async (t) => {
    const { namespace, record, written } = await setUp(t, { repeatMilliseconds: 20 });
    record(eventOf(namespace));
    await eventually('it is written', async () => (await written()).length === 1);
    await eventually('it is written again', async () => {
      record(eventOf(namespace));
      return (await written()).length > 1;
    });
  });

  test('cuts what is longer than Events may be, between characters', async (t) => {
    const { namespace, record, written, problems } = await setUp(t, { instance: 'i'.repeat(200) });
    record(
      eventOf(namespace, { note: `${'ä€😀'.repeat(300)}\ud800`, reason: 'R'.repeat(200), action: 'ü'.repeat(100) }),
    );
    await record.close();
    assert.deepEqual(problems, []);
    const [event] = await written();
    assert.ok(Buffer.byteLength(event.message) <= 1024 && Buffer.byteLength(event.message) > 1015);
    assert.match(event.message, /^(?:ä€😀)+ä?€?…$/u);
    assert.equal(event.action, `${'ü'.repeat(62)}…`);
  });

  test('takes names that no Event may have, and objects without a namespace', async (t) => {
    const { record, problems } = await setUp(t);
    const regarding = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', name: 'system:Odd' };
    record(eventOf('', { regarding }));
    record(eventOf('', { regarding: { ...regarding, name: 'n'.repeat(253) } }));
    await record.close();
    assert.deepEqual(problems, []);
    const { items } = await shared.plane.get('/api/v1/namespaces/default/events');
    assert.ok(items.some((event: RecordedEvent & { involvedObject: object }) => 'name' in event.involvedObject));
  });

  test('drops what is too much, of one object and of all, and throws nothing', async (t) => {
    const { namespace, record, problems } = await setUp(t, {
      observe: (problem) => {
        problems.push(problem);
        throw new Error('no');
      },
    });
    for (let index = 0; index < 30; index += 1) record(eventOf(namespace, { note: `${index}` }));
    assert.equal(problems.filter(({ kind }) => kind === 'dropped').length, 10);
    const regarding = { apiVersion: 'v1', kind: 'Pod', namespace };
    for (let index = 0; index < 1000; index += 1) {
      record(eventOf(namespace, { regarding: { ...regarding, name: `pod-${index}` } }));
    }
    assert.equal(problems.filter(({ kind }) => kind === 'dropped').length, 10 + 1000 - 180);
  });

  test('tells what could not be written, takes it the next time, and closes within its time', async (t) => {
    const proxy = await startFaultProxy(t, shared.plane.server);
    const kubeconfig = changedKubeconfig(shared.plane.kubeconfig, { cluster: { server: proxy.url } });
    const client = openKubernetesClient({ environment: {}, kubeconfig });
    t.after(() => client.close());
    const { namespace, record, problems, written } = await setUp(t, { client });
    proxy.mode('refuse');
    record(eventOf(namespace));
    await eventually('it failed', () => problems.length === 1);
    proxy.mode('pass');
    record(eventOf(namespace));
    await eventually('it is written', async () => (await written()).length === 1);
    proxy.mode('silent');
    record(eventOf(namespace, { note: 'lost' }));
    const begin = performance.now();
    await record.close();
    assert.ok(performance.now() - begin < 4000, 'closing took too long');
    record(eventOf(namespace, { note: 'after the end' }));
    assert.deepEqual(
      problems.map(({ kind }) => kind),
      ['failed', 'failed'],
    );
  });
});
