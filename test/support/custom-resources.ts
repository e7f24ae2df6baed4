import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlPlane } from '../environment/control-plane.ts';
import { eventually } from './eventually.ts';
import { runProcess } from './process.ts';

/** Where the definitions of other projects' resources stand, by their Go module, which is read and not built. */
const DEFINITIONS = [
  {
    module: 'github.com/cert-manager/cert-manager@v1.21.2',
    files: ['deploy/crds/cert-manager.io_certificates.yaml', 'deploy/crds/cert-manager.io_issuers.yaml'],
  },
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    files: ['servicemonitors', 'prometheusrules'].map(
      (name) => `example/prometheus-operator-crd/monitoring.coreos.com_${name}.yaml`,
    ),
  },
];

/** Argo CD's own, of the version that `test/argocd` builds. */
const ARGO_CD = [
  {
    module: 'github.com/argoproj/argo-cd/v3@v3.5.7',
    files: ['application', 'appproject', 'applicationset'].map((name) => `manifests/crds/${name}-crd.yaml`),
  },
];

/** Argo CD Image Updater's own, of the version whose documentation our tables quote. */
const IMAGE_UPDATER = [
  {
    module: 'github.com/argoproj-labs/argocd-image-updater@v1.3.0',
    files: ['config/crd/bases/argocd-image-updater.argoproj.io_imageupdaters.yaml'],
  },
];

/** Flux's, of the version whose selection of tags our tables repeat. */
const SOURCE_CONTROLLER = [
  {
    module: 'github.com/fluxcd/source-controller@v1.9.2',
    files: ['config/crd/bases/source.toolkit.fluxcd.io_ocirepositories.yaml'],
  },
];

/**
 * Installs the resources of cert-manager and of the Prometheus operator that the chart can make.
 *
 * @returns null, or why that could not be done: there is no Go, or no way to its proxy.
 */
export async function installCustomResources(plane: ControlPlane): Promise<string | null> {
  return await install(plane, DEFINITIONS, ['certificates', 'issuers', 'servicemonitors', 'prometheusrules']);
}

/** Installs Argo CD's Applications, ApplicationSets and AppProjects. @returns null, or why that could not be done. */
export async function installArgoCdResources(plane: ControlPlane): Promise<string | null> {
  return await install(plane, ARGO_CD, ['applications', 'applicationsets', 'appprojects']);
}

/** Installs Argo CD Image Updater's `ImageUpdater`. @returns null, or why that could not be done. */
export async function installImageUpdaterResource(plane: ControlPlane): Promise<string | null> {
  return await install(plane, IMAGE_UPDATER, ['imageupdaters']);
}

/** Installs Flux's `OCIRepository`. @returns null, or why that could not be done. */
export async function installFluxResources(plane: ControlPlane): Promise<string | null> {
  return await install(plane, SOURCE_CONTROLLER, ['ocirepositories']);
}

async function install(
  plane: ControlPlane,
  definitions: typeof DEFINITIONS,
  resources: readonly string[],
): Promise<string | null> {
  for (const { module, files } of definitions) {
    const environment = { ...process.env, GOTOOLCHAIN: 'local', GOWORK: 'off', GOFLAGS: '-mod=mod' };
    const download = ['mod', 'download', '-json', module];
    const { code, stdout, stderr } = await runProcess('go', download, { directory: tmpdir(), environment });
    const { Dir: folder = '', Error: error = stderr } = stdout === '' ? {} : JSON.parse(stdout);
    if (code !== 0) return `${module} can't be downloaded: ${error}`;
    for (const file of files) {
      // What client-side apply would remember of it is longer than an annotation may be.
      const applied = await plane.kubectl(['apply', '--server-side', '-f', join(folder, file)]);
      assert.equal(applied.code, 0, applied.stderr);
    }
  }
  await eventually('the resources are served', async () => {
    const kinds = (await plane.kubectl(['api-resources', '-o', 'name'])).stdout;
    return resources.every((name) => kinds.includes(name));
  });
  return null;
}
