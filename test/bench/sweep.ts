import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { installArgoCdResources } from '../support/custom-resources.ts';
import { type FinishedProcess, startProcess } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { policyFor } from '../support/webhook-process.ts';
import { createFleet, FLEET_NAMESPACE } from './fleet.ts';
import { cpuSeconds, residentMegabytes } from './measure.ts';
import { buildProgram } from './subjects.ts';

/** How much is swept, and who hears how far it is. */
export interface SweepRuns {
  readonly applications: number;
  /** How many come then. */
  readonly further: number;
  readonly images: number;
  readonly say: (line: string) => void;
}

/** What one `tagpin sweep --once`, a process of its own, asked, wrote and needed. */
interface SweepFigures {
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

const USER = 'bench-sweeper';
const WATCH_MILLISECONDS = 20;

/**
 * Sweeps Applications that follow a few images, in a real control plane: the first time, when nothing moved, and when all
 * images moved; then the same with more of them, for what each 1,000 more cost.
 */
export async function measureSweeps({ applications, further, images, say }: SweepRuns): Promise<object> {
  const ends: (() => Promise<void>)[] = [];
  try {
    say('starting a control plane');
    const folder = await mkdtemp(join(tmpdir(), 'tagpin-bench-'));
    ends.push(() => rm(folder, { recursive: true, force: true }));
    const program = await buildProgram(folder, 'sweeper');
    const registry = await startRegistry();
    ends.push(() => registry.close());
    const plane = await startControlPlane({ after: (end) => ends.push(end) });
    await prepare(plane, registry);
    const kubeconfig = await plane.kubeconfigFor(USER, ['system:masters']);
    const names = Array.from({ length: images }, (_, index) => `acme/image-${index}`);
    const push = () =>
      names.map((name) => ({
        repository: `${registry.host}/${name}`,
        tag: 'main',
        digest: registry.pushImage(name, 'main'),
      }));
    let followed = push();

    const measure = async (): Promise<Readonly<Record<string, SweepFigures>>> => {
      const run = async (what: string): Promise<SweepFigures> => {
        say(`sweeping: ${what}`);
        const figures = await sweepOnce(
          [...program, 'sweep', '--once', '-o', 'json', '--kubeconfig', kubeconfig],
          plane,
          registry,
        );
        say(JSON.stringify(figures));
        return figures;
      };
      const first = await run('the first time');
      const nothingMoved = await run('nothing moved');
      followed = push();
      return { first, nothingMoved, allMoved: await run('all images moved') };
    };

    say(`creating ${applications} Applications`);
    const createSeconds = await createFleet(plane, { from: 0, to: applications, images: followed });
    const before = await measure();
    const bareListSeconds = await listBare(plane);
    say(`creating ${further} more`);
    await createFleet(plane, { from: applications, to: applications + further, images: followed });
    const after = await measure();
    return {
      applications,
      images,
      createSeconds,
      ...before,
      bareListSeconds,
      nothingMovedTimesBareList: (before['nothingMoved']?.seconds ?? Number.NaN) / bareListSeconds,
      [`with${further}More`]: after,
      growthPer1000: {
        nothingMoved: growth(before['nothingMoved'], after['nothingMoved'], further),
        allMoved: growth(before['allMoved'], after['allMoved'], further),
      },
    };
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

async function prepare(plane: ControlPlane, registry: TestRegistry): Promise<void> {
  assert.equal(await installArgoCdResources(plane), null);
  for (const name of ['tagpin-system', FLEET_NAMESPACE]) {
    await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  await plane.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'tagpin-policy', namespace: 'tagpin-system' },
    data: {
      'policy.yaml': policyFor(registry.host, `sweep:\n  applicationNamespaces: ["${FLEET_NAMESPACE}"]\n`),
    },
  });
}

async function sweepOnce(args: readonly string[], plane: ControlPlane, registry: TestRegistry): Promise<SweepFigures> {
  registry.clearRequests();
  const earlier = (await requestsOf(plane)).length;
  const began = performance.now();
  const child = startProcess(process.execPath, args, {
    environment: { HOME: '/nonexistent', PATH: process.env['PATH'] },
  });
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
    .map((line) => (JSON.parse(line) as { readonly outcome: string }).outcome);
  return {
    seconds,
    secondsToReport: ((reportedAt ?? Number.NaN) - began) / 1000,
    cpuSeconds: highest.cpuSeconds,
    highestMegabytes: highest.megabytes,
    outcomes: counted(outcomes),
    registryRequests: counted(registry.requests.map(({ method }) => method)),
    apiRequests: counted((await requestsOf(plane)).slice(earlier)),
  };
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

/** What nobody can do without: read the same pages, one after the other, and parse them. */
async function listBare(plane: ControlPlane): Promise<number> {
  const began = performance.now();
  for (let token = ''; ; ) {
    const query = `limit=100&continue=${encodeURIComponent(token)}`;
    const list = await plane.get(`/apis/argoproj.io/v1alpha1/namespaces/${FLEET_NAMESPACE}/applications?${query}`);
    token = list.metadata.continue ?? '';
    if (token === '') return (performance.now() - began) / 1000;
  }
}

function growth(before: SweepFigures | undefined, after: SweepFigures | undefined, further: number): object {
  assert.ok(before && after);
  const per1000 = (figure: (figures: SweepFigures) => number): number =>
    ((figure(after) - figure(before)) / further) * 1000;
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((all, one) => all + one, 0);
  return {
    seconds: per1000(({ seconds }) => seconds),
    cpuSeconds: per1000((figures) => figures.cpuSeconds),
    megabytes: per1000(({ highestMegabytes }) => highestMegabytes),
    registryRequests: per1000(({ registryRequests }) => sum(registryRequests)),
    apiRequests: per1000(({ apiRequests }) => sum(apiRequests)),
  };
}
