import { parseDuration } from '../../core/duration.ts';
import type { TargetKind, TargetName } from '../../core/sweep/change.ts';
import { LOG_LEVELS, type LogLevel } from '../../platform/log.ts';
import type { ListenAddress } from '../../platform/network/listen.ts';
import type { OutputFormat } from '../output.ts';
import {
  type Flags,
  oneOf,
  type Parsed,
  parseAddress,
  parseFile,
  parseLabelName,
  parseObjectName,
  parseSwitch,
  type Setting,
  SettingSource,
} from '../settings.ts';

/** The settings of `tagpin sweep`, in the order of its help. */
export const SWEEP_SETTINGS = [
  { name: 'once', value: null, help: 'look once, print what came of it, and end', default: null },
  { name: 'dry-run', value: null, help: 'plan only: write nothing, remember nothing, tell nobody', default: null },
  {
    name: 'interval',
    value: 'duration',
    help: "from the end of one look to the start of the next (default: the policy's sweep.interval)",
    default: null,
  },
  {
    name: 'target',
    value: 'kind/namespace/name',
    help: 'only this one; repeatable',
    default: null,
  },
  { name: 'output', value: 'format', help: 'with --once: text, or json, one object a line', default: 'text' },
  {
    name: 'operations-listen',
    value: 'address',
    help: 'where /healthz, /readyz and /metrics are served, over plain HTTP; not with --once',
    default: '0.0.0.0:8080',
  },
  {
    name: 'receivers-listen',
    value: 'address',
    help: 'where POST /webhook takes push notifications of registries, over plain HTTP; without, nowhere',
    default: null,
  },
  {
    name: 'kubeconfig',
    value: 'file',
    help: 'how to reach the cluster; without it, as the Pod that this runs in',
    default: null,
  },
  {
    name: 'namespace',
    value: 'name',
    help: "tagpin's own namespace, where its policy and its state are (default: the Pod's, or tagpin-system)",
    default: null,
  },
  {
    name: 'argocd-namespace',
    value: 'name',
    help: "where Argo CD is (default: the first namespace of the policy's sweep.applicationNamespaces without a wildcard, or argocd)",
    default: null,
  },
  {
    name: 'git-directory',
    value: 'directory',
    help: 'where mirrors of repositories are kept (default: among temporary files)',
    default: null,
  },
  { name: 'log-level', value: 'level', help: LOG_LEVELS.join(', '), default: 'info' },
] as const satisfies readonly Setting[];

type Name = (typeof SWEEP_SETTINGS)[number]['name'];

/** It runs until it is asked to end. */
export interface LoopMode {
  readonly kind: 'loop';
  readonly operationsListen: ListenAddress;
  /** Null: no push notifications are taken. */
  readonly receiversListen: ListenAddress | null;
}

/** What `tagpin sweep` runs with. */
export interface SweepConfiguration {
  readonly mode: { readonly kind: 'once'; readonly output: OutputFormat } | LoopMode;
  readonly isDryRun: boolean;
  /** Milliseconds; null for the policy's. */
  readonly interval: number | null;
  /** Null for all. */
  readonly targets: readonly TargetName[] | null;
  /** Null for the identity of the Pod. */
  readonly kubeconfig: string | null;
  /** Null for the Pod's own, or tagpin-system. */
  readonly namespace: string | null;
  /** Null for what the policy says. */
  readonly argocdNamespace: string | null;
  /** Null for a folder among temporary files. */
  readonly gitDirectory: string | null;
  readonly logLevel: LogLevel;
}

export type ParsedSweepConfiguration =
  | { readonly ok: true; readonly configuration: SweepConfiguration }
  | { readonly ok: false; readonly problems: readonly string[] };

const SECOND = 1000;
const DAY = 86_400 * SECOND;

/**
 * Reads the configuration of `tagpin sweep`. A flag beats its variable, which beats the default.
 *
 * @param flags what was given on the command line, by setting; several targets with commas between them.
 * @returns the configuration, frozen, or everything that is wrong with it.
 */
export function readSweepConfiguration(
  flags: Flags,
  environment: Readonly<Record<string, string | undefined>>,
): ParsedSweepConfiguration {
  const source = new SettingSource<Name>(SWEEP_SETTINGS, flags, environment);
  const { problems } = source;
  const isOnce = source.read('once', parseSwitch) === true;
  const isDryRun = source.read('dry-run', parseSwitch) === true;
  const interval = source.read('interval', parseInterval);
  const targets = source.read('target', parseTargets);
  const output = source.read('output', oneOf(['text', 'json'] as const));
  const operationsListen = source.read('operations-listen', parseAddress);
  const receiversListen = source.read('receivers-listen', parseAddress);
  const kubeconfig = source.read('kubeconfig', parseFile);
  const namespace = source.read('namespace', parseLabelName);
  const argocdNamespace = source.read('argocd-namespace', parseLabelName);
  const gitDirectory = source.read('git-directory', parseFile);
  const logLevel = source.read('log-level', oneOf(LOG_LEVELS));
  if (isOnce) {
    // Their variables may be there for the other replicas of the same image.
    const refused = (['interval', 'operations-listen', 'receivers-listen'] as const).filter(
      (name) => flags[name] !== undefined,
    );
    source.refuse(refused, 'not together with --once, which looks once');
  } else if (flags['output'] !== undefined) source.refuse(['output'], 'only together with --once: else log lines tell');

  if (problems.length > 0 || output === null || operationsListen === null || logLevel === null) {
    return { ok: false, problems };
  }
  const mode = isOnce
    ? ({ kind: 'once', output } as const)
    : ({ kind: 'loop', operationsListen, receiversListen } as const);
  const where = { kubeconfig, namespace, argocdNamespace, gitDirectory };
  const configuration = { mode, isDryRun, interval, targets, ...where, logLevel };
  return { ok: true, configuration: Object.freeze(configuration) };
}

function parseInterval(text: string): Parsed<number> {
  const milliseconds = parseDuration(text);
  if (milliseconds === null) return { problem: 'not a duration, such as 2m' };
  return milliseconds < SECOND || milliseconds > DAY ? { problem: 'not from 1s to 1d' } : { value: milliseconds };
}

/** How a kind may be written before the slash, in lower case: as kubectl takes it. */
const KIND_NAMES: Readonly<Record<string, TargetKind>> = {
  app: 'Application',
  application: 'Application',
  applications: 'Application',
  cj: 'CronJob',
  cronjob: 'CronJob',
  cronjobs: 'CronJob',
  daemonset: 'DaemonSet',
  daemonsets: 'DaemonSet',
  deploy: 'Deployment',
  deployment: 'Deployment',
  deployments: 'Deployment',
  ds: 'DaemonSet',
  ocirepo: 'OCIRepository',
  ocirepositories: 'OCIRepository',
  ocirepository: 'OCIRepository',
  statefulset: 'StatefulSet',
  statefulsets: 'StatefulSet',
  sts: 'StatefulSet',
};

/** `KIND/NAMESPACE/NAME`, with commas between several; a kind may have its API group behind a dot. */
function parseTargets(text: string): Parsed<readonly TargetName[]> {
  const targets: TargetName[] = [];
  for (const each of text.split(',').map((one) => one.trim())) {
    const [written = '', namespace = '', name = '', ...rest] = each.split('/');
    const short = written.toLowerCase().split('.', 1)[0] ?? '';
    const kind = Object.hasOwn(KIND_NAMES, short) ? KIND_NAMES[short] : undefined;
    const isNamed = 'value' in parseLabelName(namespace) && 'value' in parseObjectName(name);
    if (kind === undefined || !isNamed || rest.length > 0) {
      return { problem: `${JSON.stringify(each)} is no target such as Application/argocd/shop or Deployment/shop/api` };
    }
    targets.push({ kind, namespace, name });
  }
  return { value: Object.freeze(targets) };
}
