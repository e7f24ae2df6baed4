/** Every example of Argo CD Image Updater's documentation (v1.3.0, and 0.x for annotations) that ends in a value of an Application. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { valueAt } from '../../../src/core/workload/json.ts';
import {
  application,
  type Chosen,
  DIGEST,
  imageUpdater,
  type Manifest,
  patched,
  patchFor,
  read,
  updaters,
} from '../../support/application.ts';

interface Row {
  readonly page: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly resource?: Manifest;
  readonly source?: Manifest;
  readonly type?: string;
  readonly name?: string;
  /** What runs. */
  readonly live?: readonly string[];
  readonly chosen: Chosen;
  /** What the source's block says afterwards. */
  readonly expected: Manifest;
}

/** A resource whose one reference selects the Application, with these images. */
function images(...list: readonly Manifest[]): Manifest {
  return { applicationRefs: [{ namePattern: 'shop', images: list }] };
}

function parameters(...pairs: readonly (readonly [string, string])[]): Manifest {
  return { helm: { parameters: pairs.map(([name, value]) => ({ name, value, forceString: true })) } };
}

function kustomize(...entries: readonly string[]): Manifest {
  return { kustomize: { images: entries } };
}

const rows: readonly Row[] = [
  {
    page: 'images: nginx, without an alias and any constraint',
    annotations: { 'image-list': 'nginx' },
    chosen: { 'docker.io/library/nginx': { tag: '1.29.3' } },
    expected: parameters(['image.name', 'nginx'], ['image.tag', '1.29.3']),
  },
  {
    page: 'images: nginx:~1.26',
    resource: images({ alias: 'nginx', imageName: 'nginx:~1.26' }),
    chosen: { nginx: { tag: '1.26.2' } },
    expected: parameters(['image.name', 'nginx'], ['image.tag', '1.26.2']),
  },
  {
    page: 'images: force-update of an alias',
    annotations: { 'image-list': 'myalias=some/image', 'myalias.force-update': 'true' },
    chosen: { myalias: { tag: '2.0.0' } },
    expected: parameters(['image.name', 'some/image'], ['image.tag', '2.0.0']),
  },
  {
    page: 'applications: ks-guestbook-demo:^0.1',
    annotations: { 'image-list': 'gcr.io/heptio-images/ks-guestbook-demo:^0.1' },
    chosen: { 'gcr.io/heptio-images/ks-guestbook-demo': { tag: '0.1.4' } },
    expected: parameters(['image.name', 'gcr.io/heptio-images/ks-guestbook-demo'], ['image.tag', '0.1.4']),
  },
  {
    page: 'images: helm.image-name and helm.image-tag of dex',
    annotations: {
      'image-list': 'dex=quay.io/dexidp/dex',
      'dex.helm.image-name': 'dex.image.name',
      'dex.helm.image-tag': 'dex.image.tag',
    },
    chosen: { dex: { tag: 'v2.44.0' } },
    expected: parameters(['dex.image.name', 'quay.io/dexidp/dex'], ['dex.image.tag', 'v2.44.0']),
  },
  {
    page: 'images: manifestTargets.helm of dex',
    resource: images({
      alias: 'dex',
      imageName: 'quay.io/dexidp/dex:latest',
      commonUpdateSettings: { updateStrategy: 'digest' },
      manifestTargets: { helm: { name: 'dex.image.name', tag: 'dex.image.tag' } },
    }),
    chosen: { dex: { tag: 'latest', digest: DIGEST } },
    expected: parameters(['dex.image.name', 'quay.io/dexidp/dex'], ['dex.image.tag', `latest@${DIGEST}`]),
  },
  {
    page: 'images: helm.image-spec, the two others ignored',
    annotations: {
      'image-list': 'app=some/image:1.x',
      'app.helm.image-spec': 'app.image',
      'app.helm.image-name': 'app.name',
      'app.helm.image-tag': 'app.tag',
    },
    chosen: { app: { tag: '1.7.0' } },
    expected: parameters(['app.image', 'some/image:1.7.0']),
  },
  {
    page: 'images: parameters in a list',
    resource: images({
      alias: 'app',
      imageName: 'some/image',
      manifestTargets: { helm: { name: 'images[0].name', tag: 'images[0].tag' } },
    }),
    chosen: { app: { tag: '1.7.0' } },
    expected: parameters(['images[0].name', 'some/image'], ['images[0].tag', '1.7.0']),
  },
  {
    page: 'images: several images in one chart',
    annotations: {
      'image-list': 'fooalias=foo/bar, baralias=bar/foo',
      'fooalias.helm.image-name': 'foo.image',
      'fooalias.helm.image-tag': 'foo.tag',
      'baralias.helm.image-name': 'bar.image',
      'baralias.helm.image-tag': 'bar.tag',
    },
    chosen: { fooalias: { tag: '1.0.0' }, baralias: { tag: '2.0.0' } },
    expected: parameters(
      ['foo.image', 'foo/bar'],
      ['foo.tag', '1.0.0'],
      ['bar.image', 'bar/foo'],
      ['bar.tag', '2.0.0'],
    ),
  },
  {
    page: 'images: the newest build of yourtool, with the former name of the strategy',
    annotations: {
      'image-list': 'yourtool=yourorg/yourimage',
      'yourtool.update-strategy': 'latest',
      'yourtool.allow-tags': 'regexp:^v1.0.0-[0-9a-zA-Z]+$',
    },
    chosen: { yourtool: { tag: 'v1.0.0-f00ba' } },
    expected: parameters(['image.name', 'yourorg/yourimage'], ['image.tag', 'v1.0.0-f00ba']),
  },
  {
    page: 'images: the tag latest by its digest',
    resource: images({
      alias: 'fooalias',
      imageName: 'yourorg/yourimage:latest',
      commonUpdateSettings: { updateStrategy: 'digest' },
    }),
    chosen: { fooalias: { tag: 'latest', digest: DIGEST } },
    expected: parameters(['image.name', 'yourorg/yourimage'], ['image.tag', `latest@${DIGEST}`]),
  },
  {
    page: 'images: an element of a list of the values, whole',
    resource: images({
      alias: 'fooalias',
      imageName: 'fooimagename',
      manifestTargets: { helm: { spec: 'foo[1].image' } },
    }),
    chosen: { fooalias: { tag: '1.19.2' } },
    expected: parameters(['foo[1].image', 'fooimagename:1.19.2']),
  },
  {
    page: "images: Argo CD's Kustomize base, from another registry",
    type: 'Kustomize',
    resource: images({
      alias: 'argocd',
      imageName: 'ghcr.io/argoproj/argocd:latest',
      commonUpdateSettings: { forceUpdate: true, updateStrategy: 'digest' },
      manifestTargets: { kustomize: { name: 'quay.io/argoproj/argocd' } },
    }),
    chosen: { argocd: { tag: 'latest', digest: DIGEST } },
    expected: kustomize(`quay.io/argoproj/argocd=ghcr.io/argoproj/argocd:latest@${DIGEST}`),
  },
  {
    page: 'migration: kustomize.image-name',
    type: 'Kustomize',
    annotations: {
      'image-list': 'argocd=ghcr.io/argoproj/argocd',
      'argocd.kustomize.image-name': 'quay.io/argoproj/argocd',
    },
    chosen: { argocd: { tag: '3.2.0' } },
    expected: kustomize('quay.io/argoproj/argocd=ghcr.io/argoproj/argocd:3.2.0'),
  },
  {
    page: 'images: an image of a Kustomize source without any place named',
    type: 'Kustomize',
    annotations: { 'image-list': 'nginx:~1.26, redis:6.2' },
    chosen: { 'docker.io/library/nginx': { tag: '1.26.2' }, 'docker.io/library/redis': { tag: '6.2.20' } },
    expected: kustomize('nginx:1.26.2', 'redis:6.2.20'),
  },
  {
    page: "images: a plugin's variables for name and tag",
    type: 'Plugin',
    source: { plugin: { name: 'cdk' } },
    resource: images({
      alias: 'redis',
      imageName: 'myregistry/redis:6.0',
      manifestTargets: { plugin: { name: 'REDIS_IMAGE_NAME', tag: 'REDIS_IMAGE_TAG' } },
    }),
    chosen: { redis: { tag: '7.0.0' } },
    expected: {
      plugin: {
        name: 'cdk',
        env: [
          { name: 'REDIS_IMAGE_NAME', value: 'myregistry/redis' },
          { name: 'REDIS_IMAGE_TAG', value: '7.0.0' },
        ],
      },
    },
  },
  {
    page: "images: a plugin's variable for the whole image, and several images",
    type: 'Plugin',
    resource: images(
      {
        alias: 'redis',
        imageName: 'myregistry/redis:6.0',
        manifestTargets: { plugin: { name: 'REDIS_IMAGE_NAME', tag: 'REDIS_IMAGE_TAG', spec: 'REDIS_IMAGE' } },
      },
      { alias: 'nginx', imageName: 'nginx:1.20', manifestTargets: { plugin: { spec: 'NGINX_IMAGE' } } },
    ),
    chosen: { redis: { tag: '7.0.0' }, nginx: { tag: '1.20.2' } },
    expected: {
      plugin: {
        env: [
          { name: 'REDIS_IMAGE', value: 'myregistry/redis:7.0.0' },
          { name: 'NGINX_IMAGE', value: 'nginx:1.20.2' },
        ],
      },
    },
  },
  {
    page: 'examples: global defaults, and a pattern for names',
    name: 'my-app-1',
    live: ['nginx:1.20.1'],
    resource: {
      commonUpdateSettings: { updateStrategy: 'semver', forceUpdate: false },
      applicationRefs: [{ namePattern: 'my-app-*', images: [{ alias: 'nginx', imageName: 'nginx:1.20' }] }],
    },
    chosen: { nginx: { tag: '1.20.2' } },
    expected: parameters(['image.name', 'nginx'], ['image.tag', '1.20.2']),
  },
  {
    page: 'examples: digest for production',
    name: 'production-shop',
    live: ['myapp:latest'],
    resource: {
      commonUpdateSettings: { updateStrategy: 'semver' },
      applicationRefs: [
        {
          namePattern: 'production-*',
          commonUpdateSettings: { updateStrategy: 'digest' },
          images: [{ alias: 'app', imageName: 'myapp:latest' }],
        },
        {
          namePattern: 'staging-*',
          images: [
            { alias: 'app', imageName: 'myapp:latest', commonUpdateSettings: { updateStrategy: 'newest-build' } },
          ],
        },
      ],
    },
    chosen: { app: { tag: 'latest', digest: DIGEST } },
    expected: parameters(['image.name', 'myapp'], ['image.tag', `latest@${DIGEST}`]),
  },
  {
    page: 'the digest alone, where no tag is known',
    annotations: { 'image-list': 'app=myapp:latest', 'app.update-strategy': 'digest' },
    chosen: { app: { tag: null, digest: DIGEST } },
    expected: parameters(['image.name', 'myapp'], ['image.tag', `latest@${DIGEST}`]),
  },
  {
    page: 'images: an alias with a slash, in annotations with an underscore',
    type: 'Kustomize',
    annotations: {
      'image-list': 'argoproj/argocd=ghcr.io/argoproj/argocd:latest',
      'argoproj_argocd.update-strategy': 'digest',
      'argoproj_argocd.kustomize.image-name': 'argoproj/argocd',
    },
    chosen: { 'argoproj/argocd': { tag: 'latest', digest: DIGEST } },
    expected: kustomize(`argoproj/argocd=ghcr.io/argoproj/argocd:latest@${DIGEST}`),
  },
];

function objectOf({ annotations, source, type, name, live }: Row): Manifest {
  return application({
    ...(name !== undefined && { name }),
    ...(annotations !== undefined && { annotations: updaters(annotations) }),
    ...(source !== undefined && { source }),
    ...(live !== undefined && { status: { summary: { images: live } } }),
    type: type ?? 'Helm',
  });
}

for (const row of rows) {
  const resources = row.resource === undefined ? [] : [imageUpdater(row.resource)];
  test(row.page, () => {
    const object = objectOf(row);
    const after = patched(object, patchFor(read(object, resources), row.chosen));
    const { repoURL: _r, path: _p, targetRevision: _t, ...blocks } = valueAt(after, ['spec', 'source']) as Manifest;
    assert.deepEqual(blocks, row.expected);
    assert.deepEqual(patchFor(read(after, resources), row.chosen), [], 'what is written is written once');
  });
}
