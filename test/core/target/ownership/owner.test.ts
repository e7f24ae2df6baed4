import assert from 'node:assert/strict';
import test from 'node:test';
import { type Owner, readOwner, revertedBy } from '../../../../src/core/target/ownership/owner.ts';
import { application, type Manifest } from '../../../support/application.ts';

const TRACKING = 'argocd.argoproj.io/tracking-id';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const PARAMETERS = ['spec', 'source', 'helm', 'parameters'];
const SET = { apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', name: 'all', uid: 'x' };

// [the metadata, the owner]
const owners: readonly (readonly [Manifest, Owner | null])[] = [
  [{}, null],
  [{ ownerReferences: [SET] }, { kind: 'ApplicationSet', namespace: 'argocd', name: 'all' }],
  [{ ownerReferences: [{ ...SET, kind: 'Application' }] }, null],
  [{ ownerReferences: [{ ...SET, apiVersion: 'example.com/v1' }] }, null],
  [
    { annotations: { [TRACKING]: 'apps:argoproj.io/Application:argocd/shop' } },
    { kind: 'Application', namespace: null, name: 'apps' },
  ],
  [
    { annotations: { [TRACKING]: 'team_apps:argoproj.io/Application:argocd/shop' } },
    { kind: 'Application', namespace: 'team', name: 'apps' },
  ],
  [{ annotations: { [TRACKING]: 'apps:argoproj.io/Application:argocd/other' } }, null],
  [{ annotations: { [TRACKING]: 'apps:apps/Deployment:argocd/shop' } }, null],
  [{ annotations: { [TRACKING]: 'nonsense' } }, null],
  [{ labels: { 'app.kubernetes.io/instance': 'apps' } }, { kind: 'Application', namespace: null, name: 'apps' }],
  [{ labels: { 'app.kubernetes.io/instance': 'shop' } }, null],
];

for (const [metadata, expected] of owners) {
  test(`${JSON.stringify(metadata)} belongs to ${expected?.name ?? 'nobody'}`, () => {
    assert.deepEqual(readOwner(application({ metadata })), expected);
  });
}

/** What a field manager owns, by the path to a leaf. */
function managed(manager: string, ...path: readonly string[]): Manifest {
  const fieldsV1 = path.toReversed().reduce<Manifest>((inner, name) => ({ [`f:${name}`]: inner }), {});
  return { manager, operation: 'Update', apiVersion: 'argoproj.io/v1alpha1', fieldsType: 'FieldsV1', fieldsV1 };
}

const CHILD = { annotations: { [TRACKING]: 'apps:argoproj.io/Application:argocd/shop' } };

function reverts(metadata: Manifest, parent: unknown = null, path: readonly string[] = PARAMETERS): string | null {
  const object = application({ metadata });
  return revertedBy(object, readOwner(object), parent, path);
}

test('an ApplicationSet puts back whatever it does not ignore', () => {
  const metadata = { ownerReferences: [SET] };
  assert.equal(reverts(metadata), 'ApplicationSet argocd/all');
  assert.equal(reverts(metadata, { spec: {} }), 'ApplicationSet argocd/all');
  const ignoring = (entry: Manifest) => ({ spec: { ignoreApplicationDifferences: [entry] } });
  assert.equal(reverts(metadata, ignoring({ jsonPointers: ['/spec/source/helm/parameters'] })), null);
  assert.equal(reverts(metadata, ignoring({ name: 'shop', jqPathExpressions: ['.spec.source.helm'] })), null);
  assert.equal(
    reverts(metadata, ignoring({ name: 'other', jsonPointers: ['/spec/source'] })),
    'ApplicationSet argocd/all',
  );
  assert.equal(reverts(metadata, ignoring({ jsonPointers: ['/spec/syncPolicy'] })), 'ApplicationSet argocd/all');
  assert.equal(reverts(metadata, { spec: { syncPolicy: { applicationsSync: 'create-only' } } }), null);
  assert.equal(reverts(metadata, { spec: { syncPolicy: { applicationsSync: 'sync' } } }), 'ApplicationSet argocd/all');
});

test('a parent leaves parameters alone where its manifest of the child has none', () => {
  assert.equal(reverts(CHILD), null);
  for (const fields of [['helm'], ['helm', 'valueFiles']]) {
    assert.equal(
      reverts({ ...CHILD, managedFields: [managed('argocd-controller', 'spec', 'source', ...fields)] }),
      null,
    );
  }
  assert.equal(reverts({ ...CHILD, managedFields: [managed('argocd-controller', 'spec', 'source', 'path')] }), null);
  assert.equal(reverts({ ...CHILD, managedFields: [managed('tagpin', ...PARAMETERS)] }), null);
  assert.equal(reverts({ ...CHILD, managedFields: [managed('argocd-server', ...PARAMETERS)] }), null);
});

test('a parent puts parameters back where its manifest of the child has some', () => {
  const managedFields = [managed('tagpin', ...PARAMETERS), managed('argocd-controller', ...PARAMETERS)];
  assert.equal(reverts({ ...CHILD, managedFields }), 'Application apps');
  const applied = (spec: Manifest) => ({
    annotations: { ...CHILD.annotations, [LAST_APPLIED]: JSON.stringify({ spec }) },
  });
  assert.equal(reverts(applied({ source: { helm: { parameters: [{ name: 'a', value: '1' }] } } })), 'Application apps');
  assert.equal(reverts(applied({ source: { helm: { valueFiles: ['v.yaml'] } } })), null);
  assert.equal(reverts(applied({ source: { path: 'shop' } })), null);
  assert.equal(reverts({ annotations: { ...CHILD.annotations, [LAST_APPLIED]: '{' } }), null);
});

test('a list of sources is put back as a whole', () => {
  const path = ['spec', 'sources', '1', 'helm', 'parameters'];
  assert.equal(
    reverts({ ...CHILD, managedFields: [managed('argocd-controller', 'spec', 'sources')] }, null, path),
    'Application apps',
  );
  assert.equal(reverts(CHILD, null, path), null);
});

// [the parent's spec, does it leave the parameters alone]
const option = { syncPolicy: { syncOptions: ['CreateNamespace=true', 'RespectIgnoreDifferences=true'] } };
const entry = { group: 'argoproj.io', kind: 'Application', jsonPointers: ['/spec/source/helm/parameters'] };
const parents: readonly (readonly [Manifest, boolean])[] = [
  [{ ...option, ignoreDifferences: [entry] }, true],
  [{ ignoreDifferences: [entry] }, false],
  [{ ...option, ignoreDifferences: [{ ...entry, name: 'other' }] }, false],
  [{ ...option, ignoreDifferences: [{ ...entry, kind: 'Deployment' }] }, false],
  [{ ...option, ignoreDifferences: [{ ...entry, name: 'shop', namespace: 'argocd' }] }, true],
  [{ ...option, ignoreDifferences: [{ ...entry, jsonPointers: [], managedFieldsManagers: ['tagpin'] }] }, true],
  [{ ...option, ignoreDifferences: [{ group: '*', kind: '*', jqPathExpressions: ['.spec.source.helm'] }] }, true],
  [option, false],
];

for (const [spec, keeps] of parents) {
  test(`a parent with ${JSON.stringify(spec)} ${keeps ? 'leaves parameters alone' : 'puts parameters back'}`, () => {
    const metadata = { ...CHILD, managedFields: [managed('argocd-controller', ...PARAMETERS)] };
    assert.equal(reverts(metadata, { spec }), keeps ? null : 'Application apps');
  });
}

test('Flux puts back what it owns', () => {
  const flux = managed('kustomize-controller', ...PARAMETERS);
  assert.equal(reverts({ managedFields: [flux] }), 'kustomize-controller');
  assert.equal(
    reverts({ managedFields: [managed('kustomize-controller', 'spec', 'source', 'helm', 'valueFiles')] }),
    null,
  );
  assert.equal(reverts({ managedFields: [managed('kubectl', ...PARAMETERS)] }), null);
});
