import { Command, Option } from 'commander';
import { shortDigest } from '../core/image/digest.ts';
import type { WorkloadKind } from '../core/workload/kinds.ts';
import { namespaceStanding } from '../core/workload/opt-in.ts';
import { compareRefreshed, type RefreshedSlot, readRefreshAnswer, tellsOfFailure } from '../core/workload/refreshed.ts';
import { imageSlots, readSlot } from '../core/workload/slots.ts';
import { controllerOf } from '../core/workload/standing.ts';
import { parseRefresh, REFRESH_ANNOTATION } from '../core/workload/targets.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { isKubernetesError } from '../kubernetes/request/error.ts';
import { readResourceWord, workloadPath } from '../kubernetes/workloads.ts';
import { readNamespace } from './namespace/opted-in.ts';
import {
  type ClusterOptions,
  clusterOptions,
  explainKubernetesError,
  namespaceOption,
  openCluster,
} from './options/cluster-options.ts';
import {
  CommandError,
  type CommandIO,
  type ExitCode,
  type OutputFormat,
  printable,
  writeJson,
  writeLine,
} from './output.ts';
import { OWN_NAMESPACE } from './policy/policy-in-force.ts';
import { type FinishCommand, outputOption } from './program.ts';

interface RefreshOptions extends ClusterOptions {
  readonly container?: readonly string[];
  readonly floating?: true;
  readonly output: OutputFormat;
}

/** `tagpin refresh KIND/NAME`: asks for a fresh resolution, and tells the answer. */
export function refreshCommand(io: CommandIO, finish: FinishCommand): Command {
  const command = new Command('refresh')
    .description('asks for a fresh resolution of the images of a workload, and waits for the answer')
    .argument('<kind/name>', 'the workload, as kubectl names it: deploy/shop, statefulset/db')
    .addOption(namespaceOption())
    .option(
      '--container <name>',
      'only this: NAME, volumes/NAME, NAME=sha256:… for an expected digest (repeatable)',
      addNames,
    )
    .addOption(new Option('--floating', 'only what has no digest yet').conflicts('container'));
  return clusterOptions(command)
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
The webhook answers in the same request. Where no webhook sees it, nothing is left behind, and the exit code is 1.

Example:
  tagpin refresh deployment/shop -n shop
  kubectl tagpin refresh deploy/shop --container app
  tagpin refresh sts/db --floating -o json`,
    )
    .action((word: string, options: RefreshOptions) => finish(refresh(io, word, options)));
}

/** One workload of a cluster. */
interface Target {
  readonly client: KubernetesClient;
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
  /** `deployment/shop`, for messages. */
  readonly label: string;
}

async function refresh(io: CommandIO, word: string, options: RefreshOptions): Promise<ExitCode> {
  const { kind, name } = readTarget(word);
  const { client, namespace } = openCluster(io, options, 'refresh');
  try {
    const label = `${kind.toLowerCase()}/${name}`;
    const target = { client, kind, namespace, name, path: pathOf(kind, namespace, name, word), label };
    const before = await reading(target, () => client.request({ method: 'GET', path: target.path }));
    const targets = readTargets(kind, before, options, label);
    const current = compareRefreshed(kind, before, before);
    if (options.floating === true && current.every(({ after }) => after !== null)) {
      writeLine(io.stderr, `tagpin: refresh: ${label}: nothing floats`);
      print(io, target, current, options.output);
      return 0;
    }
    return await ask(io, target, before, targets, options);
  } finally {
    await client.close();
  }
}

async function ask(
  io: CommandIO,
  target: Target,
  before: unknown,
  targets: string,
  options: RefreshOptions,
): Promise<ExitCode> {
  const { client, kind, path, label } = target;
  // Honoured once: another request has to be another text.
  const value = `${targets};${new Date().toISOString()} ${crypto.randomUUID().slice(0, 8)}`;
  const warnings: string[] = [];
  const after = await reading(target, () =>
    client.request({
      method: 'PATCH',
      patch: 'merge',
      path,
      query: { fieldManager: FIELD_MANAGER },
      body: { metadata: { annotations: { [REFRESH_ANNOTATION]: value } } },
      warnings: (texts) => {
        // A request that is sent again brings its warnings again.
        warnings.splice(0, warnings.length, ...texts);
      },
    }),
  );
  for (const text of warnings) writeLine(io.stderr, `Warning: ${printable(text)}`);
  const answer = readRefreshAnswer(after, value);
  if (answer === 'unseen') {
    const why = await explainUnseen(target, after);
    throw new CommandError(1, `refresh: ${label}: no webhook answered: ${why}${await takeOff(target, value)}`);
  }
  const slots = compareRefreshed(kind, before, after);
  print(io, target, slots, options.output);
  const named =
    options.container?.map((word) => word.replace(/=.*$/s, '').replace(/^(?:initC|c)ontainers\//, '')) ?? [];
  const isLeft = slots.some((slot) => named.includes(slot.container) && slot.after === null);
  if (answer === 'honoured' && !isLeft && !tellsOfFailure(warnings)) return 0;
  if (warnings.length === 0) writeLine(io.stderr, `tagpin: refresh: ${label}: not everything was refreshed`);
  return 1;
}

const FIELD_MANAGER = 'tagpin';

function readTarget(word: string): { readonly kind: WorkloadKind; readonly name: string } {
  const [kindWord = '', name = '', ...rest] = word.split('/');
  if (name === '' || rest.length > 0) {
    throw new CommandError(2, `refresh: ${JSON.stringify(word)}: write KIND/NAME, as in deployment/shop`);
  }
  const kind = readResourceWord(kindWord);
  if (kind === null) {
    const kinds =
      'deployment, statefulset, daemonset, cronjob, replicaset, replicationcontroller, podtemplate, job, pod';
    throw new CommandError(2, `refresh: ${JSON.stringify(kindWord)} is no kind with images; there are: ${kinds}`);
  }
  return { kind, name };
}

function addNames(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(',').map((name) => name.trim())];
}

function pathOf(kind: WorkloadKind, namespace: string, name: string, word: string): string {
  try {
    return workloadPath(kind, namespace, name);
  } catch {
    throw new CommandError(
      2,
      `refresh: ${JSON.stringify(word)} in ${JSON.stringify(namespace)}: nothing has such a name`,
    );
  }
}

/** The annotation's TARGETS, which the object must have. */
function readTargets(kind: WorkloadKind, object: unknown, options: RefreshOptions, label: string): string {
  if (options.floating === true) return 'floating';
  if (options.container === undefined) return '*';
  const targets = options.container.join(',');
  const parsed = parseRefresh(`${targets};`, imageSlots(kind, object).map(readSlot));
  const isWhole = options.container.every((word) => !/^(?:\*|floating)$|;/.test(word));
  if (parsed.ok && isWhole) return targets;
  const problem = parsed.ok ? 'it takes names' : parsed.problem;
  throw new CommandError(2, `refresh: ${label}: --container ${JSON.stringify(targets)}: ${problem}`);
}

async function reading<T>({ label, namespace }: Target, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    const what = `refresh: ${label} in ${namespace}`;
    if (isKubernetesError(error, 'Forbidden', 'Invalid') && error.message.includes('denied the request')) {
      throw new CommandError(1, `${what}: ${printable(error.message)}`, { cause: error });
    }
    throw explainKubernetesError(error, what);
  }
}

/** What to check where nobody looked at the annotation. */
async function explainUnseen({ client, kind, namespace, label }: Target, object: unknown): Promise<string> {
  const owner = controllerOf(object);
  if (owner !== null) {
    return `${label} belongs to ${owner.kind}/${owner.name}, which decides about its images: refresh that instead`;
  }
  if (kind === 'Pod') return 'a Pod is pinned when it is made: refresh what makes it, or make it anew';
  const facts = await readNamespace(client, namespace, 'refresh');
  const standing = facts === 'forbidden' ? 'opted in' : namespaceStanding(namespace, facts.labels, OWN_NAMESPACE);
  switch (standing) {
    case 'not opted in':
      return `namespace ${namespace} has not opted in: tagpin namespace enable ${namespace}`;
    case 'left out':
      return `namespace ${namespace} is left out always`;
    case 'opted in':
      return `check MutatingWebhookConfiguration tagpin, the label of namespace ${namespace}, and kubectl -n ${OWN_NAMESPACE} get pods`;
  }
}

/** Takes the annotation off again, if it is still ours; what is to be said where that fails. */
async function takeOff({ client, path }: Target, value: string): Promise<string> {
  const pointer = `/metadata/annotations/${REFRESH_ANNOTATION.replaceAll('/', '~1')}`;
  try {
    await client.request({
      method: 'PATCH',
      patch: 'json',
      path,
      query: { fieldManager: FIELD_MANAGER },
      body: [
        { op: 'test', path: pointer, value },
        { op: 'remove', path: pointer },
      ],
    });
    return '';
  } catch {
    return `; the annotation ${REFRESH_ANNOTATION} could not be taken off again`;
  }
}

function print(io: CommandIO, target: Target, slots: readonly RefreshedSlot[], output: OutputFormat): void {
  const { namespace, kind, name } = target;
  for (const slot of slots) {
    if (output === 'json') writeJson(io.stdout, { namespace, kind, name, ...slot, state: stateOf(slot) });
    else writeLine(io.stdout, printable(`${slot.container}: ${slot.requested ?? slot.image} ${describe(slot)}`));
  }
}

function stateOf({ before, after }: RefreshedSlot): 'floating' | 'unchanged' | 'pinned' {
  if (after === null) return 'floating';
  return before === after ? 'unchanged' : 'pinned';
}

function describe({ before, after }: RefreshedSlot): string {
  if (after === null) return 'floats';
  if (before === null) return `pinned to ${shortDigest(after)}`;
  return before === after ? `still ${shortDigest(after)}` : `${shortDigest(before)} -> ${shortDigest(after)}`;
}
