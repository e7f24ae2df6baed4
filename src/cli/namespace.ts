import { Command, Option } from 'commander';
import { namespaceStanding, OPT_IN_SELECTOR } from '../core/workload/opt-in.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { labelsOf } from '../kubernetes/namespaces/namespaces.ts';
import {
  type BindingOptions,
  bindPullSecrets,
  findPullSecretsRole,
  PULL_SECRETS_ROLE,
  unbindPullSecrets,
} from '../kubernetes/namespaces/role-bindings.ts';
import { isKubernetesError } from '../kubernetes/request/error.ts';
import { resourcePath } from '../kubernetes/request/resource.ts';
import { reportUnpinning } from './namespace/unpinning-report.ts';
import { type ClusterOptions, clusterOptions, explainKubernetesError, openCluster } from './options/cluster-options.ts';
import { CommandError, type CommandIO, type ExitCode, type OutputFormat, writeJson, writeLine } from './output.ts';
import { OWN_NAMESPACE } from './policy/policy-in-force.ts';
import { type FinishCommand, outputOption } from './program.ts';

interface NamespaceOptions extends Omit<ClusterOptions, 'namespace'> {
  /** Only `enable` has this and the next. */
  readonly tagpinNamespace?: string;
  /** False where `--no-pull-secrets` is given. */
  readonly pullSecrets?: boolean;
  readonly dryRun?: true;
  readonly output: OutputFormat;
}

/** What a command works on. */
interface Target {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly ownNamespace: string;
  readonly mode: BindingOptions['mode'];
}

const [LABEL = '', VALUE = ''] = OPT_IN_SELECTOR.split('=');
const BINDING = `rolebinding/${PULL_SECRETS_ROLE}`;

/** `tagpin namespace enable NAMESPACE` and `tagpin namespace disable NAMESPACE`. */
export function namespaceCommand(io: CommandIO, finish: FinishCommand): Command {
  const withOptions = (command: Command): Command =>
    clusterOptions(command.argument('<namespace>', 'the namespace'))
      .option('--dry-run', 'say what would be done, and do nothing')
      .addOption(outputOption());
  return new Command('namespace')
    .description('opts a namespace in, and out again')
    .helpCommand(false)
    .addCommand(
      withOptions(new Command('enable'))
        .description(`labels a namespace ${OPT_IN_SELECTOR}, and lets tagpin read its pull secrets`)
        .addOption(new Option('--tagpin-namespace <name>', 'where tagpin is installed').default(OWN_NAMESPACE))
        .option('--no-pull-secrets', 'only label it: private images then need credentials of the policy')
        .addHelpText('after', '\nWhat runs there stays as it is.\n\nExample:\n  tagpin namespace enable shop')
        .action((namespace: string, options: NamespaceOptions) =>
          finish(onTarget(io, 'enable', namespace, options, (target) => enable(io, target, options))),
        ),
    )
    .addCommand(
      withOptions(new Command('disable'))
        .description('says what the next apply would roll out, then takes label and permission away')
        .addHelpText('after', '\nExample:\n  tagpin namespace disable shop --dry-run')
        .action((namespace: string, options: NamespaceOptions) =>
          finish(onTarget(io, 'disable', namespace, options, (target) => disable(io, target, options.output))),
        ),
    );
}

async function onTarget(
  io: CommandIO,
  verb: string,
  namespace: string,
  options: NamespaceOptions,
  work: (target: Target) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { tagpinNamespace: ownNamespace = OWN_NAMESPACE, dryRun } = options;
  const what = `namespace ${verb}: ${namespace}`;
  const { client } = openCluster(io, options, `namespace ${verb}`);
  try {
    return await work({ client, namespace, ownNamespace, mode: dryRun === true ? 'dry-run' : 'write' });
  } catch (error) {
    throw explainKubernetesError(error, what);
  } finally {
    await client.close();
  }
}

/** The permission comes first, so that the first request that the webhook sees finds its pull secrets. */
async function enable(io: CommandIO, target: Target, options: NamespaceOptions): Promise<ExitCode> {
  const { namespace, ownNamespace, mode } = target;
  if (namespaceStanding(namespace, { [LABEL]: VALUE }, ownNamespace) === 'left out') {
    const why = "Kubernetes' and tagpin's own namespaces are left out always, whatever their labels say";
    throw new CommandError(2, `namespace enable: ${namespace}: ${why}: name another one`);
  }
  const { labels, isEnding } = await readNamespace(target, 'enable');
  if (isEnding) {
    throw new CommandError(1, `namespace enable: ${namespace}: it is being deleted: wait, and make it again`);
  }
  const pullSecrets = options.pullSecrets === false ? 'skipped' : await bind(target);
  const label = labels[LABEL] === VALUE ? 'unchanged' : 'changed';
  if (label === 'changed') await setLabel(target, VALUE);
  if (options.output === 'json') {
    writeJson(io.stdout, { namespace, label, pullSecrets, dryRun: mode === 'dry-run' });
    return 0;
  }
  const tried = mode === 'dry-run' ? ' (dry run)' : '';
  const state = label === 'changed' ? 'labelled' : 'already labelled';
  writeLine(io.stdout, `namespace/${namespace} ${state} ${OPT_IN_SELECTOR}${tried}`);
  const secrets =
    pullSecrets === 'skipped'
      ? 'left as it is: --no-pull-secrets'
      : `${pullSecrets}: webhook and sweeper may read pull secrets`;
  writeLine(io.stdout, `${BINDING} ${secrets}${tried}`);
  return 0;
}

async function bind(target: Target): Promise<'created' | 'repaired' | 'unchanged'> {
  const { namespace } = target;
  const what = `namespace enable: ${namespace}`;
  const next = 'tagpin namespace enable --no-pull-secrets does without';
  if ((await findPullSecretsRole(target.client)) === 'missing') {
    const install = 'install tagpin first (kubectl apply -f deploy/install.yaml)';
    throw new CommandError(3, `${what}: there is no ClusterRole ${PULL_SECRETS_ROLE}: ${install}`);
  }
  try {
    return await bindPullSecrets(target);
  } catch (error) {
    if (!isKubernetesError(error, 'Forbidden')) throw error;
    // RBAC lets nobody grant what he does not have himself, and says so in several lines.
    const why = `you may not bind ClusterRole ${PULL_SECRETS_ROLE} there`;
    const who =
      'ask a cluster administrator, or for get, create, patch and delete on rolebindings and bind on that role';
    throw new CommandError(3, `${what}: ${why}: ${who}; ${next}`, { cause: error });
  }
}

async function disable(io: CommandIO, target: Target, output: OutputFormat): Promise<ExitCode> {
  const { client, namespace, mode } = target;
  const { labels, isEnding } = await readNamespace(target, 'disable');
  // What is being deleted is applied by nobody.
  if (!isEnding) await reportUnpinning(io, client, namespace, output);
  const label = Object.hasOwn(labels, LABEL) ? 'removed' : 'absent';
  // The label first: from then on the webhook is not asked, and needs no pull secret.
  if (label === 'removed') await setLabel(target, null);
  const pullSecrets = await unbindPullSecrets(target);
  if (output === 'json') {
    writeJson(io.stdout, { namespace, label, pullSecrets, dryRun: mode === 'dry-run' });
    return 0;
  }
  const tried = mode === 'dry-run' ? ' (dry run)' : '';
  writeLine(
    io.stdout,
    `namespace/${namespace} ${label === 'removed' ? 'no longer labelled' : 'was not labelled'} ${LABEL}${tried}`,
  );
  writeLine(io.stdout, `${BINDING} ${pullSecrets === 'deleted' ? 'deleted' : 'was not there'}${tried}`);
  return 0;
}

async function readNamespace({ client, namespace }: Target, verb: string) {
  try {
    const path = namespacePath(namespace, verb);
    const object = await client.request({ method: 'GET', path, representation: 'metadata' });
    const { deletionTimestamp } = object['metadata'] as { readonly deletionTimestamp?: unknown };
    return { labels: labelsOf(object), isEnding: deletionTimestamp !== undefined };
  } catch (error) {
    if (!isKubernetesError(error, 'NotFound')) throw error;
    const next = 'check the name and the --context, or make it with kubectl create namespace';
    throw new CommandError(3, `namespace ${verb}: ${namespace}: there is no such namespace: ${next}`, { cause: error });
  }
}

async function setLabel({ client, namespace, mode }: Target, value: string | null): Promise<void> {
  await client.request({
    method: 'PATCH',
    path: namespacePath(namespace, 'enable'),
    patch: 'merge',
    query: { fieldManager: 'tagpin', ...(mode === 'dry-run' && { dryRun: 'All' }) },
    body: { metadata: { labels: { [LABEL]: value } } },
  });
}

function namespacePath(name: string, verb: string): string {
  try {
    return resourcePath({ group: '', version: 'v1', resource: 'namespaces', name });
  } catch {
    throw new CommandError(2, `namespace ${verb}: ${JSON.stringify(name)}: no namespace has such a name`);
  }
}
