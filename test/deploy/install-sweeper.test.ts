/** What deploy/install-sweeper.yaml says must be what the program says: names, variables, ports, and where it may write. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { installObjects, objectOf, type Rendered, sweeperObjects } from '../support/chart.ts';
import { parseDockerfile } from '../support/dockerfile.ts';
import { runProcess } from '../support/process.ts';

const root = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const stages = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'));
const stage = stages.find(({ name }) => name === 'sweeper') ?? assert.fail('no sweeper');

const objects = sweeperObjects();
const deployment = objectOf(objects, 'Deployment', 'tagpin-sweeper');
const pod = deployment.spec.template.spec;
const [container] = pod.containers;

function last(name: string): string {
  return stage.instructions.findLast((instruction) => instruction.name === name)?.text ?? '';
}

test('image, chart and package are of one version, and the image runs what the Deployment runs', () => {
  assert.equal(container.image, `ghcr.io/tagpin/tagpin-sweeper:${version}`);
  assert.deepEqual(JSON.parse(last('CMD')), container.args);
  assert.deepEqual(container.args, ['sweep']);
  assert.equal(last('USER'), `${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`);
  const port = container.ports.find(({ name }: Rendered) => name === 'operations').containerPort;
  assert.ok(last('EXPOSE').split(' ').includes(String(port)));
});

test('every variable of the Deployment is one that the program reads, with its defaults where they are said', async () => {
  const main = join(root, 'src/main.ts');
  const help = (await runProcess(process.execPath, [main, 'sweep', '--help'])).stdout.replaceAll(/\s+/g, ' ');
  // What the help describes in words, the chart knows.
  const known: Readonly<Record<string, string>> = {
    TAGPIN_ARGOCD_NAMESPACE: 'argocd',
    TAGPIN_GIT_DIRECTORY: '/var/lib/tagpin/repositories',
  };
  for (const { name, value } of container.env) {
    assert.ok(help.includes(`[${name}]`), name);
    if (Object.hasOwn(known, name)) {
      assert.equal(value, known[name]);
      continue;
    }
    const standard = new RegExp(`\\(default: ([^)]+)\\) \\[${name}\\]`).exec(help)?.[1];
    if (value !== undefined) assert.equal(value, standard, name);
  }
});

test('the container has no right that it does not need, and only bounded places to write', () => {
  assert.equal(pod.containers.length, 1);
  assert.deepEqual(
    container.securityContext,
    objectOf(installObjects(), 'Deployment', 'tagpin-webhook').spec.template.spec.containers[0].securityContext,
  );
  assert.deepEqual(pod.securityContext.seccompProfile, { type: 'RuntimeDefault' });
  for (const { name, emptyDir } of pod.volumes) assert.match(emptyDir.sizeLimit, /^\d+[MG]i$/, name);
  const mounted = container.volumeMounts.map(({ name, mountPath }: Rendered) => [name, mountPath]);
  assert.deepEqual(mounted, [
    ['repositories', '/var/lib/tagpin'],
    ['temporary', '/tmp'],
  ]);
  assert.equal(pod.volumes.find(({ name }: Rendered) => name === 'temporary').emptyDir.medium, 'Memory');
  assert.notEqual(container.resources.limits.memory, undefined);
});

test('nothing that people own is in install-sweeper.yaml, nor the namespace', () => {
  const kinds = new Set(objects.map(({ kind }) => kind));
  for (const kind of ['ConfigMap', 'Secret', 'Lease', 'Namespace']) assert.equal(kinds.has(kind), false, kind);
});

test('what is installed for the one part is not installed for the other', () => {
  const namesOf = (all: readonly Rendered[]): readonly string[] =>
    all.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
  const both = new Set(namesOf(installObjects()));
  assert.deepEqual(
    namesOf(objects).filter((name) => both.has(name)),
    [],
  );
});
