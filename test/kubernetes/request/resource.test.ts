import assert from 'node:assert/strict';
import test from 'node:test';
import { type ResourceName, resourcePath } from '../../../src/kubernetes/request/resource.ts';

const DEPLOYMENTS: ResourceName = { group: 'apps', version: 'v1', resource: 'deployments' };
const PODS: ResourceName = { group: '', version: 'v1', resource: 'pods' };

const PATHS: readonly (readonly [ResourceName, string])[] = [
  [PODS, '/api/v1/pods'],
  [{ ...PODS, namespace: 'shop' }, '/api/v1/namespaces/shop/pods'],
  [{ ...PODS, namespace: 'shop', name: 'web-0', subresource: 'status' }, '/api/v1/namespaces/shop/pods/web-0/status'],
  [DEPLOYMENTS, '/apis/apps/v1/deployments'],
  [{ ...DEPLOYMENTS, namespace: 'shop', name: 'web' }, '/apis/apps/v1/namespaces/shop/deployments/web'],
  [{ ...PODS, resource: 'namespaces', name: 'shop' }, '/api/v1/namespaces/shop'],
  [
    { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles', name: 'system:Odd role' },
    '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3AOdd%20role',
  ],
];

test('a path names what is asked for', () => {
  for (const [name, path] of PATHS) assert.equal(resourcePath(name), path);
});

test('a name stays one segment of the path, whatever it holds', () => {
  const hostile = ['a/b', '../secrets', 'a?watch=true', 'a#b', '%2e%2e', 'ä', '\r\n'];
  for (const name of hostile) {
    const url = new URL(`https://host${resourcePath({ ...PODS, namespace: 'shop', name })}?limit=1`);
    const segments = url.pathname.split('/');
    assert.equal(segments.length, 7, name);
    assert.equal(decodeURIComponent(segments.at(-1) ?? ''), name);
    assert.equal(url.search, '?limit=1');
  }
});

test('what is no name is refused, also where it is a namespace', () => {
  for (const bad of ['', '.', '..']) {
    assert.throws(() => resourcePath({ ...PODS, namespace: 'shop', name: bad }), RangeError);
    assert.throws(() => resourcePath({ ...PODS, namespace: bad }), RangeError);
    assert.throws(() => resourcePath({ ...PODS, namespace: 'shop', name: 'a', subresource: bad }), RangeError);
  }
});
