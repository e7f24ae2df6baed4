/** What the chart makes of values, judged by the API server and by the program that shall run with it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { CONTROL_PLANE, PROGRAMS, skipWithout } from '../environment/programs.ts';
import { type Rendered, render, type Values } from '../support/chart.ts';
import { installCustomResources } from '../support/custom-resources.ts';
import { runProcess } from '../support/process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/tagpin');
const skip = skipWithout(...CONTROL_PLANE, PROGRAMS.helm);

let plane: ControlPlane;
let withoutResources: string | null = null;
const ends: (() => Promise<void>)[] = [];
before(async () => {
  if (skip !== false) return;
  plane = await startControlPlane({ after: (end) => ends.push(end) });
  for (const name of ['tagpin-system', 'shop', 'argocd', 'team-a']) {
    await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  withoutResources = await installCustomResources(plane);
});
after(async () => {
  for (const end of ends) await end();
});

const PEM = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n';

const CASES: Readonly<Record<string, Values>> = {
  'none at all': {},
  'everything that is about the Pods': {
    image: { digest: `sha256:${'a'.repeat(64)}`, pullPolicy: 'Always', pullSecrets: ['hub'] },
    replicas: 3,
    resources: { limits: { cpu: '1', memory: '1Gi' } },
    priorityClassName: 'system-cluster-critical',
    antiAffinity: 'required',
    nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
    tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
    logLevel: 'debug',
    drain: '1m',
    terminationGracePeriodSeconds: 120,
    listenAddress: '[::]',
    serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/tagpin' } },
    podAnnotations: { 'prometheus.io/scrape': 'true' },
    podLabels: { 'azure.workload.identity/use': 'true' },
    env: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/authorities/ca.crt' }],
    volumes: [{ name: 'authorities', configMap: { name: 'authorities' } }],
    volumeMounts: [{ name: 'authorities', mountPath: '/authorities' }],
  },
  'an affinity of its own, and none': {
    affinity: { nodeAffinity: {} },
    antiAffinity: 'none',
    podDisruptionBudget: false,
  },
  'the network of the host': { hostNetwork: true, ports: { admission: 10443, operations: 10080 } },
  'everything that is about admission': {
    webhooks: {
      namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'Exists' }], matchLabels: { stage: 'live' } },
      excludedNamespaces: ['istio-system'],
      matchConditions: [{ name: 'not-by-argo', expression: "request.userInfo.username != 'system:argo'" }],
      annotations: { 'admissions.enforcer/disabled': 'true' },
      workloads: { failurePolicy: 'Ignore', timeoutSeconds: 30 },
      pods: { failurePolicy: 'Fail', timeoutSeconds: 1 },
      policy: { failurePolicy: 'Fail', timeoutSeconds: 2 },
    },
  },
  'as many conditions as are taken': {
    webhooks: {
      matchConditions: Array.from({ length: 60 }, (_, index) => ({ name: `c-${index}`, expression: 'true' })),
    },
  },
  'certificates from cert-manager': { certificates: { source: 'cert-manager' } },
  'certificates from an issuer of theirs': {
    certificates: {
      source: 'cert-manager',
      certManager: { issuerRef: { kind: 'ClusterIssuer', name: 'corp' }, duration: '720h', renewBefore: '240h' },
    },
  },
  'certificates from files, and for clients too': {
    certificates: {
      source: 'files',
      files: { secret: 'tagpin-tls', caBundle: PEM },
      clientAuthority: { secret: 'api-servers', key: 'authorities.pem' },
    },
  },
  'secrets that may be read': {
    registryCredentials: ['registry-internal'],
    pullSecrets: { namespaces: ['shop'], clusterWide: true },
  },
  'a policy': { policy: { apiVersion: 'tagpin.dev/v1', kind: 'TagPolicy' } },
  'a network policy': {
    networkPolicy: { enabled: true, egressPorts: [443], operationsFrom: [{ namespaceSelector: {} }] },
  },
  'a network policy with its defaults': { networkPolicy: { enabled: true } },
  'all of the monitoring': {
    serviceMonitor: { enabled: true, interval: '1m', labels: { release: 'prometheus' } },
    prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
  },
  'the sweeper, with its defaults': { sweeper: { enabled: true }, networkPolicy: { enabled: true } },
  'everything that is about the sweeper': {
    nodeSelector: { zone: 'a' },
    tolerations: [{ key: 'spot', operator: 'Exists' }],
    logLevel: 'warn',
    listenAddress: '[::]',
    networkPolicy: { enabled: true, operationsFrom: [{ namespaceSelector: {} }] },
    registryCredentials: ['registry-internal'],
    sweeper: {
      enabled: true,
      image: { tag: '1.0.0' },
      replicas: 2,
      applicationNamespaces: ['argocd', 'team-a'],
      repositorySecrets: false,
      secrets: ['tagpin-signing'],
      applicationSecrets: { argocd: ['git', 'hub'], 'team-a': [] },
      receivers: { enabled: true },
      ports: { operations: 9090, receivers: 9091 },
      resources: { limits: { memory: '1Gi' } },
      storage: { repositories: '20Gi', temporary: '128Mi' },
      affinity: { nodeAffinity: {} },
      serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/tagpin' } },
      podAnnotations: { 'prometheus.io/scrape': 'true' },
      podLabels: { 'azure.workload.identity/use': 'true' },
      env: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/authorities/ca.crt' }],
      volumes: [{ name: 'authorities', configMap: { name: 'authorities' } }],
      volumeMounts: [{ name: 'authorities', mountPath: '/authorities' }],
    },
  },
  'the sweeper in all namespaces, monitored': {
    sweeper: { enabled: true, clusterWide: true },
    serviceMonitor: { enabled: true },
    prometheusRule: { enabled: true },
  },
  'rules alone': { prometheusRule: { enabled: true } },
  'a label that is protected': { protectLabel: { enabled: true, groups: ['platform', "o'hara:ops"] } },
};

/** Most values change nothing of it, and starting a program takes time. */
const judged = new Map<string, Promise<string>>();

/** What a command says against an environment: one that is right ends for the lack of a cluster, any other before that. */
function problemsOf(command: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const key = JSON.stringify([command, environment]);
  const known = judged.get(key);
  if (known !== undefined) return known;
  const options = { environment: { NODE_COMPILE_CACHE: COMPILED, ...environment } };
  const judgement = runProcess(process.execPath, [MAIN, command], options).then(({ code, stderr }) =>
    code === 3 && stderr.includes(`tagpin: ${command}: this is no Pod with a ServiceAccount`) ? '' : stderr,
  );
  judged.set(key, judgement);
  return judgement;
}

for (const [name, values] of Object.entries(CASES)) {
  test(`the API server takes what comes of ${name}, and the program its environment`, { skip }, async (t) => {
    const objects = await render(values);
    if (withoutResources !== null && objects.some(({ apiVersion }) => /cert-manager|monitoring/.test(apiVersion))) {
      assert.notEqual(process.env['CI'], 'true', withoutResources);
      return t.skip(withoutResources);
    }
    const items = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    const args = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'];
    const { code, stdout, stderr } = await plane.kubectl(args, { input: items });
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(stdout.trim().split('\n').length, objects.length);

    for (const { kind, spec } of objects) {
      if (kind !== 'Deployment') continue;
      const [container] = spec.template.spec.containers;
      const text = ({ name, value, valueFrom }: Rendered): [string, string] => {
        return [name, valueFrom?.fieldRef.fieldPath === 'metadata.namespace' ? 'tagpin-system' : value];
      };
      const environment = Object.fromEntries<string>(container.env.map(text));
      assert.equal(await problemsOf(container.args[0], environment), '');
      const ports = ['TAGPIN_LISTEN', 'TAGPIN_OPERATIONS_LISTEN', 'TAGPIN_RECEIVERS_LISTEN'].flatMap((variable) => {
        const port = environment[variable]?.split(':').at(-1);
        return port === undefined ? [] : [Number(port)];
      });
      const containerPorts = container.ports.map(({ containerPort }: Rendered) => containerPort);
      assert.deepEqual(containerPorts, ports);
    }
  });
}
