/** What `tagpin audit` says to scripts, spreadsheets, kubectl and people with few rights. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { argoCdSources } from '../environment/argo-cd.ts';
import { CONTROL_PLANE, PROGRAMS, programFile, skipWithout } from '../environment/programs.ts';
import { digest, podSpec, record } from '../support/admission.ts';
import { auditedCluster, rowsOf } from '../support/audited-cluster.ts';
import { sharedControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { runProcess } from '../support/process.ts';
import { ownedBy, runPods } from '../support/running-pods.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const [A, B] = [digest('a'), digest('b')];

describe('tagpin audit', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();
  const { tagpin, rows, optIn, create, deploy, grant } = auditedCluster(shared);
  before(async () => {
    await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tagpin-system' } });
    await shared.plane.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'tagpin-policy', namespace: 'tagpin-system' },
      data: { 'policy.yaml': 'apiVersion: tagpin.dev/v1\nkind: TagPolicy\n' },
    });
  });

  test('--fail-on is exit code 1 where an image is in such a state, whatever else is true of it', async () => {
    const namespace = await optIn();
    await deploy({ namespace, name: 'pinned', image: `nginx@${A}`, ref: 'nginx:1' });
    const codeOf = async (states: string) => (await tagpin(['audit', '-n', namespace, '--fail-on', states])).code;
    assert.equal(await codeOf('floating,drifted'), 0);
    assert.equal(await codeOf('pinned'), 1);
    const owner = await deploy({ namespace, name: 'floats', image: 'redis:7' });
    await runPods(shared.client, { namespace, name: 'a', owner, image: 'redis:7', imageID: `redis@${A}` });
    await runPods(shared.client, { namespace, name: 'b', owner, image: 'redis:7', imageID: `redis@${B}` });
    assert.equal(await codeOf('floating'), 1);
    assert.equal(await codeOf('split'), 1);
    assert.equal((await tagpin(['audit', '-n', namespace])).code, 0);
  });

  test('wrong use is exit code 2, no cluster 3, and each is one line', async () => {
    const wrong = [
      [['--fail-on', 'fine'], 2, /States are pinned, floating, /],
      [['-n', 'a', '-A'], 2, /cannot be used with/],
      [['-o', 'yaml'], 2, /Allowed choices are table, json, csv/],
      [['--chunk-size', '0'], 2, /between 1 and 5000/],
      [['--revisions', '--registry'], 2, /cannot be used with/],
      [['-n', '..'], 2, /no namespace has such a name/],
      [['-n', 'nowhere'], 3, /namespaces "nowhere" not found/],
      [['--kubeconfig', '/nonexistent'], 3, /there is no such file/],
      [['--context', 'none'], 3, /has no context "none"/],
    ] as const;
    const tried = await Promise.all(
      wrong.map(async ([args, ...rest]) => [await tagpin(['audit', ...args]), ...rest] as const),
    );
    for (const [finished, code, message] of tried) {
      assert.equal(finished.code, code, finished.stderr);
      assert.equal(finished.stdout, '');
      assert.match(finished.stderr, message);
      assert.equal(finished.stderr.trim().split('\n').length, 1, finished.stderr);
    }
  });

  test('a namespace that has not opted in is said to be one, and no green gate', async () => {
    const namespace = await shared.namespace();
    const told = await tagpin(['audit', '-n', namespace, '-o', 'json']);
    assert.deepEqual([told.code, told.stdout], [0, '']);
    assert.match(told.stderr, /has not opted in, nothing there is pinned: tagpin namespace enable test-\d+\n$/);
    assert.equal((await tagpin(['audit', '-n', namespace, '--fail-on', 'floating'])).code, 1);
    await shared.client.request({
      method: 'PATCH',
      path: '/api/v1/namespaces/kube-system',
      body: { metadata: { labels: { 'tagpin.dev/inject': 'enabled' } } },
    });
    assert.match((await tagpin(['audit', '-n', 'kube-system'])).stderr, /is left out always/);
  });

  test('who may read only a part gets that part, a line on what is missing, and exit code 3', async () => {
    const [mine, theirs] = [await optIn(), await optIn()];
    await deploy({ namespace: mine, name: 'web', image: `nginx@${A}`, ref: 'nginx:1' });
    await deploy({ namespace: theirs, name: 'web', image: 'nginx:1' });
    const kubeconfig = await shared.plane.kubeconfigFor('alice');
    const read = (apiGroups: readonly string[], resources: readonly string[]) => ({
      apiGroups,
      resources,
      verbs: ['get', 'list'],
    });
    const nothing = await tagpin(['audit'], kubeconfig);
    assert.equal(nothing.code, 3);
    assert.match(
      nothing.stderr,
      /^tagpin: audit: the namespaces may not be listed: name one with -n, or ask for a role\n$/,
    );

    await grant('alice', [read(['', 'apps', 'batch'], ['*'])], mine);
    const own = await eventually('the role holds', async () => {
      const finished = await tagpin(['audit', '-n', mine, '-o', 'json'], kubeconfig);
      return finished.code === 0 ? finished : null;
    });
    assert.deepEqual(
      rowsOf(own.stdout).map(({ name, state }) => [name, state]),
      [['web', 'pinned']],
    );
    assert.match(own.stderr, /^tagpin: audit: the policy in tagpin-system may not be read, so [^\n]+\n$/);

    await grant('alice', [read([''], ['namespaces'])]);
    const all = await eventually('the role holds', async () => {
      const finished = await tagpin(['audit', '-o', 'json'], kubeconfig);
      return /may not be listed: name one/.test(finished.stderr) ? null : finished;
    });
    assert.equal(all.code, 3);
    assert.deepEqual(
      rowsOf(all.stdout).map(({ namespace }) => namespace),
      [mine],
    );
    const line = all.stderr.split('\n').find((text) => text.includes(`namespace ${theirs}: `));
    assert.match(line ?? '', /: cronjobs\.batch, daemonsets\.apps, .*pods, .* may not be listed, the rest is answered/);
  });

  test('CSV has a header, and no cell that a spreadsheet would calculate', async () => {
    const namespace = await optIn();
    await deploy({ namespace, name: 'evil', image: '=cmd|"/c calc"!A1' });
    const { stdout } = await tagpin(['audit', '-n', namespace, '-o', 'csv']);
    const [head, row, ...rest] = stdout.split('\n');
    assert.equal(head, 'namespace,kind,name,container,image,requested,digest,running,state,reason');
    assert.match(row ?? '', new RegExp(`^${namespace},Deployment,evil,app,"'=cmd\\|""/c calc""!A1",`));
    assert.deepEqual(rest, ['']);
  });

  test('no image can write to the terminal', async () => {
    const namespace = await optIn();
    await deploy({ namespace, name: 'evil', image: 'a\u001B[2Jb\nc:1' });
    const { stdout } = await tagpin(['audit', '-n', namespace]);
    assert.match(stdout, /a\uFFFD\[2Jb\uFFFDc:1/);
    assert.equal(stdout.trimEnd().split('\n').length, 2);
  });

  test('--revisions tells what ran, the newest first', async () => {
    const namespace = await optIn();
    await deploy({ namespace, name: 'web', image: `nginx@${A}`, ref: 'nginx:1' });
    const apps = `/apis/apps/v1/namespaces/${namespace}`;
    const template = { metadata: { labels: { app: 'db' } }, spec: podSpec({ app: `redis@${B}` }) };
    const set = await create(`${apps}/statefulsets`, {
      metadata: { name: 'db' },
      spec: { selector: { matchLabels: { app: 'db' } }, serviceName: 'db', template },
    });
    const annotations = { 'tagpin.dev/pins': record({ 'containers/app': [['redis:7', B]] }) };
    await create(`${apps}/controllerrevisions`, {
      metadata: { name: 'db-1', annotations, ownerReferences: ownedBy(set) },
      data: { spec: { template: { ...template, $patch: 'replace' } } },
      revision: 4,
    });
    const spec = { template: { spec: { ...podSpec({ app: `nginx@${A}` }), restartPolicy: 'Never' } } };
    await create(`/apis/batch/v1/namespaces/${namespace}/jobs`, { metadata: { name: 'once' }, spec });
    const found = await rows('-n', namespace, '--revisions');
    const facts = found.map(({ kind, name, owner, revision, requested, digest: pinned }) =>
      JSON.stringify([kind, name, owner, revision, requested, pinned]),
    );
    assert.deepEqual(
      new Set(facts),
      new Set([
        JSON.stringify(['ReplicaSet', 'web-1', 'Deployment/web', null, 'nginx:1', A]),
        JSON.stringify(['ControllerRevision', 'db-1', 'StatefulSet/db', '4', 'redis:7', B]),
        JSON.stringify(['Job', 'once', null, null, null, A]),
      ]),
    );
    const times = found.map(({ time }) => String(time));
    assert.deepEqual(times, times.toSorted().toReversed());
    assert.match(
      (await tagpin(['audit', '-n', namespace, '--revisions', '-o', 'csv'])).stdout,
      /^time,namespace,kind,name,owner,/,
    );
  });

  test('what an Application without server-side diff manages is flapping, where tagpin pinned it', async () => {
    const namespace = await optIn();
    const crd = join(await argoCdSources(), 'manifests/crds/application-crd.yaml');
    await shared.plane.apply(parse(await readFile(crd, 'utf8')) as object);
    const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/applications`;
    await eventually('Applications can be made', () => shared.client.request({ method: 'GET', path }));
    const manages = async (app: string, workload: string, annotations: object): Promise<void> => {
      const source = { repoURL: 'https://git.example/x', path: '.' };
      const resources = [
        { group: 'apps', version: 'v1', kind: 'Deployment', namespace, name: workload, status: 'OutOfSync' },
      ];
      await shared.client.request({
        method: 'POST',
        path,
        body: {
          apiVersion: 'argoproj.io/v1alpha1',
          kind: 'Application',
          metadata: { name: app, annotations },
          spec: { project: 'default', source, destination: { server: 'https://kubernetes.default.svc', namespace } },
          status: { resources },
        },
      });
    };
    await deploy({ namespace, name: 'client', image: `nginx@${A}`, ref: 'nginx:1' });
    await deploy({ namespace, name: 'server', image: `nginx@${A}`, ref: 'nginx:1' });
    await deploy({ namespace, name: 'by-hand', image: `nginx@${A}` });
    await manages('client', 'client', {});
    await manages('by-hand', 'by-hand', {});
    await manages('server', 'server', { 'argocd.argoproj.io/compare-options': 'ServerSideDiff=true' });
    const states = async () =>
      (await rows('-n', namespace)).map(({ name, state }) => `${String(name)} ${String(state)}`);
    assert.deepEqual(await states(), ['by-hand pinned', 'client flapping', 'server pinned']);
    await shared.plane.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-cmd-params-cm', namespace },
      data: { 'controller.diff.server.side': 'true' },
    });
    assert.deepEqual(await states(), ['by-hand pinned', 'client pinned', 'server pinned']);
  });

  test('kubectl finds it as its plugin, with kubectl’s own cluster', async () => {
    const namespace = await optIn();
    await deploy({ namespace, name: 'web', image: `nginx@${A}`, ref: 'nginx:1' });
    const bin = join(shared.plane.folder, 'bin');
    await mkdir(bin, { recursive: true });
    await writeFile(join(bin, 'kubectl-tagpin'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
    await chmod(join(bin, 'kubectl-tagpin'), 0o755);
    const { code, stdout, stderr } = await runProcess(
      programFile(PROGRAMS.kubectl),
      ['tagpin', 'audit', '-n', namespace, '-o', 'json'],
      {
        environment: {
          PATH: `${bin}:${process.env['PATH']}`,
          HOME: shared.plane.folder,
          KUBECONFIG: shared.plane.kubeconfig,
        },
      },
    );
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      rowsOf(stdout).map(({ name, state }) => [name, state]),
      [['web', 'pinned']],
    );
  });
});
