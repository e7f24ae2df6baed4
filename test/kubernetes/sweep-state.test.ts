import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openStateTexts, STATE_CONFIG_MAPS } from '../../src/kubernetes/sweep-state.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { sharedControlPlane } from '../support/control-plane.ts';

const { signal } = new AbortController();
const uids = Array.from({ length: 200 }, (_, index) => `6c1f8a0e-0000-4000-8000-${String(index).padStart(12, '0')}`);
const [FIRST = '', SECOND = ''] = uids;

describe('the state in ConfigMaps of a real API server', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();
  const open = (namespace: string) => openStateTexts(shared.client, namespace, signal);
  const configMaps = async (namespace: string) => {
    const { items } = await shared.plane.get(`/api/v1/namespaces/${namespace}/configmaps`);
    return items as { metadata: { name: string; resourceVersion: string }; data?: Record<string, string> }[];
  };

  test('comes back as it was written, spread over ConfigMaps with known names, and only what changed is written', async () => {
    const namespace = await shared.namespace();
    const first = await open(namespace);
    assert.deepEqual([...first.uids()], []);
    assert.equal((await first.write(new Map(uids.map((uid) => [uid, `state of ${uid}`])), signal)).size, 0);
    const made = await configMaps(namespace);
    assert.ok(made.length > 10 && made.every(({ metadata }) => STATE_CONFIG_MAPS.includes(metadata.name)));

    const second = await open(namespace);
    assert.deepEqual([...second.uids()].toSorted(), uids);
    assert.equal(second.get(FIRST), `state of ${FIRST}`);
    await second.write(
      new Map([
        [FIRST, 'new'],
        [SECOND, null],
      ]),
      signal,
    );
    const before = new Map(made.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
    const touched = (await configMaps(namespace)).filter(
      ({ metadata }) => before.get(metadata.name) !== metadata.resourceVersion,
    );
    assert.ok(touched.length <= 2);
    const third = await open(namespace);
    assert.deepEqual([third.get(FIRST), third.get(SECOND), [...third.uids()].length], ['new', null, uids.length - 1]);
  });

  test('of two who write the same target the later one is told, and loses nothing of others', async () => {
    const namespace = await shared.namespace();
    const [one, other] = [await open(namespace), await open(namespace)];
    assert.equal((await one.write(new Map(uids.slice(0, 100).map((uid) => [uid, 'one'])), signal)).size, 0);
    const mixed = new Map(uids.slice(50).map((uid) => [uid, 'other']));
    const outrun = await other.write(mixed, signal);
    assert.deepEqual([...outrun.keys()].toSorted(), uids.slice(50, 100));
    assert.ok([...outrun.values()].every(({ kind }) => kind === 'outrun'));
    const now = await open(namespace);
    assert.deepEqual(
      uids.map((uid) => now.get(uid)),
      uids.map((_, index) => (index < 100 ? 'one' : 'other')),
    );
    // What it was told it knows now.
    assert.equal((await other.write(new Map([[uids[60] ?? '', 'other']]), signal)).size, 0);
  });

  test('what somebody else keeps there stays, and a ConfigMap without data is none', async () => {
    const namespace = await shared.namespace();
    for (const name of STATE_CONFIG_MAPS) {
      const data = name.endsWith('-0') ? undefined : { 'notes.txt': 'mine' };
      await shared.plane.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data });
    }
    const state = await open(namespace);
    await state.write(new Map(uids.map((uid) => [uid, 'x'])), signal);
    const all = await configMaps(namespace);
    assert.equal(all.filter(({ data }) => data?.['notes.txt'] === 'mine').length, STATE_CONFIG_MAPS.length - 1);
  });

  test('what has no room is told, and what was there stays', async () => {
    const namespace = await shared.namespace();
    const state = await open(namespace);
    const large = 'x'.repeat(600 * 1024);
    assert.equal((await state.write(new Map([[FIRST, large]]), signal)).size, 0);
    const problems = await state.write(new Map(uids.slice(1).map((uid) => [uid, 'y'.repeat(40 * 1024)])), signal);
    assert.ok(problems.size > 0 && problems.size < uids.length);
    assert.ok(
      [...problems.values()].every(
        (problem) => problem.kind === 'failed' && problem.message.endsWith(' has no room left'),
      ),
    );
    assert.equal((await open(namespace)).get(FIRST), large);
  });

  test('who may not write is told for each, and nothing is thrown', async () => {
    const namespace = await shared.namespace();
    const refusing = {
      request: (wanted: Parameters<typeof shared.client.request>[0]) =>
        wanted.method === 'GET' ? shared.client.request(wanted) : Promise.reject(new Error('forbidden')),
    };
    const state = await openStateTexts(refusing, namespace, signal);
    assert.deepEqual(
      await state.write(
        new Map([
          [FIRST, 'x'],
          ['not/a/key', 'y'],
        ]),
        signal,
      ),
      new Map([[FIRST, { kind: 'failed', message: 'forbidden' }]]),
    );
  });
});
