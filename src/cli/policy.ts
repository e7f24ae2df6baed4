import { Command, InvalidArgumentError } from 'commander';
import { parseReference } from '../core/image/reference.ts';
import { explainDecision } from '../core/policy/decide.ts';
import type { Policy } from '../core/policy/schema.ts';
import { WORKLOAD_KINDS, type WorkloadKind } from '../core/workload/kinds.ts';
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
import { policyErrorText, readPolicy, readPolicyFile } from './policy-file.ts';
import { type FinishCommand, imageArgument, outputOption } from './program.ts';

interface ExplainOptions {
  readonly policy?: string;
  readonly namespace: string;
  readonly kind: WorkloadKind;
  readonly namespaceLabel: Readonly<Record<string, string>>;
  readonly output: OutputFormat;
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
        .addOption(outputOption())
        .addHelpText('after', '\nExample:\n  tagpin policy check policy.yaml')
        .action((file: string, options: { output: OutputFormat }) => finish(check(io, file, options.output))),
    )
    .addCommand(
      new Command('explain')
        .description('which rule decides about an image, and why')
        .addArgument(imageArgument())
        .option('--policy <file>', 'the policy, or - for standard input')
        .option('-n, --namespace <name>', 'the namespace of the workload', 'default')
        .option('--kind <kind>', 'the kind of the workload', parseKind, 'Deployment')
        .option('--namespace-label <key=value>', 'a label of the namespace (repeatable)', addLabel, {})
        .addOption(outputOption())
        .addHelpText('after', '\nExample:\n  tagpin policy explain --policy policy.yaml -n shop ghcr.io/acme/app:1.2')
        .action((images: string[], options: ExplainOptions) => finish(explain(io, images, options))),
    );
}

async function check(io: CommandIO, file: string, output: OutputFormat): Promise<ExitCode> {
  const parsed = await readPolicyFile(io, file);
  const errors = parsed.ok ? [] : parsed.errors;
  if (output === 'json') writeJson(io.stdout, { file, valid: parsed.ok, errors });
  else if (parsed.ok) writeLine(io.stdout, `${file}: valid`);
  else for (const error of errors) writeLine(io.stdout, policyErrorText(file, error));
  return parsed.ok ? 0 : 1;
}

async function explain(io: CommandIO, images: readonly string[], options: ExplainOptions): Promise<ExitCode> {
  if (options.policy === undefined) {
    throw new CommandError(
      3,
      'policy explain: this version cannot ask a cluster for its policy: name it with --policy FILE',
    );
  }
  const policy = await readPolicy(io, options.policy);
  const explanations = images.map((image) => explainImage(policy, image, options));
  if (options.output === 'json') {
    for (const explanation of explanations) writeJson(io.stdout, explanation);
  } else {
    const rows = explanations.flatMap((explanation) =>
      'error' in explanation
        ? []
        : [[explanation.image, explanation.action, explanation.rule ?? '-', explanation.reason]],
    );
    if (rows.length > 0) writeLine(io.stdout, table(['IMAGE', 'ACTION', 'RULE', 'REASON'], rows));
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

function explainImage(policy: Policy, image: string, { namespace, namespaceLabel, kind }: ExplainOptions) {
  const parsed = parseReference(image);
  if (!parsed.ok) return { image, error: { code: 'InvalidReference', message: parsed.problem } } as const;
  const { reference } = parsed;
  const { action, rule, reason } = explainDecision(policy, {
    namespace,
    namespaceLabels: namespaceLabel,
    kinds: [kind],
    reference,
  });
  return { image, action, rule, reason } as const;
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
