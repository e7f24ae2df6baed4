/**
 * `npm run bench`: `webhook` measures what a review costs beside a bare Node server that parses the same body, what a registry is
 * asked, and how much memory and time the webhook needs; `sweep` what a sweep of thousands of Applications asks, writes and
 * needs, and then the same of thousands of Deployments of which a few follow tags; `workloads` only the latter. `npm run bench -- sweep`
 * measures only that. Figures are ratios of runs that take turns or counts, since machines are
 * noisy; none is asserted. `-- --output json` prints the same as one JSON object, `-- --seconds N --rounds N` makes runs of the
 * webhook longer or more, `-- --applications N --further N` sweeps other than 5,000
 * Applications, and 1,000 more, `-- --workloads N --followers N` other than 5,000 Deployments of which 500 follow.
 */
import { availableParallelism, cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { CONTROL_PLANE, PROGRAMS, skipWithout } from '../environment/programs.ts';
import { measureSweeps } from './sweep.ts';
import { measureWebhook } from './webhook.ts';
import { measureWorkloads } from './workloads.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    output: { type: 'string', short: 'o', default: 'text' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    applications: { type: 'string', default: '5000' },
    further: { type: 'string', default: '1000' },
    workloads: { type: 'string', default: '5000' },
    followers: { type: 'string', default: '500' },
  },
});
const PARTS = ['webhook', 'sweep', 'workloads'];
const unknown = positionals.find((part) => !PARTS.includes(part));
if (unknown !== undefined) throw new Error(`there is no part ${unknown}: ${PARTS.join(', ')}`);
const isWanted = (part: string): boolean => positionals.length === 0 || positionals.includes(part);

const say = (line: string): void => {
  if (values.output !== 'json') console.log(line);
};

print({
  machine: {
    cores: availableParallelism(),
    model: cpus()[0]?.model ?? 'unknown',
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    kubernetes: PROGRAMS.kubeApiserver.version,
    etcd: PROGRAMS.etcd.version,
  },
  ...(isWanted('webhook') && {
    webhook: await measureWebhook({ rounds: Number(values.rounds), seconds: Number(values.seconds), say }),
  }),
  ...(isWanted('sweep') && { sweep: await sweep() }),
  ...((isWanted('workloads') || isWanted('sweep')) && { workloads: await workloads() }),
});

async function sweep(): Promise<object> {
  const missing = skipWithout(...CONTROL_PLANE);
  if (missing !== false) return { skipped: missing };
  const further = Number(values.further);
  return await measureSweeps({ applications: Number(values.applications), further, images: 60, say });
}

async function workloads(): Promise<object> {
  const missing = skipWithout(...CONTROL_PLANE);
  if (missing !== false) return { skipped: missing };
  const followers = Number(values.followers);
  return await measureWorkloads({ workloads: Number(values.workloads), followers, images: 60, say });
}

function print(report: object): void {
  if (values.output === 'json') console.log(JSON.stringify(report, null, 2));
  else console.log(lines(report, '').join('\n'));
}

/** The report as indented lines: a spread as `median (minimum to maximum)`. */
function lines(value: object, indent: string): string[] {
  return Object.entries(value).flatMap(([name, each]: [string, unknown]): string[] => {
    if (typeof each !== 'object' || each === null) return [`${indent}${name}: ${round(each)}`];
    if ('median' in each && 'minimum' in each && 'maximum' in each) {
      return [`${indent}${name}: ${round(each.median)} (${round(each.minimum)} to ${round(each.maximum)})`];
    }
    return [`${indent}${name}:`, ...lines(each, `${indent}  `)];
  });
}

function round(value: unknown): string {
  return typeof value === 'number' ? String(Math.round(value * 100) / 100) : String(value);
}
