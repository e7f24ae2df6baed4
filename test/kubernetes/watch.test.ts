/** A mirror of what a real API server has, whatever happens on the way there. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openKubernetesClient } from '../../src/kubernetes/client.ts';
import { type ReflectorEvent, type ReflectorOptions, startReflector } from '../../src/kubernetes/watch.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { startApiProxy, statusBody } from '../support/api-proxy.ts';
import { sharedControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { changedKubeconfig } from '../support/kubeconfig.ts';

const LIST = /configmaps\?limit=/;
const WATCH = /[?&]watch=true/;

/** Numbers from 0 up to 1, the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('a reflector', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();

  /** ConfigMaps of a namespace of its own, seen through a proxy that breaks connections and one that answers itself. */
  async function setUp(t: TestContext, more: Partial<ReflectorOptions<string>> = {}, names: readonly string[] = []) {
    const namespace = await shared.namespace();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const body = (name: string, value: string) => ({ metadata: { name }, data: { value } });
    const create = (name: string, value: string) =>
      shared.client.request({ method: 'POST', path, body: body(name, value) });
    const change = (name: string, value: string) =>
      shared.client.request({ method: 'PATCH', path: `${path}/${name}`, patch: 'merge', body: body(name, value) });
    const remove = (name: string) => shared.client.request({ method: 'DELETE', path: `${path}/${name}` });
    for (const name of names) await create(name, 'old');

    const api = await startApiProxy(t, shared.plane.kubeconfig);
    const proxy = await startFaultProxy(t, api.url);
    const cluster = {
      server: proxy.url,
      'certificate-authority-data': Buffer.from(api.authority).toString('base64'),
    };
    const kubeconfig = changedKubeconfig(shared.plane.kubeconfig, { cluster });
    const client = openKubernetesClient({ environment: {}, kubeconfig });
    const events: ReflectorEvent[] = [];
    const changes: string[] = [];
    const start = () => {
      const reflector = startReflector<string>({
        client,
        path,
        keep: ({ data }) => (data as Record<string, string> | undefined)?.['value'] ?? null,
        changed: (key) => changes.push(key),
        observe: (event) => events.push(event),
        backoffMilliseconds: [10, 100],
        ...more,
      });
      t.after(async () => {
        reflector.stop();
        await client.close();
      });
      return reflector;
    };
    const key = (name: string): string => `${namespace}/${name}`;
    const watches = (): number => api.requests.filter((request) => WATCH.test(request.path)).length;
    const lists = (): number => api.requests.filter((request) => LIST.test(request.path)).length;
    return { namespace, path, api, proxy, start, events, changes, key, create, change, remove, watches, lists };
  }

  test('sees what is there, what comes, what changes and what goes', async (t) => {
    const { start, changes, key, create, change, remove } = await setUp(t, {}, ['old']);
    const reflector = start();
    assert.equal(reflector.isSynced(), false);
    await reflector.synced(t.signal);
    assert.deepEqual([...reflector.entries()], [[key('old'), 'old']]);
    await create('one', 'a');
    await eventually('it came', () => reflector.get(key('one')) === 'a');
    await change('one', 'b');
    await eventually('it changed', () => reflector.get(key('one')) === 'b');
    await remove('one');
    await eventually('it went', () => reflector.get(key('one')) === undefined);
    assert.deepEqual(changes, ['old', 'one', 'one', 'one'].map(key));
  });

  test('lists in pages, begins again where one is too old, and holds nothing of a list that is half', async (t) => {
    const names = Array.from({ length: 10 }, (_, index) => `n-${index}`);
    const { start, api, key, events } = await setUp(t, { pageSize: 3 }, names);
    const body = statusBody(410, 'Expired', 'The provided continue parameter is too old');
    api.faults.arm({ kind: 'status', status: 410, body }, { path: /continue=/, times: 1 });
    const reflector = start();
    await reflector.synced(t.signal);
    assert.deepEqual([...reflector.entries()].map(([name]) => name).toSorted(), names.map(key));
    const lists = api.requests.filter(({ path }) => LIST.test(path)).map(({ path }) => path.includes('continue='));
    assert.deepEqual(lists, [false, true, false, true, true, true]);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['failed', 'listed'],
    );
  });

  test('goes on where it was after resets, closes, errors and silence of the server', async (t) => {
    const { start, proxy, api, events, key, create, watches, lists } = await setUp(t);
    const reflector = start();
    await eventually('it watches', () => watches() === 1);
    proxy.cut();
    await create('reset', 'a');
    await eventually('it came', () => reflector.get(key('reset')) === 'a');

    api.faults.arm({ kind: 'status', status: 200 }, { path: WATCH, times: 2 });
    api.faults.arm(
      { kind: 'status', status: 500, body: statusBody(500, 'InternalError', '') },
      { path: WATCH, times: 1 },
    );
    api.faults.arm({ kind: 'reset', after: 'headers' }, { path: WATCH, times: 1 });
    proxy.cut();
    await create('closed', 'a');
    await eventually('it came', () => reflector.get(key('closed')) === 'a');
    proxy.mode('refuse');
    await create('refused', 'a');
    await eventually('it failed', () => events.filter(({ kind }) => kind === 'failed').length > 3);
    proxy.mode('pass');
    await eventually('it came', () => reflector.get(key('refused')) === 'a');
    assert.ok(lists() <= 3, 'only several failures in a row, or a position that is too old, are a reason to list');
  });

  test('waits as long as the server asks for', async (t) => {
    const { start, api, events, key, create } = await setUp(t);
    const headers = { 'retry-after': '1', 'content-type': 'application/json' };
    const body = statusBody(429, 'TooManyRequests', 'later');
    api.faults.arm({ kind: 'status', status: 429, headers, body }, { path: LIST, times: 5 });
    const begin = performance.now();
    const reflector = start();
    await reflector.synced(t.signal);
    assert.ok(performance.now() - begin >= 5000, 'it came back too early');
    const [failed] = events;
    assert.ok(failed?.kind === 'failed' && failed.waitMilliseconds >= 1000);
    await create('one', 'a');
    await eventually('it came', () => reflector.get(key('one')) === 'a');
  });

  test('lists again where its position is too old, and tells what went in between', async (t) => {
    const { start, proxy, api, key, create, change, remove, changes, watches } = await setUp(t, {}, ['a', 'b', 'c']);
    const reflector = start();
    await eventually('it watches', () => watches() === 1);
    changes.splice(0);
    const gone = `{"type":"ERROR","object":${statusBody(410, 'Expired', 'too old resource version: 1 (2)')}}\n`;
    proxy.mode('refuse');
    await remove('a');
    await change('b', 'new');
    await create('d', 'new');
    api.faults.arm({ kind: 'status', status: 200, body: gone }, { path: WATCH, times: 1 });
    proxy.mode('pass');
    await eventually('it listed', () => reflector.get(key('d')) === 'new');
    await eventually('it told', () => changes.length === 3);
    assert.deepEqual(changes.toSorted(), ['a', 'b', 'd'].map(key));
    assert.deepEqual(Object.fromEntries(reflector.entries()), {
      [key('b')]: 'new',
      [key('c')]: 'old',
      [key('d')]: 'new',
    });
  });

  test('lists again from time to time, which repairs what no watch told', async (t) => {
    const { start, api, key, remove, watches } = await setUp(t, { relistMilliseconds: 500 }, ['a', 'b']);
    // A watch that tells nothing, as a broken cache of the server would.
    api.faults.arm({ kind: 'hang', after: 'headers' }, { path: WATCH, times: 1 });
    const reflector = start();
    await eventually('it watches', () => watches() === 1);
    await remove('a');
    await eventually('it went', () => reflector.get(key('a')) === undefined);
    assert.equal(reflector.get(key('b')), 'old');
  });

  test('survives handlers that throw', async (t) => {
    const fail = (): never => {
      throw new Error('no');
    };
    const keep: ReflectorOptions<string>['keep'] = ({ data, metadata }) => {
      const { value } = data as { value: string };
      return value === 'bad' ? fail() : `${(metadata as { name: string }).name}=${value}`;
    };
    const { start, events, key, create } = await setUp(t, { keep, changed: fail }, ['a']);
    const reflector = start();
    await reflector.synced(t.signal);
    await create('b', 'bad');
    await create('c', 'good');
    await eventually('it came', () => reflector.get(key('c')) === 'c=good');
    assert.equal(reflector.get(key('b')), undefined);
    assert.equal(events.filter(({ kind }) => kind === 'thrown').length, 3);
  });

  test('that is stopped says no more, whatever it was doing', async (t) => {
    const { start, proxy, key, create, changes, events } = await setUp(t, {}, ['a']);
    proxy.mode('silent');
    const early = start();
    await sleep(50);
    early.stop();
    await assert.rejects(early.synced(t.signal), /stopped/);
    proxy.mode('pass');
    proxy.cut();
    const late = start();
    await assert.rejects(late.synced(AbortSignal.abort(new Error('enough'))), /enough/);
    await late.synced(t.signal);
    late.stop();
    await create('b', 'new');
    await sleep(100);
    assert.equal(late.get(key('b')), undefined);
    assert.deepEqual(changes, [key('a')]);
    assert.deepEqual(events, [{ kind: 'listed', objects: 1 }]);
  });

  test('holds what the server lists after a thousand objects came and went while connections broke', async (t) => {
    const { start, path, proxy, events, create, change, remove } = await setUp(t, { pageSize: 50 });
    const reflector = start();
    const random = seeded(20_261_121);
    const names = new Set<string>();
    for (let index = 0; index < 1000; index += 10) {
      const batch = Array.from({ length: 10 }, (_, offset) => `n-${index + offset}`);
      await Promise.all(batch.map((name) => create(name, 'new')));
      for (const name of batch) names.add(name);
      const known = [...names].filter(() => random() < 0.05);
      await Promise.all(
        known.map((name) => (random() < 0.5 ? change(name, `${index}`) : remove(name).then(() => names.delete(name)))),
      );
      const dice = random();
      if (dice < 0.2) proxy.cut();
      else if (dice < 0.25) proxy.mode('refuse');
      else if (dice < 0.4) proxy.mode('pass');
    }
    proxy.mode('pass');
    proxy.cut();
    const { items } = await shared.plane.get(path);
    const wanted = Object.fromEntries(
      items.map(({ metadata, data }: { metadata: { namespace: string; name: string }; data: { value: string } }) => [
        `${metadata.namespace}/${metadata.name}`,
        data.value,
      ]),
    );
    const sorted = (entries: Iterable<[string, string]>) => [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const same = () => {
      assert.deepEqual(sorted(reflector.entries()), sorted(Object.entries(wanted)));
      return true;
    };
    await eventually('it is the same', same);
    assert.ok(
      events.some(({ kind }) => kind === 'failed'),
      'nothing broke',
    );
  });

  test('goes on when the API server was killed and started again', async (t) => {
    const { start, key, create } = await setUp(t, {}, ['a']);
    const reflector = start();
    await reflector.synced(t.signal);
    await shared.plane.restartApiServer();
    await create('b', 'new');
    await eventually('it came', () => reflector.get(key('b')) === 'new');
    assert.equal(reflector.get(key('a')), 'old');
  });
});
