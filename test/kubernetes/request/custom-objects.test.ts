import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../src/kubernetes/request/answer.ts';
import {
  listCustomObjects,
  patchCustomObject,
  readCustomObject,
} from '../../../src/kubernetes/request/custom-objects.ts';
import { KubernetesError, type KubernetesErrorCode } from '../../../src/kubernetes/request/error.ts';
import { keyOf } from '../../../src/kubernetes/request/list.ts';

const { signal } = new AbortController();
const KIND = { group: 'things.example', version: 'v1', resource: 'things', pageSize: 7 };
const NAME = { namespace: 'apps', name: 'one' };

const failing = (code: KubernetesErrorCode) => ({ request: () => Promise.reject(new KubernetesError(code, 'no')) });

async function keysOf(pages: AsyncIterable<readonly JsonObject[]>): Promise<readonly (string | null)[]> {
  const keys: (string | null)[] = [];
  for await (const page of pages) keys.push(...page.map(keyOf));
  return keys;
}

test('they are listed page by page, in one namespace or in all', async () => {
  const asked: string[] = [];
  const client = {
    async request({ path, query = {} }: { readonly path: string; readonly query?: object }): Promise<JsonObject> {
      asked.push(`${path} ${JSON.stringify(query)}`);
      return { items: [{ metadata: NAME }], metadata: { resourceVersion: '1' } };
    },
  };
  assert.deepEqual(await keysOf(listCustomObjects(client, KIND, undefined, signal)), ['apps/one']);
  await keysOf(listCustomObjects(client, KIND, 'apps', signal));
  assert.deepEqual(asked, [
    '/apis/things.example/v1/things {"limit":"7"}',
    '/apis/things.example/v1/namespaces/apps/things {"limit":"7"}',
  ]);
});

test('where there is no such kind there is none of it, and what else is wrong is thrown', async () => {
  assert.deepEqual(await keysOf(listCustomObjects(failing('NotFound'), KIND, undefined, signal)), []);
  assert.equal(await readCustomObject(failing('NotFound'), KIND, NAME, signal), null);
  for (const code of ['Forbidden', 'Expired', 'Unavailable'] as const) {
    await assert.rejects(keysOf(listCustomObjects(failing(code), KIND, undefined, signal)), { code });
    await assert.rejects(readCustomObject(failing(code), KIND, NAME, signal), { code });
  }
});

test('a patch that does not fit any more is a conflict, and one that is refused has failed', async () => {
  const rows: readonly (readonly [KubernetesErrorCode, string])[] = [
    ['Conflict', 'conflict'],
    ['Invalid', 'conflict'],
    ['NotFound', 'conflict'],
    ['Forbidden', 'failed'],
    ['Unavailable', 'failed'],
  ];
  for (const [code, kind] of rows) {
    const came = await patchCustomObject(failing(code), KIND, NAME, { patch: [], signal });
    assert.deepEqual(came, { kind, message: 'no' });
  }
  const over = patchCustomObject(failing('Conflict'), KIND, NAME, { patch: [], signal: AbortSignal.abort('over') });
  await assert.rejects(over, (error) => error === 'over');
});
