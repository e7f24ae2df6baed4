import { Command, InvalidArgumentError, Option } from 'commander';
import { collectNamespace } from '../audit/collect.ts';
import { workloadKey } from '../core/audit/application.ts';
import { AUDIT_STATES, type AuditState } from '../core/audit/finding.ts';
import type { InertObject } from '../core/audit/inert.ts';
import { newestFirst, type RevisionRow, readRevision } from '../core/audit/revision.ts';
import { type AuditRow, auditRows } from '../core/audit/row.ts';
import { POLICY_CONFIG_MAP } from '../core/policy/manifest.ts';
import { DEFAULT_POLICY, type Policy } from '../core/policy/schema.ts';
import { valueAt } from '../core/workload/json.ts';
import { namespaceStanding } from '../core/workload/opt-in.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { isKubernetesError } from '../kubernetes/request/error.ts';
import { type ListedKind, listWorkloads } from '../kubernetes/workloads.ts';
import { findFlappingWorkloads } from './audit/argo-cd.ts';
import { askFollowed, openInertThings } from './audit/inert.ts';
import { type AuditProblems, createAuditProblems } from './audit/problems.ts';
import { askNothing, askRegistries, type RegistryFacts } from './audit/registries.ts';
import { AUDIT_FORMATS, type AuditFormat, auditPrinter, revisionPrinter } from './audit/report.ts';
import { listOptedIn, type NamespaceFacts, readNamespace } from './namespace/opted-in.ts';
import { allNamespacesOption, type ClusterOptions, clusterOptions, openCluster } from './options/cluster-options.ts';
import { openRegistries, type RegistryOptions, registryOptions } from './options/registry-options.ts';
import { CommandError, type CommandIO, type ExitCode } from './output.ts';
import { readPolicy } from './policy/policy-file.ts';
import { OWN_NAMESPACE, readClusterPolicy } from './policy/policy-in-force.ts';
import type { FinishCommand } from './program.ts';

interface AuditOptions extends ClusterOptions, RegistryOptions {
  readonly output: AuditFormat;
  readonly failOn?: readonly AuditState[];
  readonly registry?: true;
  readonly revisions?: true;
  readonly chunkSize: number;
}

/** `tagpin audit`: what was asked for, what it is pinned to, what runs. */
export function auditCommand(io: CommandIO, finish: FinishCommand): Command {
  const command = new Command('audit')
    .description('every workload and Pod of the opted-in namespaces: asked for, pinned to, running')
    .option('-n, --namespace <name>', 'this namespace alone')
    .addOption(allNamespacesOption())
    .addOption(new Option('-o, --output <format>', 'how to print').choices(AUDIT_FORMATS).default('table'))
    .addOption(
      new Option('--fail-on <state,...>', `exit 1 where an image is in one of: ${AUDIT_STATES.join(', ')}`)
        .argParser(readStates)
        .conflicts('revisions'),
    )
    .addOption(new Option('--registry', 'ask the registries what tags mean now').conflicts('revisions'))
    .option('--revisions', 'what ran: ReplicaSets, ControllerRevisions and Jobs, the newest first')
    .addOption(
      new Option('--chunk-size <number>', 'how many objects are asked for at a time')
        .argParser(readChunkSize)
        .default(500),
    );
  return clusterOptions(registryOptions(command))
    .addHelpText('after', HELP)
    .action((options: AuditOptions) => finish(audit(io, options)));
}

const HELP = `
Without --registry no registry is asked. Credentials are those of the Docker configuration. --policy FILE is used instead of the
cluster's policy. What can not be read is said on stderr, everything else is answered, and the exit code is 3.

States: pinned, floating (it has no digest), behind (its tag means another digest by now), skipped (it floats since somebody said
so), unresolved (malformed, or the registry gave no digest), drifted (its Pods run another digest), split (one reference, two
digests in a namespace), flapping (an Argo CD Application without server-side diff puts the tag back). Besides images there are
rows of what is inert: an annotation, a rule of the policy or the like that is configured and can't act, also in namespaces that have
not opted in.

Example:
  tagpin audit
  tagpin audit -n shop --registry --fail-on floating,drifted
  kubectl tagpin audit --revisions -n shop -o json`;

/** What all of a run share. */
interface AuditRun {
  readonly io: CommandIO;
  readonly options: AuditOptions;
  readonly client: KubernetesClient;
  readonly problems: AuditProblems;
}

async function audit(io: CommandIO, options: AuditOptions): Promise<ExitCode> {
  const { client } = openCluster(io, options, 'audit');
  try {
    const run: AuditRun = { io, options, client, problems: createAuditProblems(io) };
    const namespaces = await chooseNamespaces(run);
    await (options.revisions === true ? printRevisions(run, namespaces) : printAudit(run, namespaces));
    return run.problems.exitCode();
  } finally {
    await client.close();
  }
}

async function chooseNamespaces({ client, options, problems }: AuditRun): Promise<readonly NamespaceFacts[]> {
  const { namespace: name } = options;
  if (name === undefined) {
    const all = await listOptedIn(client, 'audit');
    if (all.length === 0) problems.notice('no namespace has opted in: tagpin namespace enable NAME');
    return all;
  }
  const found = await readNamespace(client, name, 'audit');
  if (found === 'forbidden') {
    problems.failed(`namespace ${name} may not be read, so whether it has opted in is not known: ask for a role`);
    return [{ name, labels: {} }];
  }
  switch (namespaceStanding(name, found.labels, OWN_NAMESPACE)) {
    case 'opted in':
      return [found];
    case 'left out':
      problems.notice(
        `namespace ${name} has the label of those that opt in, and is left out always: nothing there is pinned`,
      );
      break;
    case 'not opted in':
      problems.notice(`namespace ${name} has not opted in, nothing there is pinned: tagpin namespace enable ${name}`);
  }
  // A gate that looks at nothing must not be green.
  if (options.failOn !== undefined) problems.no();
  return [];
}

async function printAudit(run: AuditRun, namespaces: readonly NamespaceFacts[]): Promise<void> {
  const { io, options, client, problems } = run;
  const { policy, object: policyObject } = await choosePolicy(run);
  const printer = auditPrinter(io.stdout, options.output);
  const registries = options.registry === true ? openRegistries(io, policy, options) : null;
  const print = (rows: readonly AuditRow[]): void => {
    if (rows.some((row) => isIn(row, options.failOn ?? []))) problems.no();
    printer.print(rows);
  };
  const known: RegistryFacts = registries === null ? askNothing() : askRegistries(io, registries);
  try {
    const { namespace: only, chunkSize: pageSize } = options;
    const things = await openInertThings({ client, problems, policy, policyObject, namespace: only, pageSize });
    const seen = {
      missed: () => things.missed(),
      sawApplication: (object: unknown) => {
        const isHere = only === undefined || valueAt(object, ['metadata', 'namespace']) === only;
        if (isHere) things.sawApplication(object);
      },
    };
    const applications = await findFlappingWorkloads(client, pageSize, problems, seen);
    for (const { name: namespace, labels } of namespaces) {
      const facts = { policy, namespace, namespaceLabels: labels };
      const slots = await problems.inNamespace(namespace, (failed) =>
        collectNamespace(
          {
            list: (kind) => pages(run, kind, namespace),
            failed: (kind, error) => {
              things.missed();
              failed(kind, error);
            },
            saw: (kind, object) => things.sawWorkload(kind, object),
          },
          facts,
        ),
      );
      things.sawImages(namespace, slots);
      const answers = await known(slots);
      print(
        auditRows(slots, {
          namespace,
          ...answers,
          application: (kind, name) => applications.get(workloadKey(namespace, kind, name)) ?? null,
        }),
      );
    }
    if (registries !== null) await things.askFor(askFollowed(registries));
    print(things.rows());
    printer.end();
  } finally {
    await registries?.close();
  }
}

async function printRevisions(run: AuditRun, namespaces: readonly NamespaceFacts[]): Promise<void> {
  const { io, options, problems } = run;
  const rows: RevisionRow[] = [];
  for (const { name: namespace } of namespaces) {
    await problems.inNamespace(namespace, async (failed) => {
      const found: RevisionRow[] = [];
      for (const kind of ['ReplicaSet', 'ControllerRevision', 'Job'] as const) {
        try {
          for await (const page of pages(run, kind, namespace)) {
            for (const object of page) found.push(...readRevision(kind, object));
          }
        } catch (error) {
          failed(kind, error);
        }
      }
      rows.push(...found);
    });
  }
  const printer = revisionPrinter(io.stdout, options.output);
  printer.print(newestFirst(rows));
  printer.end();
}

function pages({ client, options }: AuditRun, kind: ListedKind, namespace: string) {
  return listWorkloads(client, kind, namespace, options.chunkSize);
}

/** The policy, and the object that holds it; null where there is none, or it may not be read. */
interface ChosenPolicy {
  readonly policy: Policy;
  readonly object: InertObject | null;
}

async function choosePolicy({ io, options, client, problems }: AuditRun): Promise<ChosenPolicy> {
  if (options.policy !== undefined) {
    const object = { namespace: '', kind: 'TagPolicy', name: options.policy };
    return { policy: await readPolicy(io, options.policy), object };
  }
  try {
    const { policy, notices } = await readClusterPolicy(client, 'audit');
    for (const notice of notices) problems.notice(notice);
    return { policy, object: { namespace: OWN_NAMESPACE, kind: 'ConfigMap', name: POLICY_CONFIG_MAP } };
  } catch (error) {
    if (!(error instanceof CommandError) || !isKubernetesError(error.cause, 'Forbidden')) throw error;
    const instead = 'what its rules skip is shown as floating: use --policy FILE, or ask for a role';
    problems.notice(`the policy in ${OWN_NAMESPACE} may not be read, so ${instead}`);
    return { policy: DEFAULT_POLICY, object: null };
  }
}

function isIn({ state, findings }: AuditRow, states: readonly AuditState[]): boolean {
  return (
    states.includes(state) || findings.some((finding) => finding.state !== 'pinned' && states.includes(finding.state))
  );
}

function readStates(text: string, before: readonly AuditState[] = []): readonly AuditState[] {
  const states = text.split(',').map((word) => {
    const state = AUDIT_STATES.find((known) => known === word.trim());
    if (state === undefined) throw new InvalidArgumentError(`States are ${AUDIT_STATES.join(', ')}.`);
    return state;
  });
  return [...before, ...states];
}

function readChunkSize(text: string): number {
  const size = Number(text);
  if (!/^[0-9]+$/.test(text) || size < 1 || size > LARGEST_CHUNK) {
    throw new InvalidArgumentError(`It is between 1 and ${LARGEST_CHUNK}.`);
  }
  return size;
}

const LARGEST_CHUNK = 5000;
