import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { runProcess } from '../support/process.ts';
import { goModule } from './go-module.ts';
import { CONTROL_PLANE, PROBLEM_VARIABLE, PROGRAMS, type Program, skipWithout } from './programs.ts';

const MODULE = 'github.com/argoproj/argo-cd/v3';
const FOLDER = join(import.meta.dirname, 'argocd');
const module = goModule(FOLDER, (versionOf) => {
  const version = versionOf(MODULE).slice(1);
  return `-s -w -X ${MODULE}/common.version=${version}`;
});

/**
 * Argo CD: one program that is what its file name says. It is no part of `npm test`, since building it takes 11 minutes
 * on two cores with cold caches.
 */
export const ARGO_CD: Program = { name: 'argocd', package: `${MODULE}/cmd`, version: module.versionOf(MODULE), module };

/** What Argo CD runs for sources of that kind, in its own version: `hack/tool-versions.sh`. Helm's is the one of `npm test`. */
const KUSTOMIZE: Program = { name: 'kustomize', package: 'sigs.k8s.io/kustomize/kustomize/v5', version: 'v5.8.1' };

/** What the tests of `test/argocd` need. */
export const ARGO_CD_PROGRAMS: readonly Program[] = [
  ...CONTROL_PLANE,
  PROGRAMS.registry,
  PROGRAMS.crane,
  PROGRAMS.helm,
  KUSTOMIZE,
  ARGO_CD,
];

/** The folder of Argo CD's sources, with its manifests and scripts. @throws Error where Go has not downloaded them. */
export async function argoCdSources(): Promise<string> {
  const list = ['list', '-m', '-f', '{{.Dir}}', MODULE];
  const environment = { ...process.env, GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local', GOWORK: 'off' };
  const { code, stdout, stderr } = await runProcess('go', list, { directory: FOLDER, environment });
  const folder = stdout.trim();
  if (code !== 0 || folder === '') throw new Error(`go mod download ${MODULE} in ${FOLDER} has not run: ${stderr}`);
  return folder;
}

/** Looks for everything that Go does not build. @returns null, or what is missing and what brings it. */
export async function prepareArgoCd(): Promise<string | null> {
  const redis = await runProcess('sh', ['-c', 'command -v redis-server']);
  if (redis.code !== 0) return 'redis-server is not on PATH (Debian: apt-get install redis-server; it need not run)';
  const alone = await runProcess('unshare', inOwnNetwork('true', []).slice(1));
  if (alone.code !== 0) return `no network namespace can be made with unshare and ip: ${alone.stderr.trim()}`;
  const environment = { ...process.env, GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local', GOWORK: 'off' };
  const download = ['mod', 'download', MODULE];
  const sources = await runProcess('go', download, { directory: FOLDER, environment, timeout: 10 * 60_000 });
  return sources.code === 0 ? null : `${MODULE} can't be downloaded: ${sources.stderr.trim()}`;
}

/**
 * The words that run a program in a network namespace of its own with nothing but loopback: the metrics of Argo CD's
 * controller listen on all addresses, and can't be told not to.
 */
export function inOwnNetwork(command: string, args: readonly string[]): [string, ...string[]] {
  return [
    'unshare',
    '--map-root-user',
    '--net',
    '--',
    'sh',
    '-c',
    'ip link set lo up && exec "$@"',
    'sh',
    command,
    ...args,
  ];
}

/** For the `skip` option of the tests of `test/argocd`, as `skipWithout`. */
export function skipWithoutArgoCd(): string | false {
  const missing = skipWithout(...ARGO_CD_PROGRAMS);
  if (missing !== false) return missing;
  const isAlone = Object.keys(networkInterfaces()).every((name) => name === 'lo');
  if (isAlone) return false;
  const reason = process.env[PROBLEM_VARIABLE] ?? 'the network is not its own: npm run test:argocd makes one';
  if (process.env['CI'] === 'true') throw new Error(reason);
  return reason;
}
