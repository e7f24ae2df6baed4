import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type GoModule, goModule, kubernetesModule } from './go-module.ts';

/** A program that the tests run against, built from its Go module. */
export interface Program {
  /** Its file in `.tools/bin`. */
  readonly name: string;
  /** The import path of its main package. */
  readonly package: string;
  readonly version: string;
  /** The module of ours that it is built in. Without, it is built as `go install PACKAGE@VERSION` does. */
  readonly module?: GoModule;
  /** It may stand in the folder that `KUBEBUILDER_ASSETS` names instead, in whatever version. */
  readonly asset?: true;
}

const kubernetes = kubernetesModule(join(import.meta.dirname, 'kubernetes'));

/** A program of Kubernetes' module, or of etcd's. */
function ofKubernetes<const Name extends string>(name: Name, path: string) {
  return { name, package: path, version: kubernetes.versionOf(path), module: kubernetes, asset: true } as const;
}

const referrers = goModule(join(import.meta.dirname, 'referrers'), () => '-s -w');

/** Every program of `npm test`. The versions stand here and in the `go.mod` of `kubernetes` and `referrers`, and nowhere else. */
export const PROGRAMS = {
  registry: { name: 'registry', package: 'github.com/distribution/distribution/v3/cmd/registry', version: 'v3.1.2' },
  crane: { name: 'crane', package: 'github.com/google/go-containerregistry/cmd/crane', version: 'v0.22.1' },
  helm: { name: 'helm', package: 'helm.sh/helm/v4/cmd/helm', version: 'v4.3.1' },
  cosign: { name: 'cosign', package: 'github.com/sigstore/cosign/v3/cmd/cosign', version: 'v3.1.3' },
  referrersRegistry: {
    name: 'referrers-registry',
    package: 'tagpin.dev/test/environment/referrers',
    version: referrers.versionOf('github.com/google/go-containerregistry'),
    module: referrers,
  },
  etcd: ofKubernetes('etcd', 'go.etcd.io/etcd/server/v3'),
  kubeApiserver: ofKubernetes('kube-apiserver', 'k8s.io/kubernetes/cmd/kube-apiserver'),
  kubeControllerManager: ofKubernetes('kube-controller-manager', 'k8s.io/kubernetes/cmd/kube-controller-manager'),
  kubectl: ofKubernetes('kubectl', 'k8s.io/kubernetes/cmd/kubectl'),
} as const satisfies Readonly<Record<string, Program>>;

/** What a control plane consists of. */
export const CONTROL_PLANE: readonly Program[] = [
  PROGRAMS.etcd,
  PROGRAMS.kubeApiserver,
  PROGRAMS.kubeControllerManager,
  PROGRAMS.kubectl,
];

/** Where programs are kept: `.tools` of the checkout. */
export const TOOLS = join(import.meta.dirname, '..', '..', '.tools');

/** Carries from `test/run.ts` to the tests why the environment could not be prepared. */
export const PROBLEM_VARIABLE = 'TAGPIN_TEST_ENVIRONMENT_PROBLEM';

type Variables = Readonly<Record<string, string | undefined>>;

/** The folder below `.tools` in which one version of a program stands, complete or not at all. */
export function versionFolder({ name, version, module }: Program): string {
  return [name, version, ...(module === undefined ? [] : [module.fingerprint])].join('-');
}

/** What `.tools/bin/NAME` links to when the program is there in the version that is asked for. */
export function linkTarget(program: Program): string {
  return join('..', versionFolder(program), program.name);
}

/** Is the program there, in that version, or brought along by `KUBEBUILDER_ASSETS`? */
export function isReady(program: Program, tools: string = TOOLS, environment: Variables = process.env): boolean {
  if (assetFile(program, environment) !== null) return true;
  const link = join(tools, 'bin', program.name);
  try {
    return readlinkSync(link) === linkTarget(program) && existsSync(link);
  } catch {
    return false;
  }
}

/** The program's file. It is there where `skipWithout` says so. */
export function programFile(program: Program): string {
  return assetFile(program, process.env) ?? join(TOOLS, 'bin', program.name);
}

function assetFile({ name, asset }: Program, environment: Variables): string | null {
  const folder = environment['KUBEBUILDER_ASSETS'];
  if (asset === undefined || folder === undefined || folder === '') return null;
  const file = join(folder, name);
  return existsSync(file) ? file : null;
}

/**
 * For the `skip` option of tests that need some programs: false where they are there, or else the reason.
 *
 * @throws Error with that reason where `CI=true`, since a skipped test proves nothing there.
 */
export function skipWithout(...programs: readonly Program[]): string | false {
  const missing = programs.filter((program) => !isReady(program));
  if (missing.length === 0) return false;
  const names = missing.map(({ name, version }) => `${name} ${version}`).join(', ');
  const reason = `not built: ${names}: ${process.env[PROBLEM_VARIABLE] ?? 'npm run test:cluster builds it first'}`;
  if (process.env['CI'] === 'true') throw new Error(reason);
  return reason;
}
