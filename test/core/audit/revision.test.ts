import assert from 'node:assert/strict';
import test from 'node:test';
import { newestFirst, type RevisionRow, readRevision } from '../../../src/core/audit/revision.ts';
import { digest, podSpec, record } from '../../support/admission.ts';

const A = digest('a');
const PINS = { 'tagpin.dev/pins': record({ 'containers/app': [['nginx:1', A]] }) };
const METADATA = { namespace: 'shop', name: 'web-1', creationTimestamp: '2026-11-17T10:00:00Z' };
const TEMPLATE = { spec: podSpec({ app: `nginx@${A}`, side: 'redis:7' }) };
const ownedBy = (kind: string) => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'web', controller: true }],
});

test('a ReplicaSet says what its Deployment was pinned to at that time', () => {
  const annotations = { ...PINS, 'deployment.kubernetes.io/revision': '3' };
  const rows = readRevision('ReplicaSet', {
    metadata: { ...METADATA, ...ownedBy('Deployment'), annotations },
    spec: { template: TEMPLATE },
  });
  const shared = {
    time: '2026-11-17T10:00:00Z',
    namespace: 'shop',
    kind: 'ReplicaSet',
    name: 'web-1',
    owner: 'Deployment/web',
    revision: '3',
  };
  assert.deepEqual(rows, [
    { ...shared, container: 'app', image: `nginx@${A}`, requested: 'nginx:1', digest: A },
    { ...shared, container: 'side', image: 'redis:7', requested: 'redis:7', digest: null },
  ]);
});

test('a ControllerRevision holds its template as data', () => {
  const [row] = readRevision('ControllerRevision', {
    metadata: { ...METADATA, ...ownedBy('StatefulSet'), annotations: PINS },
    data: { spec: { template: { ...TEMPLATE, $patch: 'replace' } } },
    revision: 7,
  });
  assert.deepEqual([row?.owner, row?.revision, row?.requested, row?.digest], ['StatefulSet/web', '7', 'nginx:1', A]);
});

test('a Job stands for itself', () => {
  const [row] = readRevision('Job', { metadata: METADATA, spec: { template: TEMPLATE } });
  assert.deepEqual([row?.owner, row?.revision, row?.requested, row?.digest], [null, null, null, A]);
});

test('what is none of them has no rows', () => {
  for (const value of [null, {}, { data: 'x' }]) assert.deepEqual(readRevision('ControllerRevision', value), []);
});

test('the newest come first, and those of one second by name', () => {
  const row = (time: string, name: string) => ({ time, namespace: 'shop', name }) as RevisionRow;
  const rows = [row('2026-11-17T10:00:00Z', 'a'), row('2026-11-18T10:00:00Z', 'c'), row('2026-11-18T10:00:00Z', 'b')];
  assert.deepEqual(
    newestFirst(rows).map(({ name }) => name),
    ['b', 'c', 'a'],
  );
});
