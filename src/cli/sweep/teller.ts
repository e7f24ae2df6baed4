import { hostname } from 'node:os';
import type { Change, TargetKind } from '../../core/sweep/change.ts';
import { changeEvent } from '../../core/sweep/report.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { createEventRecorder } from '../../kubernetes/events.ts';
import type { Log } from '../../platform/log.ts';

/** Tells people what came of a sweep: by a line of the log, and by an Event on the target. */
export interface Teller {
  readonly tell: (change: Change) => void;
  /** Waits for what is being written. */
  close(): Promise<void>;
}

/** An Event is a courtesy: of thousands at once only so many are kept, and the log has them all. */
const EVENTS_PER_SECOND = 20;
const MOST_EVENTS = 1000;
const CLOSING_MILLISECONDS = 10_000;
const LOST_MILLISECONDS = 5000;

const API_VERSIONS: Readonly<Record<TargetKind, string>> = {
  Application: 'argoproj.io/v1alpha1',
  CronJob: 'batch/v1',
  DaemonSet: 'apps/v1',
  Deployment: 'apps/v1',
  OCIRepository: 'source.toolkit.fluxcd.io/v1',
  StatefulSet: 'apps/v1',
};

export function createTeller(client: Pick<KubernetesClient, 'request'>, log: Log): Teller {
  const lost = new Map<string, number>();
  const countLost = (reason: string): void => {
    if (lost.size === 0) setTimeout(tellLost, LOST_MILLISECONDS).unref();
    lost.set(reason, (lost.get(reason) ?? 0) + 1);
  };
  const tellLost = (): void => {
    if (lost.size > 0)
      log.warn('Events were not written, for there were too many or they were refused', Object.fromEntries(lost));
    lost.clear();
  };
  const record = createEventRecorder({
    client,
    controller: 'tagpin.dev/sweeper',
    instance: hostname(),
    observe: ({ event }) => countLost(event.reason),
    // A sweep may have hundreds of news at once, and they are written while it waits for the next.
    perSecond: EVENTS_PER_SECOND,
    mostWaiting: MOST_EVENTS,
    closingMilliseconds: CLOSING_MILLISECONDS,
  });
  return {
    tell(change) {
      const { target, uid, alias, image, from, to, outcome, reason, message } = change;
      const facts = { ...target, alias, image, from, to, outcome, reason, message };
      if (outcome === 'failed') log.warn('change', facts);
      else log.info('change', facts);
      if (uid === '') return;
      const { kind, namespace, name } = target;
      const regarding = { apiVersion: API_VERSIONS[kind], kind, namespace, name, uid };
      record({ regarding, action: 'Sweep', ...changeEvent(change) });
    },
    async close() {
      await record.close();
      tellLost();
    },
  };
}
