import { delimiter, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type KubernetesClient, openKubernetesClient } from '../../kubernetes/client.ts';
import { KubernetesError, type KubernetesErrorCode } from '../../kubernetes/request/error.ts';
import { CommandError, type CommandIO } from '../output.ts';

/** Which cluster a command asks, as kubectl takes it. */
export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
}

/** A cluster that can be asked. */
export interface OpenCluster {
  readonly client: KubernetesClient;
  /** Of `--namespace`, or else of the context, or else `default`, as kubectl has it. */
  readonly namespace: string;
}

/** Adds `--kubeconfig` and `--context` to a command. */
export function clusterOptions(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'the kubeconfig; without, KUBECONFIG, ~/.kube/config, or the identity of the Pod')
    .option('--context <name>', 'a context of the kubeconfig, instead of the current one');
}

/** `-n, --namespace`; without it a command takes that of the context. */
export function namespaceOption(): Option {
  return new Option('-n, --namespace <name>', 'the namespace; without, that of the context');
}

/** `-A, --all-namespaces`, which no command takes together with `--namespace`. */
export function allNamespacesOption(): Option {
  return new Option('-A, --all-namespaces', 'all namespaces').conflicts('namespace');
}

/** An audit lists nine kinds in each namespace, and somebody waits for it. The API server has bounds of its own. */
const REQUESTS_PER_SECOND = 400;

/**
 * Makes ready to ask the cluster that the options or the environment name. Nothing is asked yet.
 *
 * @param what the command, as it begins its messages.
 * @throws CommandError 3 where no cluster is named, or its kubeconfig can't be used.
 */
export function openCluster(io: CommandIO, options: ClusterOptions, what: string): OpenCluster {
  const { kubeconfig, context, namespace } = options;
  const absolute = (path: string): string => (path === '' ? '' : resolve(io.directory, path));
  const listed = io.environment['KUBECONFIG']?.split(delimiter).map(absolute).join(delimiter);
  try {
    const client = openKubernetesClient({
      environment: { ...io.environment, KUBECONFIG: listed },
      kubeconfig: kubeconfig === undefined ? undefined : absolute(kubeconfig),
      context,
      requestsPerSecond: REQUESTS_PER_SECOND,
    });
    return { client, namespace: namespace ?? client.namespace ?? 'default' };
  } catch (error) {
    throw explainKubernetesError(error, what);
  }
}

/**
 * What a command says about a request that failed: what, why, what next. An error of something else than the cluster is
 * given back as it is.
 *
 * @param what what was being done, on what: `audit: the Pods of namespace shop`.
 * @param ways the options by which the command is told of another cluster, or of another user.
 */
export function explainKubernetesError(error: unknown, what: string, ways: ClusterWays = 'kubectl'): Error {
  if (!(error instanceof KubernetesError)) return error instanceof Error ? error : new Error(String(error));
  const next = nextStep(error.code, WAYS[ways]);
  const why = error.message.replaceAll(/\s+/g, ' ').replace(/[.:]$/, '').trim();
  return new CommandError(3, `${what}: ${why}${next === null ? '' : `: ${next}`}`, { cause: error });
}

/** Commands that ask as kubectl does, and those that run in a Pod and know no contexts. */
export type ClusterWays = keyof typeof WAYS;

const WAYS = {
  kubectl: {
    cluster: '--kubeconfig FILE or --context NAME',
    options: '--context or --kubeconfig',
    user: '--context NAME',
  },
  controller: { cluster: '--kubeconfig FILE', options: '--kubeconfig', user: '--kubeconfig FILE' },
} as const;

function nextStep(code: KubernetesErrorCode, { cluster, options, user }: (typeof WAYS)[ClusterWays]): string | null {
  switch (code) {
    case 'NoCluster':
      return 'name one with --kubeconfig FILE';
    case 'BadKubeconfig':
      return `correct it, or name another with ${cluster}`;
    case 'Unreachable':
      return `check that the cluster runs, and that ${options} names the right one`;
    case 'Timeout':
    case 'TooManyRequests':
    case 'Unavailable':
    case 'Expired':
      return 'try again later';
    case 'Unauthorized':
      return `sign in again, or name another user with ${user}`;
    case 'Forbidden':
      return `ask for a role that allows it, or name another user with ${user}`;
    case 'BadAnswer':
      return 'check that the server of the kubeconfig is an API server';
    case 'Conflict':
      return 'somebody else changed it meanwhile: try again';
    case 'NotFound':
    case 'AlreadyExists':
    case 'Invalid':
      return null;
  }
}
