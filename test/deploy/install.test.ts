/** What deploy/ says must be what the program says: names, ports, and how it runs (S30 of the threat table). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { OUR_WEBHOOKS } from '../../src/certificates/live.ts';
import { ACCEPTED_CONFIG_MAP, POLICY_CONFIG_MAP } from '../../src/core/policy/manifest.ts';
import { WORKLOAD_KINDS } from '../../src/core/workload/kinds.ts';
import { namespaceStanding, OPT_IN_SELECTOR } from '../../src/core/workload/opt-in.ts';
import { PULL_SECRETS_ROLE } from '../../src/kubernetes/namespaces/role-bindings.ts';
import { defaultValues, installObjects, objectOf, type Rendered } from '../support/chart.ts';
import { parseDockerfile } from '../support/dockerfile.ts';
import { runProcess } from '../support/process.ts';

const root = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const stages = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'));

const objects = installObjects();
const deployment = objectOf(objects, 'Deployment', 'tagpin-webhook');
const pod = deployment.spec.template.spec;
const [container] = pod.containers;
const configurations = objects.filter(({ kind }) => kind.endsWith('WebhookConfiguration'));
const environment = new Map<string, string>(container.env.map(({ name, value }: Rendered) => [name, value]));

const main = join(root, 'src/main.ts');
const help = (await runProcess(process.execPath, [main, 'webhook', '--help'])).stdout.replaceAll(/\s+/g, ' ');
const known = new Set(help.match(/(?<=\[)TAGPIN_[A-Z_]+(?=\])/g));

/** What the help says of a variable's default. */
function defaultOf(variable: string): string {
  return new RegExp(`\\(default: ([^)]+)\\) \\[${variable}\\]`).exec(help)?.[1] ?? assert.fail(variable);
}

test('image, chart and package are of one version', () => {
  assert.equal(container.image, `ghcr.io/tagpin/tagpin:${version}`);
  const chart = readFileSync(join(root, 'deploy/chart/Chart.yaml'), 'utf8');
  assert.match(chart, new RegExp(`^version: ${version}\nappVersion: ${version}$`, 'm'));
});

test('every variable of the Deployment is one that the program reads, with its defaults where they are said', () => {
  assert.deepEqual(
    [...environment.keys()].filter((name) => !known.has(name)),
    [],
  );
  for (const name of ['LISTEN', 'OPERATIONS_LISTEN', 'DRAIN', 'LOG_LEVEL', 'SERVICE', 'WEBHOOK_CONFIGURATION']) {
    assert.equal(environment.get(`TAGPIN_${name}`), defaultOf(`TAGPIN_${name}`));
  }
});

test('Service, configurations and ServiceAccount have the names that the program knows', () => {
  assert.equal(objectOf(objects, 'Service', defaultOf('TAGPIN_SERVICE')).spec.ports[0].targetPort, 'admission');
  for (const { kind, metadata, webhooks } of configurations) {
    assert.equal(metadata.name, defaultOf('TAGPIN_WEBHOOK_CONFIGURATION'));
    const names = webhooks.map(({ name }: Rendered) => name);
    assert.deepEqual(names, OUR_WEBHOOKS[kind as keyof typeof OUR_WEBHOOKS]);
    for (const { clientConfig } of webhooks) {
      const { name, namespace, port } = clientConfig.service;
      assert.deepEqual([name, namespace, port], [defaultOf('TAGPIN_SERVICE'), 'tagpin-system', 443]);
    }
  }
  objectOf(objects, 'ClusterRole', PULL_SECRETS_ROLE);
  const { rules } = objectOf(objects, 'Role', 'tagpin-webhook');
  const named = new Set(rules.flatMap(({ resourceNames = [] }: Rendered) => resourceNames));
  for (const name of [POLICY_CONFIG_MAP, ACCEPTED_CONFIG_MAP]) assert.ok(named.has(name), name);
});

test('both entries choose namespaces as the command line does', () => {
  const [label = '', value] = OPT_IN_SELECTOR.split('=');
  for (const { namespaceSelector } of objectOf(objects, 'MutatingWebhookConfiguration', 'tagpin').webhooks) {
    assert.deepEqual(namespaceSelector.matchLabels, { [label]: value });
    const [{ operator, values }] = namespaceSelector.matchExpressions;
    assert.equal(operator, 'NotIn');
    const labels = { [label]: `${value}` };
    for (const name of values) assert.equal(namespaceStanding(name, labels, 'tagpin-system'), 'left out', name);
    assert.equal(values.length, 3);
  }
});

test('the rules name every kind that has images, and nothing else', () => {
  const { webhooks } = objectOf(objects, 'MutatingWebhookConfiguration', 'tagpin');
  const resources: readonly string[] = webhooks.flatMap(({ rules }: Rendered) =>
    rules.flatMap((rule: Rendered) => rule.resources),
  );
  const wanted = [...WORKLOAD_KINDS.map((kind) => `${kind.toLowerCase()}s`), 'pods/ephemeralcontainers'];
  assert.deepEqual([...new Set(resources)].toSorted(), wanted.toSorted());
});

test('the container has no right that it does not need, and no place to write', () => {
  const { securityContext } = container;
  assert.equal(pod.containers.length, 1);
  assert.deepEqual(securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    privileged: false,
    runAsNonRoot: true,
    capabilities: { drop: ['ALL'] },
  });
  assert.deepEqual(pod.securityContext.seccompProfile, { type: 'RuntimeDefault' });
  assert.equal(pod.securityContext.runAsNonRoot, true);
  assert.equal(pod.volumes, undefined);
  assert.notEqual(container.resources.limits.memory, undefined);
  const user = stages.at(-1)?.instructions.findLast(({ name }) => name === 'USER')?.text;
  assert.equal(`${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`, user);
});

test('a Pod has time to drain and to answer the longest request before it is killed', () => {
  const drain = Number(/^(\d+)s$/.exec(environment.get('TAGPIN_DRAIN') ?? '')?.[1]);
  assert.ok(pod.terminationGracePeriodSeconds >= drain + 30, `${pod.terminationGracePeriodSeconds}`);
  assert.equal(deployment.spec.strategy.rollingUpdate.maxUnavailable, 0);
  assert.ok(deployment.spec.replicas >= 2);
});

test('nothing that people own is in install.yaml, which is applied again', () => {
  const kinds = new Set(objects.map(({ kind }) => kind));
  for (const kind of ['ConfigMap', 'Secret', 'Lease']) assert.equal(kinds.has(kind), false, kind);
  assert.equal(defaultValues().policy, undefined);
});
