import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesClient } from '../../src/kubernetes/client.ts';

/** Requests of an API server that call a webhook, without an end. */
export interface AdmissionLoad {
  /** How many were answered well. */
  readonly done: () => number;
  /** What the others were told, with when (ISO 8601). */
  readonly failures: readonly string[];
  readonly stop: () => Promise<void>;
}

const WORKERS = 4;
/** So that the API server, the webhook and the test share two cores. */
const PAUSE_MILLISECONDS = 20;

/** Creates Deployments as dry runs, several at once, until the test ends. */
export function startAdmissionLoad(
  t: { after(end: () => unknown): void },
  client: Pick<KubernetesClient, 'request'>,
  namespace: string,
): AdmissionLoad {
  const failures: string[] = [];
  let done = 0;
  const ending = new AbortController();
  const labels = { app: 'load' };
  const template = {
    metadata: { labels },
    spec: { containers: [{ name: 'app', image: `x@sha256:${'0'.repeat(64)}` }] },
  };
  const body = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { generateName: 'load-' },
    spec: { selector: { matchLabels: labels }, template },
  };
  async function work(): Promise<void> {
    while (!ending.signal.aborted) {
      try {
        const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
        await client.request({ method: 'POST', path, query: { dryRun: 'All' }, body });
        done += 1;
      } catch (error) {
        failures.push(`${new Date().toISOString()} ${String(error)}`);
      }
      await sleep(PAUSE_MILLISECONDS);
    }
  }
  const workers = Array.from({ length: WORKERS }, work);
  const stop = async (): Promise<void> => {
    ending.abort();
    await Promise.all(workers);
  };
  t.after(stop);
  return { done: () => done, failures, stop };
}
