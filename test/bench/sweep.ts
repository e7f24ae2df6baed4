import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { installArgoCdResources } from '../support/custom-resources.ts';
import { startRegistry } from '../support/registry.ts';
import { createFleet, FLEET_NAMESPACE } from './fleet.ts';
import { buildProgram } from './subjects.ts';
import { prepare, pushImages, type SweepFigures, sweepOnce } from './sweep-once.ts';

/** How much is swept, and who hears how far it is. */
export interface SweepRuns {
  readonly applications: number;
  /** How many come then. */
  readonly further: number;
  readonly images: number;
  readonly say: (line: string) => void;
}

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
    assert.equal(await installArgoCdResources(plane), null);
    await prepare(plane, registry, FLEET_NAMESPACE);
    let followed = pushImages(registry, images);
    const place = { program, plane, registry, say };
    const measure = async (): Promise<Readonly<Record<string, SweepFigures>>> => {
      const first = await sweepOnce(place, 'the first time');
      const nothingMoved = await sweepOnce(place, 'nothing moved');
      followed = pushImages(registry, images);
      return { first, nothingMoved, allMoved: await sweepOnce(place, 'all images moved') };
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
