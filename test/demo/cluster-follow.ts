import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ApiObject } from '../environment/control-plane.ts';
import { type Cosign, type CosignKey, openCosign } from '../environment/cosign.ts';
import { installFluxResources } from '../support/custom-resources.ts';
import { eventually } from '../support/eventually.ts';
import type { Lifetime } from '../support/git-repository.ts';
import type { FinishedProcess } from '../support/process.ts';
import type { SweptPlane } from './cluster-sweep.ts';
import { commandsFor } from './commands.ts';
import { BrokenClaim, claim, say, showCommand, showDiff, step } from './stage.ts';

/** A control plane with the sweeper's rights, whose policy can be changed. */
export interface FollowedPlane extends SweptPlane {
  /** Adds lines to the policy; settles when the webhook goes by it. */
  readonly changePolicy: (more: string) => Promise<void>;
  readonly sweep: () => Promise<FinishedProcess>;
}

const NAMESPACE = 'shop';
const PATH = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/api`;
const REPOSITORY = '/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/ocirepositories/platform';

/** The part of `npm run demo:cluster` about workloads, OCIRepositories and signatures. */
export async function demonstrateFollowing(lifetime: Lifetime, followed: FollowedPlane): Promise<void> {
  await demonstrateWorkload(followed);
  const cosign = openCosign(lifetime);
  const key = await cosign.generateKey();
  await demonstrateRepository(followed, cosign, key);
  await demonstrateDenial(followed, cosign, key);
}

async function demonstrateWorkload({ plane, folder, host, push, sweep }: FollowedPlane): Promise<void> {
  step('A workload that follows two tags: that of a container, and that of an environment variable');
  const { kubectl } = commandsFor(plane, folder);
  const [api, ingestor] = [`${host}/shop/orders:main`, `${host}/shop/ingestor:prod`];
  const [firstApi, firstIngestor] = [await push(api), await push(ingestor)];
  const follow = [
    { container: 'api' },
    { image: ingestor, action: 'set-env', container: 'api', env: 'INGESTOR_DIGEST' },
  ];
  const labels = { app: 'api' };
  const env = [{ name: 'INGESTOR_DIGEST', value: firstIngestor }];
  const file = join(folder, 'api.yaml');
  writeFileSync(
    file,
    stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'api', namespace: NAMESPACE, annotations: { 'tagpin.dev/follow': JSON.stringify(follow) } },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'api', image: api, env }] } },
      },
    }),
  );
  await kubectl('apply', '-f', file);
  const rolled = async (count: number): Promise<void> => {
    await eventually(`${count} ReplicaSets, and all Pods run`, async () => {
      await runPods(plane);
      const { status } = await plane.get(PATH);
      const isDone = status.updatedReplicas === 2 && status.availableReplicas === 2 && status.replicas === 2;
      return isDone && (await revisions(plane)) === count;
    });
  };
  await rolled(1);
  await sweep();
  const before = await plane.get(PATH);
  claim('the first look writes nothing: it is where it begins', imageOf(before).endsWith(firstApi));
  const [secondApi, secondIngestor] = [await push(api), await push(ingestor)];

  step('Both tags move');
  await sweep();
  const after = await plane.get(PATH);
  showDiff(containersOf(before), containersOf(after));
  claim('the container has the digest that its tag means now', imageOf(after).endsWith(secondApi));
  claim('the environment variable is bumped', variableOf(after) === secondIngestor);
  const { stdout: rolling } = await sweep();
  claim('while that rolls out the sweeper waits', rolling.includes('RollingOut'));
  await rolled(2);
  say('(There is no kubelet: the demo says of each Pod that it runs.)');
  await sweep();
  await sweep();
  claim('it was one rollout for both', (await revisions(plane)) === 2);
  const { annotations } = (await plane.get(PATH)).metadata;
  claim('what it was refreshed to, and when, stands on it', 'tagpin.dev/last-refresh' in annotations);
}

async function demonstrateRepository(followed: FollowedPlane, cosign: Cosign, key: CosignKey): Promise<void> {
  const { plane, host, push, changePolicy, sweep } = followed;
  step('A Flux OCIRepository that follows a range, and a policy that wants signatures');
  const problem = await installFluxResources(plane);
  if (problem !== null) throw new BrokenClaim(problem);
  say('Flux’s own resource is there, and no Flux that runs.');
  const images = [`${host}/signed/**`];
  const entry = { name: 'ours', images, action: 'deny', keys: [key.publicKey], transparencyLog: 'optional' };
  const policy = stringify({ verify: [entry] }, { lineWidth: 0 });
  say(policy);
  await changePolicy(policy);
  const platform = `${host}/signed/platform`;
  const signed = await push(`${platform}:1.4.0`);
  showCommand(['cosign', 'sign', '--key', 'cosign.key', `${platform}@${signed}`]);
  await cosign.sign(`${platform}@${signed}`, 'bundle', { kind: 'key', key });
  const unsigned = await push(`${platform}:1.5.0`);
  say(`1.4.0 is signed by a real cosign; 1.5.0 is ${unsigned.slice(0, 19)}, and nobody signed it.`);
  await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'flux-system' } });
  await plane.apply({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'OCIRepository',
    metadata: {
      name: 'platform',
      namespace: 'flux-system',
      annotations: { 'tagpin.dev/follow': 'semver' },
    },
    spec: { interval: '1m', url: `oci://${platform}`, insecure: true, ref: { semver: '>=1.0.0' } },
  });
  const { stdout } = await sweep();
  const { ref } = (await plane.get(REPOSITORY)).spec;
  say(stringify({ ref }));
  claim('it moved to the newest version that verifies', ref.digest === signed && ref.tag === '1.4.0');
  claim('past a newer one, which the report names with its reason', /passed over 1\.5\.0@/.test(stdout));
  claim('the range stays as it was', ref.semver === '>=1.0.0');
  showCommand(['cosign', 'sign', '--key', 'cosign.key', `${platform}@${unsigned}`]);
  await cosign.sign(`${platform}@${unsigned}`, 'bundle', { kind: 'key', key });
  await sweep();
  claim('once that one is signed it moves on', (await plane.get(REPOSITORY)).spec.ref.tag === '1.5.0');
}

async function demonstrateDenial({ plane, folder, host, push }: FollowedPlane, cosign: Cosign, key: CosignKey) {
  step('An unsigned image is denied');
  const { kubectl } = commandsFor(plane, folder);
  const image = `${host}/signed/job:1`;
  const digest = await push(image);
  const create = (name: string) => kubectl('create', 'job', name, '-n', NAMESPACE, `--image=${image}`);
  const denied = await create('unsigned');
  claim('it is denied, with the entry that wants it signed', denied.code !== 0 && denied.stderr.includes('ours'));
  const other = await push(`${host}/signed/job:2`);
  showCommand(['cosign', 'sign', '--key', 'cosign.key', `${host}/signed/job@${other}`]);
  await cosign.sign(`${host}/signed/job@${other}`, 'bundle', { kind: 'key', key });
  const admitted = await kubectl('create', 'job', 'signed', '-n', NAMESPACE, `--image=${host}/signed/job:2`);
  claim('a signed one is admitted', admitted.code === 0);
  const stored = await plane.get(`/apis/batch/v1/namespaces/${NAMESPACE}/jobs/signed`);
  claim('and pinned to what was verified', imageOf(stored).endsWith(other) && digest !== other);
}

/** Says of each Pod what a kubelet would: it runs, and is ready. */
async function runPods(plane: FollowedPlane['plane']): Promise<void> {
  const { items } = await plane.get(`/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=app%3Dapi`);
  const status = {
    phase: 'Running',
    conditions: ['Ready', 'ContainersReady', 'Initialized', 'PodScheduled'].map((type) => ({ type, status: 'True' })),
  };
  for (const { metadata, status: now } of items as readonly ApiObject[]) {
    if (now.phase === 'Running') continue;
    const patch = ['--subresource=status', '--type=merge', '--patch', JSON.stringify({ status })];
    await plane.kubectl(['patch', 'pod', metadata.name, '-n', NAMESPACE, ...patch]);
  }
}

async function revisions(plane: FollowedPlane['plane']): Promise<number> {
  const { items } = await plane.get(`/apis/apps/v1/namespaces/${NAMESPACE}/replicasets?labelSelector=app%3Dapi`);
  return items.length;
}

function imageOf({ spec }: ApiObject): string {
  return spec.template.spec.containers[0].image;
}

function variableOf({ spec }: ApiObject): string | undefined {
  return spec.template.spec.containers[0].env[0].value;
}

function containersOf({ spec }: ApiObject): string {
  const containers = spec.template.spec.containers.map(({ name, image, env }: ApiObject) => ({ name, image, env }));
  return stringify({ containers }, { lineWidth: 0 });
}
