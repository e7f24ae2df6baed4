/** `tagpin webhook` for a cluster that is not there: what is refused, and what is waited for. */
import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { freePort } from '../environment/control-plane-processes.ts';
import { issueTestCertificates } from '../support/certificate.ts';
import { linesOf } from '../support/cluster-webhook.ts';
import { eventually } from '../support/eventually.ts';
import { type FinishedProcess, runProcess, startProcess } from '../support/process.ts';
import { webhookOutput } from '../support/webhook-process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/tagpin');
const ENVIRONMENT = { PATH: process.env['PATH'], HOME: '/nonexistent', NODE_COMPILE_CACHE: COMPILED };
const { authority, serving } = await issueTestCertificates();

/** A folder with a kubeconfig of a cluster that nobody runs, and a certificate. */
async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-no-cluster-'));
  t.after(() => folder.remove());
  const cluster = { server: `https://127.0.0.1:${await freePort()}` };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: { token: 'canary-token' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'of-its-user' } }],
    'current-context': 'x',
  };
  await writeFile(join(folder.path, 'kubeconfig'), JSON.stringify(config));
  await writeFile(join(folder.path, 'broken'), 'users: [{name: u, user: {token: canary-token');
  await writeFile(join(folder.path, 'tls.crt'), serving.certificate);
  await writeFile(join(folder.path, 'tls.key'), serving.key);
  await writeFile(join(folder.path, 'ca.crt'), authority.certificate);
  return folder.path;
}

function run(directory: string, args: readonly string[], more: object = {}): Promise<FinishedProcess> {
  const environment = { ...ENVIRONMENT, ...more };
  return runProcess(process.execPath, [MAIN, 'webhook', ...args], { directory, environment, timeout: 20_000 });
}

test('no variable is one that Kubernetes sets for a Service of ours', async () => {
  const { code, stdout } = await run('/', ['--help']);
  assert.equal(code, 0);
  const variables = stdout.match(/\[TAGPIN_[A-Z_]+\]/g) ?? [];
  assert.equal(variables.length, stdout.match(/^ {2}--/gm)?.length);
  // https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
  const ofServices = /^\[TAGPIN(?:_WEBHOOK)?_(?:SERVICE_HOST|SERVICE_PORT|PORT)/;
  assert.deepEqual(
    variables.filter((name) => ofServices.test(name)),
    [],
  );
});

interface Refusal {
  readonly what: string;
  readonly args: readonly string[];
  readonly environment?: (directory: string) => Readonly<Record<string, string>>;
  readonly code: 2 | 3;
  readonly line: RegExp;
}

const NO_POD =
  /^tagpin: webhook: this is no Pod with a ServiceAccount: name a cluster with --kubeconfig FILE, or run without: .*\n$/;

const REFUSALS: readonly Refusal[] = [
  { what: 'no cluster is named', args: [], code: 3, line: NO_POD },
  {
    what: "only somebody's own kubeconfig names one",
    args: [],
    environment: (directory) => ({ KUBECONFIG: join(directory, 'kubeconfig') }),
    code: 3,
    line: NO_POD,
  },
  {
    what: 'there is no such kubeconfig',
    args: ['--kubeconfig', 'none'],
    code: 3,
    line: /^tagpin: webhook: \S*\/none: there is no such file: .*\n$/,
  },
  {
    what: 'it is none',
    args: ['--kubeconfig', 'broken'],
    code: 3,
    line: /^tagpin: webhook: \S*\/broken: it is no kubeconfig: .*\n$/,
  },
  {
    what: 'the authorities of clients are not there',
    args: ['--kubeconfig', 'kubeconfig', '--client-ca', 'none.crt'],
    code: 3,
    line: /^tagpin: webhook: \S*\/none\.crt: there is no such file: /,
  },
  {
    what: 'the files of its certificate do not fit',
    args: ['--kubeconfig', 'kubeconfig', '--certificates=files', '--certificate=ca.crt', '--key=tls.key'],
    code: 2,
    line: /^tagpin: webhook: \S*\/tls\.key: it is not the key of \S*\/ca\.crt: /,
  },
];

for (const { what, args, environment, code, line } of REFUSALS) {
  test(`${what}: exit code ${code}, and what to do`, async (t) => {
    const directory = await folderOf(t);
    const { code: actual, stderr } = await run(directory, args, environment?.(directory));
    assert.equal(actual, code, stderr);
    assert.match(stderr, line);
    assert.doesNotMatch(stderr, /canary|BEGIN/);
  });
}

for (const [certificates, wanted] of [
  ['self', ['admission: not served yet', 'certificate: there is none yet']],
  ['files', []],
] as const) {
  test(`a cluster that is away is waited for, with certificates ${certificates}: alive, not ready, and it says why`, async (t) => {
    const directory = await folderOf(t);
    const files = certificates === 'files' ? ['--certificates=files', '--certificate=tls.crt', '--key=tls.key'] : [];
    const listen = ['--listen=127.0.0.1:0', '--operations-listen=127.0.0.1:0'];
    const args = [MAIN, 'webhook', '--kubeconfig=kubeconfig', ...listen, ...files, '--drain=0s'];
    const child = startProcess(process.execPath, args, { directory, environment: ENVIRONMENT });
    t.after(() => child.stop());
    await child.waitFor(files.length === 0 ? /"server":"operations"/ : /"server":"admission"/);
    const webhook = webhookOutput(child);
    assert.equal((await webhook.page('/healthz')).status, 200);
    const { status, body } = await webhook.page('/readyz');
    assert.equal(status, 503);
    const always = ['policy: the ConfigMap of the policy is not read yet', 'namespaces: not read yet'];
    for (const problem of [...wanted, ...always]) assert.ok(body.includes(`${problem}\n`), body);
    assert.match(body, /^trust: /m);
    assert.equal((await webhook.line('cluster'))['namespace'], 'tagpin-system');
    await eventually(
      'it tries again',
      () => linesOf(webhook, 'the API server did not answer, trying again').length > 3,
    );
    child.signal('SIGTERM');
    const { code, stdout } = await child.finished;
    assert.equal(code, 0);
    assert.match(stdout, /"msg":"stopped"\}\n$/);
    assert.doesNotMatch(stdout, /canary/);
  });
}
