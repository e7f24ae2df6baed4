import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlane } from '../environment/control-plane.ts';
import { type FinishedProcess, startProcess } from '../support/process.ts';
import type { TestRegistry } from '../support/registry.ts';
import { policyFor } from '../support/webhook-process.ts';
import { cpuSeconds, residentMegabytes } from './measure.ts';

/** What one `tagpin sweep --once`, a process of its own, asked, wrote and needed. */
export interface SweepFigures {
  /** Of the whole process, from its start to its end; the rest after the report is for Events. */
  readonly seconds: number;
  readonly secondsToReport: number;
  readonly cpuSeconds: number;
  readonly highestMegabytes: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Requests to the registry by method. */
  readonly registryRequests: Readonly<Record<string, number>>;
  /** Requests to the API server by verb and resource. */
  readonly apiRequests: Readonly<Record<string, number>>;
}

/** Where a sweep is run, and what is counted there. */
export interface SweepPlace {
  /** The program as the image has it. */
  readonly program: readonly string[];
  readonly plane: ControlPlane;
  readonly registry: TestRegistry;
  readonly say: (line: string) => void;
}

const USER = 'bench-sweeper';
const WATCH_MILLISECONDS = 20;

/** Makes tagpin's own namespace and one more, and a policy that knows the registry. */
export async function prepare(plane: ControlPlane, registry: TestRegistry, namespace: string): Promise<void> {
  for (const name of ['tagpin-system', namespace]) {
    await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  await plane.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'tagpin-policy', namespace: 'tagpin-system' },
    data: { 'policy.yaml': policyFor(registry.host, `sweep:\n  applicationNamespaces: ["${namespace}"]\n`) },
  });
}

/** An image that is followed by digest. */
export interface FollowedImage {
  /** `HOST/REPOSITORY`. */
  readonly repository: string;
  readonly tag: string;
  /** What the tag means now. */
  readonly digest: string;
}

/** Pushes so many images anew: their tag means another digest then. */
export function pushImages(registry: TestRegistry, count: number): readonly FollowedImage[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `acme/image-${index}`;
    return { repository: `${registry.host}/${name}`, tag: 'main', digest: registry.pushImage(name, 'main') };
  });
}

/** Sweeps once, and says what that took. */
export async function sweepOnce({ program, plane, registry, say }: SweepPlace, what: string): Promise<SweepFigures> {
  say(`sweeping: ${what}`);
  const kubeconfig = await plane.kubeconfigFor(USER, ['system:masters']);
  registry.clearRequests();
  const earlier = (await requestsOf(plane)).length;
  const began = performance.now();
  const child = startProcess(
    process.execPath,
    [...program, 'sweep', '--once', '-o', 'json', '--kubeconfig', kubeconfig],
    {
      environment: { HOME: '/nonexistent', PATH: process.env['PATH'] },
    },
  );
  const highest = { megabytes: 0, cpuSeconds: 0 };
  let reportedAt: number | null = null;
  let ended: FinishedProcess | null = null;
  while (ended === null) {
    look(child.pid, highest);
    if (reportedAt === null && child.output() !== '') reportedAt = performance.now();
    ended = await Promise.race([child.finished, sleep(WATCH_MILLISECONDS, null)]);
  }
  const { code, stdout, stderr } = ended;
  const seconds = (performance.now() - began) / 1000;
  assert.equal(code, 0, stderr);
  const outcomes = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly outcome: string; readonly reason: string })
    .map(({ outcome, reason }) => `${outcome} ${reason}`);
  const figures = {
    seconds,
    secondsToReport: ((reportedAt ?? Number.NaN) - began) / 1000,
    cpuSeconds: highest.cpuSeconds,
    highestMegabytes: highest.megabytes,
    outcomes: counted(outcomes),
    registryRequests: counted(registry.requests.map(({ method }) => method)),
    apiRequests: counted((await requestsOf(plane)).slice(earlier)),
  };
  say(JSON.stringify(figures));
  return figures;
}

/** A process that ends leaves nothing to read: the last look counts. */
function look(pid: number, highest: { megabytes: number; cpuSeconds: number }): void {
  try {
    const megabytes = residentMegabytes(pid).highest;
    if (Number.isFinite(megabytes)) highest.megabytes = megabytes;
    highest.cpuSeconds = Math.max(highest.cpuSeconds, cpuSeconds(pid));
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

async function requestsOf(plane: ControlPlane): Promise<readonly string[]> {
  const events = (await plane.auditEvents()).filter(({ user }) => user.username === USER);
  return events.map(({ verb, objectRef }) => `${verb} ${objectRef?.resource ?? ''}`);
}

function counted(names: readonly string[]): Readonly<Record<string, number>> {
  const groups = [...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length] as const);
  return Object.fromEntries(groups.toSorted(([one], [other]) => one.localeCompare(other)));
}
