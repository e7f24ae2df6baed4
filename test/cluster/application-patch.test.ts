/** What a real API server makes of the patches for Applications, of field managers, and of ImageUpdater resources as they are stored. */
import assert from 'node:assert/strict';
import test, { before, suite } from 'node:test';
import { readImageUpdater } from '../../src/core/target/settings/image-updater.ts';
import { valueAt } from '../../src/core/workload/json.ts';
import { isKubernetesError } from '../../src/kubernetes/request/error.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { application, type Chosen, imageUpdater, type Manifest, own, patchFor, read } from '../support/application.ts';
import { sharedControlPlane } from '../support/control-plane.ts';
import { installArgoCdResources, installImageUpdaterResource } from '../support/custom-resources.ts';

suite('a real API server', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();
  const PATH = '/apis/argoproj.io/v1alpha1/namespaces/argocd/applications';

  before(async () => {
    assert.equal(await installArgoCdResources(shared.plane), null);
    assert.equal(await installImageUpdaterResource(shared.plane), null);
    await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
  });

  async function create(object: Manifest): Promise<Manifest> {
    const { uid: _uid, resourceVersion: _version, ...metadata } = object['metadata'] as Manifest;
    return await shared.client.request({ method: 'POST', path: PATH, body: { ...object, metadata } });
  }

  async function send(name: string, body: readonly object[], fieldManager = 'tagpin'): Promise<Manifest> {
    const path = `${PATH}/${name}`;
    return await shared.client.request({ method: 'PATCH', patch: 'json', path, query: { fieldManager }, body });
  }

  async function get(name: string): Promise<Manifest> {
    return await shared.client.request({ method: 'GET', path: `${PATH}/${name}` });
  }

  const LIST = own({ 'image-list': 'web=nginx:1.x', 'web.helm.image-tag': 'web.tag' });
  const PLAIN = own({ 'image-list': 'web=nginx:1.x' });
  const GIT = { repoURL: 'https://git.example/deploy.git', path: 'shop', targetRevision: 'main' };
  const ENTRY = { name: 'web.tag', value: '1.2', forceString: true };

  // [what there is, the Application without its name, where in the spec, what stands there afterwards]
  const rows: readonly (readonly [string, Parameters<typeof application>[0], readonly string[], unknown])[] = [
    ['no-block', { annotations: LIST }, ['source', 'helm'], { parameters: [ENTRY] }],
    [
      'no-list',
      { annotations: LIST, source: { helm: { releaseName: 'x' } } },
      ['source', 'helm'],
      { releaseName: 'x', parameters: [ENTRY] },
    ],
    [
      'other-entries',
      { annotations: LIST, source: { helm: { parameters: [{ name: 'a', value: 'b' }] } } },
      ['source', 'helm', 'parameters'],
      [{ name: 'a', value: 'b' }, ENTRY],
    ],
    [
      'an-entry',
      {
        annotations: LIST,
        source: {
          helm: {
            parameters: [
              { name: 'web.tag', value: '1.1' },
              { name: 'a', value: 'b' },
            ],
          },
        },
      },
      ['source', 'helm', 'parameters'],
      [
        { name: 'web.tag', value: '1.2' },
        { name: 'a', value: 'b' },
      ],
    ],
    [
      'kustomize',
      { annotations: PLAIN, source: { kustomize: { images: ['redis:8', 'docker.io/library/nginx:1.1'] } } },
      ['source', 'kustomize', 'images'],
      ['redis:8', 'docker.io/library/nginx:1.2'],
    ],
    [
      'plugin',
      {
        annotations: own({ 'image-list': 'web=nginx:1.x', 'web.plugin.image-tag': 'TAG' }),
        source: { plugin: { name: 'p' } },
      },
      ['source', 'plugin'],
      { name: 'p', env: [{ name: 'TAG', value: '1.2' }] },
    ],
    [
      'sources',
      {
        annotations: LIST,
        spec: {
          project: 'default',
          destination: {},
          sources: [
            { ...GIT, ref: 'values' },
            { ...GIT, helm: {} },
          ],
        },
      },
      ['sources'],
      [
        { ...GIT, ref: 'values' },
        { ...GIT, helm: { parameters: [ENTRY] } },
      ],
    ],
    [
      'hydrated',
      {
        annotations: LIST,
        spec: {
          project: 'default',
          destination: {},
          sourceHydrator: { drySource: GIT, syncSource: { targetBranch: 'env', path: 'shop' } },
        },
      },
      ['sourceHydrator', 'drySource'],
      { ...GIT, helm: { parameters: [ENTRY] } },
    ],
  ];

  // In an Application of several sources the first two both take Helm's parameters; the one that is written out is meant.
  for (const [name, written, path, expected] of rows) {
    test(`the API server takes the patch for ${name}, and then nothing is left to do`, async () => {
      const object = await create(
        application({ ...written, name, status: name === 'sources' ? { sourceTypes: ['Directory', 'Helm'] } : {} }),
      );
      const chosen: Chosen = { web: { tag: '1.2' } };
      const after = await send(name, patchFor(read(object), chosen));
      assert.deepEqual(valueAt(after, ['spec', ...path]), expected);
      assert.deepEqual(patchFor(read(after), chosen), []);
      assert.deepEqual(after['status'], object['status']);
    });
  }

  // [what somebody else did, in which Application, how]
  const disturbances: readonly (readonly [string, Manifest, readonly object[]])[] = [
    [
      'put another value there',
      { helm: { parameters: [{ name: 'web.tag', value: '1.1' }] } },
      [{ op: 'replace', path: '/spec/source/helm/parameters/0/value', value: '1.0' }],
    ],
    [
      'put an entry before',
      { helm: { parameters: [{ name: 'web.tag', value: '1.1' }] } },
      [{ op: 'add', path: '/spec/source/helm/parameters/0', value: { name: 'a', value: 'b' } }],
    ],
    [
      'added an entry',
      { helm: { parameters: [{ name: 'a', value: 'b' }] } },
      [{ op: 'add', path: '/spec/source/helm/parameters/-', value: { name: 'c', value: 'd' } }],
    ],
    [
      'made the list',
      { helm: { releaseName: 'x' } },
      [{ op: 'add', path: '/spec/source/helm/parameters', value: [{ name: 'c' }] }],
    ],
    ['made the block', {}, [{ op: 'add', path: '/spec/source/helm', value: { releaseName: 'x' } }]],
    [
      'took the block away',
      { helm: { parameters: [{ name: 'web.tag', value: '1.1' }] } },
      [{ op: 'remove', path: '/spec/source/helm' }],
    ],
    [
      'moved to another repository',
      { helm: { parameters: [{ name: 'web.tag', value: '1.1' }] } },
      [{ op: 'replace', path: '/spec/source/repoURL', value: 'https://git.example/other.git' }],
    ],
  ];

  for (const [index, [what, source, body]] of disturbances.entries()) {
    test(`nothing is written where somebody ${what} meanwhile`, async () => {
      const name = `disturbed-${index}`;
      const operations = patchFor(read(await create(application({ annotations: LIST, source, name }))), {
        web: { tag: '1.2' },
      });
      const theirs = await send(name, body, 'somebody');
      await assert.rejects(send(name, operations), (error) => isKubernetesError(error, 'Invalid'));
      assert.deepEqual((await get(name))['spec'], theirs['spec']);
    });
  }

  test('nothing is written to an Application that was made anew under the same name', async () => {
    const object = await create(application({ annotations: LIST, name: 'anew' }));
    await shared.client.request({ method: 'DELETE', path: `${PATH}/anew` });
    await create(application({ annotations: LIST, name: 'anew' }));
    await assert.rejects(send('anew', patchFor(read(object), { web: { tag: '1.2' } })), (error) =>
      isKubernetesError(error, 'Invalid'),
    );
  });

  test('a status that Argo CD wrote meanwhile does not matter', async () => {
    const object = await create(application({ annotations: LIST, name: 'busy' }));
    await send(
      'busy',
      [{ op: 'add', path: '/status/reconciledAt', value: '2026-11-21T10:00:00Z' }],
      'argocd-application-controller',
    );
    const after = await send('busy', patchFor(read(object), { web: { tag: '1.2' } }));
    assert.equal(valueAt(after, ['status', 'reconciledAt']), '2026-11-21T10:00:00Z');
  });

  /** As Argo CD syncs an Application that is in another one's repository, with server-side apply. */
  async function sync(name: string, source: Manifest): Promise<Manifest> {
    const { status: _status, ...object } = application({ annotations: LIST, name, source });
    const { uid: _uid, resourceVersion: _version, ...metadata } = object['metadata'] as Manifest;
    const annotations = { ...LIST, 'argocd.argoproj.io/tracking-id': `apps:argoproj.io/Application:argocd/${name}` };
    return await shared.client.request({
      method: 'PATCH',
      patch: 'apply',
      path: `${PATH}/${name}`,
      query: { fieldManager: 'argocd-controller', force: 'true' },
      body: { ...object, metadata: { ...metadata, annotations } },
    });
  }

  test('whether a parent would put parameters back is read from what it owns, also after our own write', async () => {
    const reverts = (object: Manifest): string | null => {
      const [image] = read(object).images;
      return image === undefined || image.located === null ? assert.fail('it has no place') : image.revertedBy;
    };
    // The kind of source has to be known: there is no Argo CD here that says it.
    const free = await sync('free', {});
    assert.equal(reverts(free), null);
    const written = await send('free', patchFor(read(free), { web: { tag: '1.2' } }));
    assert.equal(reverts(written), null);
    const again = await sync('free', {});
    assert.equal(valueAt(again, ['spec', 'source', 'helm', 'parameters', '0', 'value']) ?? '1.2', '1.2');
    assert.equal(reverts(again), null);
    assert.equal(
      reverts(await sync('owned', { helm: { parameters: [{ name: 'web.tag', value: '1.0' }] } })),
      'Application apps',
    );
    // Measured in a real Argo CD (test/argocd/sweep-parent.test.ts): what is beside them in the block stays.
    assert.equal(reverts(await sync('beside', { helm: { valueFiles: ['v.yaml'] } })), null);
  });

  test("the documentation's complete ImageUpdater reads as it says, from the store with the schema's defaults", async () => {
    const spec = {
      commonUpdateSettings: {
        updateStrategy: 'semver',
        forceUpdate: false,
        allowTags: 'regexp:^v[0-9]+\\.[0-9]+\\.[0-9]+$',
        ignoreTags: ['latest', 'dev', 'test'],
      },
      writeBackConfig: { method: 'argocd' },
      applicationRefs: [
        {
          namePattern: 'frontend-*',
          labelSelectors: { matchLabels: { environment: 'production' } },
          commonUpdateSettings: { updateStrategy: 'newest-build', forceUpdate: true },
          writeBackConfig: {
            method: 'git',
            gitConfig: {
              repository: 'git@github.com:myorg/frontend-config.git',
              branch: 'main',
              writeBackTarget: 'helmvalues:/values.yaml',
            },
          },
          images: [
            {
              alias: 'frontend',
              imageName: 'myregistry/frontend:v1.0',
              commonUpdateSettings: { allowTags: 'regexp:^v[0-9]+\\.[0-9]+\\.[0-9]+-prod$' },
            },
            { alias: 'nginx', imageName: 'nginx:1.20' },
          ],
        },
        {
          namePattern: 'backend',
          images: [
            { alias: 'api', imageName: 'myregistry/backend:v2.0', commonUpdateSettings: { updateStrategy: 'digest' } },
            { alias: 'database', imageName: 'postgres:13' },
          ],
        },
      ],
    };
    const stored = await shared.client.request({
      method: 'POST',
      path: '/apis/argocd-image-updater.argoproj.io/v1alpha1/namespaces/argocd/imageupdaters',
      body: {
        apiVersion: 'argocd-image-updater.argoproj.io/v1alpha1',
        kind: 'ImageUpdater',
        metadata: { name: 'production-updater' },
        spec,
      },
    });
    const updater = readImageUpdater(stored);
    assert.ok(updater.ok);
    const follows = (name: string, updaters = [updater.updater]) => {
      const object = application({ name, labels: { environment: 'production' } });
      const { images, writeBack, problems } = read(object, updaters);
      return {
        images: images.map(({ tracked }) => [tracked.key, tracked.rule.strategy, tracked.rule.allow.allows('v1.0.0')]),
        writeBack: writeBack.kind,
        problems: problems.map(({ problem }) => problem),
      };
    };
    assert.deepEqual(follows('backend'), {
      images: [
        ['api', 'digest', true],
        ['database', 'semver', true],
      ],
      writeBack: 'argocd',
      problems: [],
    });
    // Two images without a place of their own, as the example has it, would write the same value; and 1.3's schema gives every
    // block that is written the default strategy.
    const frontend = follows('frontend-web');
    assert.deepEqual(frontend.images, [
      ['frontend', 'semver', false],
      ['nginx', 'newest-build', true],
    ]);
    assert.equal(frontend.writeBack, 'git');
    assert.deepEqual(follows('frontend-web', [imageUpdater(spec)]).images[0], ['frontend', 'newest-build', false]);
  });
});
