import { describeChange, reportLine } from '../../core/sweep/report.ts';
import { KubernetesError } from '../../kubernetes/request/error.ts';
import { createLog } from '../../platform/log.ts';
import { createMetrics } from '../../platform/metrics.ts';
import { watchSignals } from '../../platform/process/shutdown.ts';
import { runCycle, type SweepReport } from '../../sweeper/cycle.ts';
import { explainKubernetesError } from '../options/cluster-options.ts';
import {
  CommandError,
  type CommandIO,
  type ExitCode,
  type OutputFormat,
  printable,
  writeJson,
  writeLine,
} from '../output.ts';
import { openSweptCluster } from './cluster.ts';
import type { SweepConfiguration } from './settings.ts';

/**
 * Looks once, and prints what came of it: 1 where something failed.
 *
 * @throws CommandError 3 where it could not be tried.
 */
export async function sweepOnce(
  io: CommandIO,
  configuration: SweepConfiguration,
  output: OutputFormat,
): Promise<ExitCode> {
  const shutdown = watchSignals(process, () => performance.now());
  const log = createLog(configuration.logLevel, (lines) => io.stderr.write(lines));
  const cluster = openSweptCluster(io, configuration, { log: quiet(log), metrics: createMetrics() });
  try {
    const signal = shutdown.requested;
    const read = await cluster.readPolicy(signal);
    for (const error of read.errors) writeLine(io.stderr, `tagpin sweep: ${error}`);
    if (!read.ok) {
      throw new CommandError(3, 'sweep: the policy is bad, and none was accepted before: mend it; nothing was written');
    }
    const report = await runCycle(
      cluster.needs,
      {
        policy: read.policy,
        names: configuration.targets,
        purpose: 'sweep',
        mode: configuration.isDryRun ? 'plan' : 'write',
        asked: new Map(),
        hints: [],
      },
      signal,
    );
    print(io, report, output);
    return report.counts.failed > 0 ? 1 : 0;
  } catch (error) {
    if (shutdown.requested.aborted)
      throw new CommandError(3, 'sweep: interrupted: the next sweep finishes what was begun');
    throw error instanceof KubernetesError ? explainKubernetesError(error, 'sweep', 'controller') : error;
  } finally {
    await cluster.close();
    log.flush();
    shutdown.stop();
  }
}

/** What is printed need not be logged as well. */
function quiet(log: ReturnType<typeof createLog>): ReturnType<typeof createLog> {
  return {
    ...log,
    info: () => {},
    warn: (message, facts) => (message === 'change' ? undefined : log.warn(message, facts)),
  };
}

function print(io: CommandIO, { changes, counts, targets, questions }: SweepReport, output: OutputFormat): void {
  for (const change of changes) {
    if (output === 'json') writeJson(io.stdout, reportLine(change));
    else if (change.outcome !== 'unchanged') writeLine(io.stdout, printable(describeChange(change)));
  }
  const came = Object.entries(counts).flatMap(([outcome, count]) => (count === 0 ? [] : [`${count} ${outcome}`]));
  if (output === 'text') {
    writeLine(io.stdout, `${targets} targets, ${questions} questions: ${came.join(', ') || 'nothing to do'}`);
  }
}
