import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonObject } from '../../../src/kubernetes/request/answer.ts';
import { keyOf, type ListPage, listPages, versionOf } from '../../../src/kubernetes/request/list.ts';
import { CONTROL_PLANE, skipWithout } from '../../environment/programs.ts';
import { sharedControlPlane } from '../../support/control-plane.ts';

const path = '/api/v1/namespaces/shop/configmaps';

/** A server of one answer: what no API server says. */
function saying(answer: JsonObject) {
  return { request: async () => answer };
}

async function pagesOf(pages: AsyncIterable<ListPage>): Promise<readonly ListPage[]> {
  const all: ListPage[] = [];
  for await (const page of pages) all.push(page);
  return all;
}

test('an object is named by namespace and name', () => {
  assert.equal(keyOf({ metadata: { namespace: 'shop', name: 'a' } }), 'shop/a');
  assert.equal(keyOf({ metadata: { name: 'shop' } }), 'shop');
  for (const object of [{}, { metadata: null }, { metadata: { name: '' } }, { metadata: { name: 7 } }]) {
    assert.equal(keyOf(object), null);
    assert.equal(versionOf(object), '');
  }
  assert.equal(versionOf({ metadata: { resourceVersion: '7' } }), '7');
});

test('an empty list may be null', async () => {
  const list = { items: null, metadata: { resourceVersion: '1' } };
  assert.deepEqual(await pagesOf(listPages({ client: saying(list), path })), [{ items: [], version: '1' }]);
});

test('what is no list is told, and a list that goes in a circle ends', async () => {
  const metadata = { resourceVersion: '1' };
  const bad: readonly JsonObject[] = [
    { kind: 'Status' },
    { items: {}, metadata },
    { items: [], metadata: {} },
    { items: [], metadata: { ...metadata, continue: 7 } },
    { items: [], metadata: { ...metadata, continue: 'again' } },
  ];
  for (const list of bad) {
    await assert.rejects(pagesOf(listPages({ client: saying(list), path })), { code: 'BadAnswer' });
  }
});

describe('a list of a real API server', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();

  test('comes in pages of one state, as objects or as their metadata', async () => {
    const namespace = await shared.namespace();
    const collection = `/api/v1/namespaces/${namespace}/configmaps`;
    const names = Array.from({ length: 7 }, (_, index) => `n-${index}`);
    for (const name of names) {
      const body = { metadata: { name, labels: { odd: String(Number(name.slice(2)) % 2) } }, data: { value: name } };
      await shared.client.request({ method: 'POST', path: collection, body });
    }
    const pages = await pagesOf(listPages({ client: shared.client, path: collection, pageSize: 3 }));
    assert.deepEqual(
      pages.map(({ items }) => items.length),
      [3, 3, 1],
    );
    assert.equal(new Set(pages.map(({ version }) => version)).size, 1);
    assert.deepEqual(
      pages.flatMap(({ items }) => items.map(keyOf)),
      names.map((name) => `${namespace}/${name}`),
    );

    const [odd] = await pagesOf(
      listPages({
        client: shared.client,
        path: collection,
        representation: 'metadata',
        query: { labelSelector: 'odd=1' },
      }),
    );
    assert.equal(odd?.items.length, 3);
    assert.ok(odd?.items.every((object) => object['data'] === undefined && versionOf(object) !== ''));
  });

  test('that is not there is not found', async () => {
    await assert.rejects(pagesOf(listPages({ client: shared.client, path: '/api/v1/nothing' })), { code: 'NotFound' });
  });
});
