import type { Digest } from '../../src/core/image/digest.ts';
import { record } from '../support/admission.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { newKey, publicPem } from '../support/signed-image.ts';
import { pushLegacy } from '../support/sigstore/push.ts';
import { signLegacy, simpleSigning } from '../support/sigstore/signatures.ts';
import { type Load, load, residentMegabytes, type Spread, spread } from './measure.ts';
import { countRequests, requestReviews } from './registry-requests.ts';
import { reviewOf } from './reviews.ts';
import { makeWorkplace, type Subject, startBareServer, startWebhook, type Workplace } from './subjects.ts';

/** How long and how often the webhook is measured, and who hears how far it is. */
export interface WebhookRuns {
  readonly rounds: number;
  readonly seconds: number;
  readonly say: (line: string) => void;
}

/** What a review costs beside a bare Node server, what a registry is asked, and how much memory and time the webhook needs. */
export async function measureWebhook(runs: WebhookRuns) {
  const registry = await startRegistry();
  const guarded = await startRegistry({ auth: 'token', actions: () => ['pull'] });
  const files = await makeWorkplace();
  const policy = await files.writePolicy(policyFor(registry, guarded));
  const webhook = await startWebhook(files, policy);
  const key = newKey();
  const verifying = await startWebhook(files, await files.writePolicy(verifyingPolicy(registry, publicPem(key))));
  const bare = await startBareServer(files);
  try {
    const { host } = registry;
    const digest = registry.pushImage('app', '1');
    const signed = registry.pushImage('signed', '1');
    const signature = signLegacy(simpleSigning(signed), { privateKey: key });
    await pushLegacy({ host, repository: 'signed' }, signed, [signature]);
    const pins = { app: pinned(`${host}/app`, digest), signed: pinned(`${host}/signed`, signed) };
    return {
      rounds: runs.rounds,
      seconds: runs.seconds,
      reviews: await measureReviews(runs, { webhook, verifying, bare }, reviewOf({ app: `${host}/app:1` }), pins),
      memoryMegabytes: {
        afterLoad: residentMegabytes(webhook.pid),
        after5000Images: await measureImages(webhook, registry),
      },
      registryRequests: {
        open: await countRequests(registry, webhook.address),
        withTokens: await countRequests(guarded, webhook.address),
      },
      memoryMegabytesAfter1000Connections: residentMegabytes(webhook.pid),
      readyMilliseconds: await measureReady(runs, files, policy),
    };
  } finally {
    await Promise.all([
      bare.stop(),
      webhook.stop(),
      verifying.stop(),
      registry.close(),
      guarded.close(),
      files.remove(),
    ]);
  }
}

/** JSON is YAML. */
function policyFor(...registries: readonly TestRegistry[]): string {
  const hosts = registries.map(({ host }) => ({ host, plainHttp: true }));
  return JSON.stringify({ apiVersion: 'tagpin.dev/v1', kind: 'TagPolicy', registries: { freshFor: '60s', hosts } });
}

/** The same with an entry for one repository. */
function verifyingPolicy({ host }: TestRegistry, key: string): string {
  const verify = [{ name: 'ours', images: [`${host}/signed`], keys: [key], transparencyLog: 'optional' }];
  return JSON.stringify({
    apiVersion: 'tagpin.dev/v1',
    kind: 'TagPolicy',
    registries: { hosts: [{ host, plainHttp: true }] },
    verify,
  });
}

/** A review of a Deployment that is applied again, with the digest of its tag stored. */
function pinned(repository: string, digest: Digest): string {
  const image = `${repository}:1`;
  const pins = record({ 'containers/app': [[image, digest]] });
  return reviewOf({ app: image }, { images: { app: `${repository}@${digest}` }, pins });
}

interface Figures {
  readonly requestsPerSecond: Spread;
  readonly p50Milliseconds: Spread;
  readonly p99Milliseconds: Spread;
  readonly cpuMicroseconds: Spread;
  readonly failures: number;
  /** How many times the bare server's cost: by throughput, and by processor time, round by round. */
  readonly timesBare: Spread;
  readonly timesBareCpu: Spread;
}

/** Until JIT compilers have done with what reviews run, about 40,000 of them. */
const WARM_SECONDS = 5;

/**
 * The bare server, a review answered from the cache, one from a pin, and from a pin where the policy has `verify` entries: none for
 * this image, and one whose verdict is remembered. Round by round, one after the other.
 */
async function measureReviews(
  { rounds, seconds, say }: WebhookRuns,
  { webhook, verifying, bare }: Readonly<Record<'webhook' | 'verifying' | 'bare', Subject>>,
  created: string,
  pins: Readonly<Record<'app' | 'signed', string>>,
) {
  const subjects: readonly (readonly [string, Subject, string])[] = [
    ['bare', bare, created],
    ['cache', webhook, created],
    ['bareOld', bare, pins.app],
    ['pin', webhook, pins.app],
    ['pinOtherVerified', verifying, pins.app],
    ['pinVerified', verifying, pins.signed],
  ];
  const results: Record<string, Record<string, Figures>> = {};
  for (const connections of [20, 1]) {
    const runs = new Map<string, Load[]>(subjects.map(([name]) => [name, []]));
    for (const [, { address, pid }, body] of subjects) {
      await load({ address, pid, path: '/mutate?timeout=10s', body, connections, seconds: WARM_SECONDS });
    }
    for (let round = 1; round <= rounds; round += 1) {
      say(`measuring at ${connections} connections: round ${round} of ${rounds}`);
      for (const [name, { address, pid }, body] of subjects) {
        runs.get(name)?.push(await load({ address, pid, path: '/mutate?timeout=10s', body, connections, seconds }));
      }
    }
    results[`connections${connections}`] = {
      bare: figures(runs.get('bare') ?? [], runs.get('bare') ?? []),
      cache: figures(runs.get('cache') ?? [], runs.get('bare') ?? []),
      ...Object.fromEntries(
        ['pin', 'pinOtherVerified', 'pinVerified'].map((name) => [
          name,
          figures(runs.get(name) ?? [], runs.get('bareOld') ?? []),
        ]),
      ),
    };
  }
  return { bodyBytes: { create: created.length, update: pins.app.length }, ...results };
}

function figures(runs: readonly Load[], against: readonly Load[]): Figures {
  const ratios = (ratio: (run: Load, other: Load) => number) =>
    spread(runs.flatMap((run, index) => (against[index] === undefined ? [] : [ratio(run, against[index])])));
  return {
    requestsPerSecond: spread(runs.map((run) => run.requestsPerSecond)),
    p50Milliseconds: spread(runs.map((run) => run.p50Milliseconds)),
    p99Milliseconds: spread(runs.map((run) => run.p99Milliseconds)),
    cpuMicroseconds: spread(runs.map((run) => run.cpuMicroseconds)),
    failures: runs.reduce((sum, run) => sum + run.failures, 0),
    timesBare: ratios((run, other) => other.requestsPerSecond / run.requestsPerSecond),
    timesBareCpu: ratios((run, other) => run.cpuMicroseconds / other.cpuMicroseconds),
  };
}

/** What is resident after 5,000 different images. */
async function measureImages(webhook: Subject, registry: TestRegistry) {
  const distinct = 5000;
  for (let index = 0; index < distinct; index += 1) registry.pushImage('many', `v${index}`, { label: `${index % 50}` });
  // A namespace may only ask so much at once.
  const bodies = Array.from({ length: distinct }, (_, index) =>
    reviewOf({ app: `${registry.host}/many:v${index}` }, null, `team-${index % 50}`),
  );
  await requestReviews(webhook.address, bodies, 20);
  return residentMegabytes(webhook.pid);
}

async function measureReady({ rounds }: WebhookRuns, workplace: Workplace, policyFile: string): Promise<Spread> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const subject = await startWebhook(workplace, policyFile);
    times.push(subject.readyMilliseconds);
    await subject.stop();
  }
  return spread(times);
}
