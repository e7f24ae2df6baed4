import { hostname } from 'node:os';
import type { Policy } from '../../core/policy/schema.ts';
import { startElector } from '../../kubernetes/lease.ts';
import { createLog, describeError } from '../../platform/log.ts';
import { createMetrics } from '../../platform/metrics.ts';
import { type OperationsServer, startOperations } from '../../platform/operations.ts';
import { watchDefects } from '../../platform/process/defects.ts';
import { watchSignals } from '../../platform/process/shutdown.ts';
import { runCycle } from '../../sweeper/cycle.ts';
import { createLoop } from '../../sweeper/loop.ts';
import { createSweepMetrics } from '../../sweeper/metrics.ts';
import { type Pace, paceAfter } from '../../sweeper/pace.ts';
import type { ReceiverServer } from '../../sweeper/receivers.ts';
import type { CommandIO, ExitCode } from '../output.ts';
import { openSweptCluster } from './cluster.ts';
import { electionLog } from './election-log.ts';
import { listenOrExplain } from './listening.ts';
import { openReceivers } from './receivers.ts';
import type { LoopMode, SweepConfiguration } from './settings.ts';

/** The Lease by which one of several replicas leads. */
const LEASE = 'tagpin-sweeper';

/**
 * Sweeps until the process is asked to end, as the one of several replicas that leads.
 *
 * @throws CommandError 3 where nothing says which cluster, or an address can't be had.
 */
export async function sweepForEver(
  io: CommandIO,
  configuration: SweepConfiguration,
  mode: LoopMode,
): Promise<ExitCode> {
  const shutdown = watchSignals(process, () => performance.now());
  const log = createLog(configuration.logLevel, (lines) => io.stdout.write(lines));
  const defect = watchDefects(log);
  const end = AbortSignal.any([shutdown.requested, defect.signal]);
  const metrics = createMetrics();
  const sweepMetrics = createSweepMetrics(metrics);
  const ends: (() => Promise<void>)[] = [];
  try {
    const cluster = openSweptCluster(io, configuration, { log, metrics });
    ends.push(() => cluster.close());
    log.info('cluster', { server: cluster.client.server, namespace: cluster.ownNamespace });

    let policy: Policy | null = null;
    let problem: string | null = 'not read yet';
    const asked = new Map<string, number>();
    const readPolicy = async (signal: AbortSignal): Promise<Policy> => {
      const read = await cluster.readPolicy(signal);
      for (const error of read.errors) log.error('policy refused', { error });
      problem = read.ok ? null : 'the ConfigMap of the policy is not valid, and no policy was accepted before it';
      policy = read.ok ? read.policy : null;
      if (policy === null) throw new Error('there is no good policy: nothing is written');
      return policy;
    };
    let pace: Pace = { names: null, wait: 0 };
    let due = 0;
    const loop = createLoop({
      async cycle(hints, signal) {
        const began = performance.now();
        const current = await readPolicy(signal);
        // Whoever heard of something looks at everything that may follow it.
        const rolling = hints.length === 0 && began < due ? pace.names : null;
        pace = { names: null, wait: 0 };
        const options = {
          policy: current,
          names: rolling ?? configuration.targets,
          purpose: rolling === null ? 'sweep' : 'rollouts',
          mode: configuration.isDryRun ? 'plan' : 'write',
          asked,
          hints,
        } as const;
        const { changes, counts, targets, questions } = await runCycle(cluster.needs, options, signal);
        const seconds = (performance.now() - began) / 1000;
        if (rolling === null) {
          sweepMetrics.swept({ changes, seconds, at: Date.now() });
          due = performance.now() + (configuration.interval ?? current.sweep.interval);
        } else sweepMetrics.lookedAfter(changes);
        log.info(rolling === null ? 'swept' : 'looked after rollouts', {
          targets,
          questions,
          hints: hints.length,
          seconds: Number(seconds.toFixed(3)),
          ...counts,
        });
        if (configuration.isDryRun) {
          for (const change of changes) if (change.outcome === 'planned') log.info('change', { ...change });
        }
        if (configuration.isDryRun) return due - performance.now();
        pace = paceAfter(changes, due - performance.now());
        return pace.wait;
      },
      failed(error, waitMilliseconds) {
        sweepMetrics.failed();
        log.warn('a sweep failed, trying again', { seconds: waitMilliseconds / 1000, error: describeError(error) });
      },
    });

    const operations: OperationsServer = await listenOrExplain('operations-listen', mode.operationsListen, (listen) =>
      startOperations({
        listen,
        metrics,
        checks: [
          { name: 'policy', problem: () => problem },
          { name: 'shutdown', problem: () => (shutdown.requested.aborted ? 'under way' : null) },
        ],
      }),
    );
    ends.push(() => operations.close());
    log.info('listening', { server: 'operations', address: operations.address });
    const { receiversListen } = mode;
    if (receiversListen !== null) {
      const receivers: ReceiverServer = await listenOrExplain('receivers-listen', receiversListen, (listen) =>
        openReceivers({
          listen,
          cluster,
          receivers: () => policy?.sweep.receivers ?? [],
          hint: (hint) => loop.hint(hint),
          log,
          metrics,
        }),
      );
      ends.push(() => receivers.close());
      log.info('listening', { server: 'receivers', address: receivers.address });
    }

    // Whoever waits for its turn says whether it could work.
    void readPolicy(end).catch((error: unknown) => {
      if (!end.aborted) log.warn('the policy could not be read yet', { error: describeError(error) });
    });
    const elector = startElector({
      client: cluster.client,
      namespace: cluster.ownNamespace,
      name: LEASE,
      candidate: hostname(),
      async lead(signal) {
        sweepMetrics.leads(true);
        await loop.run(signal).finally(() => sweepMetrics.leads(false));
      },
      observe: electionLog(log),
    });
    ends.push(() => elector.stop());
    await aborted(end);
    log.info('shutting down', { reason: String(shutdown.requested.reason ?? 'defect') });
  } finally {
    for (const stop of ends.toReversed()) await stop();
    log.info('stopped');
    log.flush();
    defect.stop();
    shutdown.stop();
  }
  return defect.signal.aborted ? 3 : 0;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((done) => {
    signal.addEventListener('abort', () => done(), { once: true });
  });
}
