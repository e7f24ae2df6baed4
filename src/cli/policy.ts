import { Command, InvalidArgumentError } from 'commander';
import { parseReference } from '../core/image/reference.ts';
import { explainDecision } from '../core/policy/decide.ts';
import type { Policy } from '../core/policy/schema.ts';
import { entriesFor } from '../core/signature/entries.ts';
import { WORKLOAD_KINDS, type WorkloadKind } from '../core/workload/kinds.ts';
import { namespaceStanding } from '../core/workload/opt-in.ts';
import { readNamespace } from './namespace/opted-in.ts';
import { type ClusterOptions, clusterOptions, openCluster } from './options/cluster-options.ts';
import {
  CommandError,
  type CommandIO,
  type ExitCode,
  highest,
  type OutputFormat,
  table,
  writeJson,
  writeLine,
} from './output.ts';
import { checkFile, policyErrorText, policyWarningText, readPolicy } from './policy/policy-file.ts';
import { OWN_NAMESPACE, readClusterPolicy } from './policy/policy-in-force.ts';
import { type FinishCommand, imageArgument, outputOption } from './program.ts';

interface CheckOptions {
  readonly strict?: true;
  readonly output: OutputFormat;
}

interface ExplainOptions extends ClusterOptions {
  readonly policy?: string;
  readonly kind: WorkloadKind;
  readonly namespaceLabel: Readonly<Record<string, string>>;
  readonly output: OutputFormat;
}

/** By what images are explained. */
interface ExplainFacts {
  readonly policy: Policy;
  readonly namespace: string;
  readonly namespaceLabels: Readonly<Record<string, string>>;
  readonly kind: WorkloadKind;
}

/** `tagpin policy check FILE` and `tagpin policy explain IMAGE…`. */
export function policyCommand(io: CommandIO, finish: FinishCommand): Command {
  return new Command('policy')
    .description('checks a policy, and says what it decides')
    .helpCommand(false)
    .addCommand(
      new Command('check')
        .description('is a policy valid? The file is a TagPolicy, or the ConfigMap that holds one')
        .argument('<file>', 'the file, or - for standard input')
        .option('--strict', 'exit 1 also where there are only warnings: what is valid, and can never act')
        .addOption(outputOption())
        .addHelpText(
          'after',
          '\nExample:\n  tagpin policy check policy.yaml\n  tagpin policy check --strict policy.yaml',
        )
        .action((file: string, options: CheckOptions) => finish(check(io, file, options))),
    )
    .addCommand(
      clusterOptions(
        new Command('explain')
          .description('which rule decides about an image, and why; which signatures it needs')
          .addArgument(imageArgument())
          .option('--policy <file>', "instead of the cluster's policy: a file, or - for standard input")
          .option('-n, --namespace <name>', 'the namespace of the workload; without, that of the context, or default')
          .option('--kind <kind>', 'the kind of the workload', parseKind, 'Deployment')
          .option(
            '--namespace-label <key=value>',
            'with --policy: a label of the namespace (repeatable)',
            addLabel,
            {},
          ),
      )
        .addOption(outputOption())
        .addHelpText('after', EXPLAIN_HELP)
        .action((images: string[], options: ExplainOptions) => finish(explain(io, images, options))),
    );
}

const EXPLAIN_HELP = `
Without --policy the cluster is asked for its policy and for the labels of the namespace. The verify entries that are named
speak of the image: each of them has to hold, whatever the rule says; tagpin verify tells whether they do.

Example:
  tagpin policy explain -n shop ghcr.io/acme/app:1.2
  tagpin policy explain --policy policy.yaml -n shop --namespace-label env=production ghcr.io/acme/app:1.2`;

async function check(io: CommandIO, file: string, { strict, output }: CheckOptions): Promise<ExitCode> {
  const { parsed, warnings } = await checkFile(io, file);
  const errors = parsed.ok ? [] : parsed.errors;
  if (output === 'json') writeJson(io.stdout, { file, valid: parsed.ok, errors, warnings });
  else {
    if (parsed.ok) writeLine(io.stdout, `${file}: valid`);
    for (const error of errors) writeLine(io.stdout, policyErrorText(file, error));
    for (const warning of warnings) writeLine(io.stdout, policyWarningText(file, warning));
  }
  return parsed.ok && (strict !== true || warnings.length === 0) ? 0 : 1;
}

async function explain(io: CommandIO, images: readonly string[], options: ExplainOptions): Promise<ExitCode> {
  const facts =
    options.policy === undefined ? await readCluster(io, options) : await readFile(io, options.policy, options);
  const explanations = images.map((image) => explainImage(image, facts));
  if (options.output === 'json') {
    for (const explanation of explanations) writeJson(io.stdout, explanation);
  } else {
    const explained = explanations.flatMap((explanation) => ('error' in explanation ? [] : [explanation]));
    // Most policies have no such entries.
    const isVerified = explained.some(({ verify }) => verify.length > 0);
    const rows = explained.map(({ image, action, rule, verify, reason }) => [
      image,
      action,
      rule ?? '-',
      ...(isVerified ? [verify.map(entryText).join(', ') || '-'] : []),
      reason,
    ]);
    const titles = ['IMAGE', 'ACTION', 'RULE', ...(isVerified ? ['VERIFY'] : []), 'REASON'];
    if (rows.length > 0) writeLine(io.stdout, table(titles, rows));
    for (const explanation of explanations) {
      if ('error' in explanation) {
        writeLine(
          io.stderr,
          `tagpin policy explain: ${JSON.stringify(explanation.image)}: ${explanation.error.message}`,
        );
      }
    }
  }
  return highest(explanations.map((explanation) => ('error' in explanation ? 1 : 0)));
}

async function readFile(io: CommandIO, file: string, options: ExplainOptions): Promise<ExplainFacts> {
  const { namespace = 'default', namespaceLabel: namespaceLabels, kind } = options;
  return { policy: await readPolicy(io, file), namespace, namespaceLabels, kind };
}

async function readCluster(io: CommandIO, options: ExplainOptions): Promise<ExplainFacts> {
  const what = 'policy explain';
  if (Object.keys(options.namespaceLabel).length > 0) {
    throw new CommandError(2, `${what}: --namespace-label goes with --policy: a cluster tells the labels itself`);
  }
  const { client, namespace } = openCluster(io, options, what);
  const notice = (text: string): void => writeLine(io.stderr, `tagpin: ${what}: ${text}`);
  try {
    const { policy, notices } = await readClusterPolicy(client, what);
    for (const each of notices) notice(each);
    const found = await readNamespace(client, namespace, what);
    if (found === 'forbidden')
      notice(`the labels of namespace ${namespace} may not be read: rules by them may decide otherwise`);
    const labels = found === 'forbidden' ? {} : found.labels;
    if (found !== 'forbidden' && namespaceStanding(namespace, labels, OWN_NAMESPACE) !== 'opted in') {
      notice(`namespace ${namespace} has not opted in, so the webhook does not look there`);
    }
    return { policy, namespace, namespaceLabels: labels, kind: options.kind };
  } finally {
    await client.close();
  }
}

function explainImage(image: string, { policy, namespace, namespaceLabels, kind }: ExplainFacts) {
  const parsed = parseReference(image);
  if (!parsed.ok) return { image, error: { code: 'InvalidReference', message: parsed.problem } } as const;
  const { reference } = parsed;
  const { action, rule, reason } = explainDecision(policy, { namespace, namespaceLabels, kinds: [kind], reference });
  const verify = entriesFor(policy.verify, reference).map((entry) => ({ name: entry.name, action: entry.action }));
  return { image, action, rule, reason, verify } as const;
}

/** `ours`, and `mild (warn)` for one that denies nothing. */
function entryText({ name, action }: { readonly name: string; readonly action: 'deny' | 'warn' }): string {
  return action === 'deny' ? name : `${name} (warn)`;
}

function parseKind(text: string): WorkloadKind {
  const kind = WORKLOAD_KINDS.find((known) => known.toLowerCase() === text.toLowerCase());
  if (kind === undefined) throw new InvalidArgumentError(`Known kinds are ${WORKLOAD_KINDS.join(', ')}.`);
  return kind;
}

function addLabel(text: string, labels: Readonly<Record<string, string>>): Record<string, string> {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('Write KEY=VALUE.');
  return { ...labels, [text.slice(0, equals)]: text.slice(equals + 1) };
}
