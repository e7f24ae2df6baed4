import assert from 'node:assert/strict';
import test from 'node:test';
import { findFlapping } from '../../src/audit/flapping.ts';

const application = (name: string, options: string | null, controllerNamespace = 'argocd') => ({
  metadata: {
    namespace: 'apps',
    name,
    ...(options !== null && { annotations: { 'argocd.argoproj.io/compare-options': options } }),
  },
  spec: { destination: { name: 'in-cluster' } },
  status: { controllerNamespace, resources: [{ group: 'apps', kind: 'Deployment', namespace: 'shop', name }] },
});

test('an Application’s own word counts before its controller’s, which is asked once', async () => {
  const asked: string[] = [];
  const found = await findFlapping({
    async *list() {
      yield [application('none', null), application('own', 'ServerSideDiff=true')];
      yield [application('off', 'ServerSideDiff=false', 'modern'), application('set', null, 'modern')];
      yield [application('again', null), 'nonsense'];
    },
    saw: () => {},
    async serverSideDiff(namespace) {
      asked.push(namespace);
      return namespace === 'modern';
    },
  });
  assert.deepEqual(
    [...found],
    [
      ['shop/Deployment/none', 'apps/none'],
      ['shop/Deployment/off', 'apps/off'],
      ['shop/Deployment/again', 'apps/again'],
    ],
  );
  assert.deepEqual(asked, ['argocd', 'modern']);
});
