import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type FinishedProcess, runProcess } from '../support/process.ts';

const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'src/main.ts');
const EXAMPLES = join(ROOT, 'deploy/examples');
const DIGEST = `sha256:${'a'.repeat(64)}`;

const HEAD = 'apiVersion: tagpin.dev/v1\nkind: TagPolicy\n';
const FILES: Readonly<Record<string, string>> = {
  'good.yaml': `${HEAD}rules:
  - name: no-latest
    match: {namespaces: ["shop-*"], images: ["ghcr.io/acme/**"], tags: [latest]}
    action: deny
    message: Use a release tag.
  - name: jobs
    match: {kinds: [Job], namespaceLabels: {env: production}}
    action: warn
`,
  'bad.yaml': `${HEAD}rules:
  - name: a
    match: {semver: ">=x.y"}
    acton: deny
`,
  'inert.yaml': `${HEAD}rules:
  - {name: all, action: pin}
  - {name: never, match: {tags: [latest]}, action: deny}
`,
  'inert-map.yaml':
    'apiVersion: v1\nkind: ConfigMap\ndata:\n  policy.yaml: |\n    apiVersion: tagpin.dev/v1\n    kind: TagPolicy\n    sweep: {protect: [{kind: CronJob, project: x}]}\n',
  'signed.yaml': `${HEAD}verify:
  - {name: ours, images: ["ghcr.io/acme/**"], identities: [{issuer: "https://i", subject: ci}]}
  - {name: mild, images: ["**"], action: warn, identities: [{issuer: "https://i", subject: ci}]}
`,
  'empty.yaml': '',
  'map.yaml':
    'apiVersion: v1\nkind: ConfigMap\ndata:\n  policy.yaml: |\n    apiVersion: tagpin.dev/v1\n    kind: Policy\n',
};

async function policy(args: readonly string[], input = ''): Promise<FinishedProcess> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-'));
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(folder.path, name), text);
  return await runProcess(process.execPath, [MAIN, 'policy', ...args], { directory: folder.path, input });
}

const PROBLEMS = [
  'bad.yaml:4:5: rules[0].action: is missing\n',
  'bad.yaml:5:21: rules[0].match.semver: ">=x.y" is not a version range such as ">=1.2.0 <2"\n',
  'bad.yaml:6:5: rules[0].acton: is not a key that is known here: did you mean action?\n',
];

const NEVER =
  'inert.yaml:5:5: warning: rules[1]: no image reaches it: rule "all" before it matches all that it matches: move it up, or remove it\n';

interface Row {
  readonly args: string;
  readonly input?: string;
  readonly code: number;
  readonly stdout?: string | RegExp;
  readonly stderr?: string | RegExp;
}

const rows: readonly Row[] = [
  { args: 'check good.yaml', code: 0, stdout: 'good.yaml: valid\n' },
  { args: 'check -', input: FILES['good.yaml'] ?? '', code: 0, stdout: '-: valid\n' },
  { args: 'check bad.yaml', code: 1, stdout: PROBLEMS.join('') },
  { args: 'check empty.yaml', code: 1, stdout: 'empty.yaml:1:1: there is nothing in it\n' },
  { args: 'check map.yaml', code: 1, stdout: 'map.yaml:6:11: kind: must be TagPolicy, not "Policy"\n' },
  { args: 'check good.yaml -o json', code: 0, stdout: '{"file":"good.yaml","valid":true,"errors":[],"warnings":[]}\n' },
  {
    args: 'check map.yaml -o json',
    code: 1,
    stdout:
      '{"file":"map.yaml","valid":false,"errors":[{"path":"kind","line":6,"column":11,"message":"must be TagPolicy, not \\"Policy\\""}],"warnings":[]}\n',
  },
  { args: 'check inert.yaml', code: 0, stdout: `inert.yaml: valid\n${NEVER}` },
  { args: 'check inert.yaml --strict', code: 1, stdout: `inert.yaml: valid\n${NEVER}` },
  { args: 'check good.yaml --strict', code: 0, stdout: 'good.yaml: valid\n' },
  {
    args: 'check inert-map.yaml -o json',
    code: 0,
    stdout:
      '{"file":"inert-map.yaml","valid":true,"errors":[],"warnings":[{"path":"sweep.protect[0].project","line":7,"column":39,"message":"protects nothing: only an Application has a project, and the kind is CronJob: remove one of the two"}]}\n',
  },
  { args: 'check missing.yaml', code: 3, stderr: 'tagpin: policy: missing.yaml: there is no such file\n' },
  { args: 'check .', code: 3, stderr: 'tagpin: policy: .: the file cannot be read (EISDIR)\n' },
  { args: 'check', code: 2, stderr: /missing required argument 'file'/ },
  { args: 'check good.yaml bad.yaml', code: 2, stderr: /too many arguments/ },
  { args: 'check good.yaml -o yaml', code: 2, stderr: /Allowed choices are text, json/ },
  { args: 'chekc good.yaml', code: 2, stderr: /unknown command 'chekc'/ },
  { args: '', code: 2, stderr: /Usage: tagpin policy/ },
  { args: 'check --help', code: 0, stdout: /Example:\n {2}tagpin policy check/ },
  { args: 'explain --help', code: 0, stdout: /Example:\n {2}tagpin policy explain/ },
  {
    args: 'explain --policy good.yaml -n shop-a -o json ghcr.io/acme/app',
    code: 0,
    stdout:
      '{"image":"ghcr.io/acme/app","action":"deny","rule":"no-latest","reason":"rule no-latest matches by namespaces [\\"shop-*\\"], images [\\"ghcr.io/acme/**\\"], tags [\\"latest\\"]","verify":[]}\n',
  },
  {
    args: 'explain --policy good.yaml -o json ghcr.io/acme/app',
    code: 0,
    stdout:
      '{"image":"ghcr.io/acme/app","action":"pin","rule":null,"reason":"no rule matches, so defaults.action decides; not matched: no-latest by namespaces; jobs by kinds, namespaceLabels","verify":[]}\n',
  },
  {
    args: `explain --policy good.yaml -n shop-a -o json ghcr.io/acme/app@${DIGEST}`,
    code: 0,
    stdout: /"action":"pin","rule":null,.*no-latest by tags/,
  },
  {
    args: 'explain --policy good.yaml --kind job --namespace-label env=production --namespace-label a=b=c nginx',
    code: 0,
    stdout: /^IMAGE {2}ACTION {2}RULE {2}REASON\nnginx {2}warn {4}jobs {2}rule jobs matches by /,
  },
  {
    args: 'explain --policy signed.yaml ghcr.io/acme/app:1 nginx',
    code: 0,
    stdout:
      /^IMAGE {15}ACTION {2}RULE {2}VERIFY {13}REASON\nghcr\.io\/acme\/app:1 {2}pin {5}- {5}ours, mild \(warn\) {2}there are no rules.*\nnginx {15}pin {5}- {5}mild \(warn\) {8}there/,
  },
  {
    args: 'explain --policy signed.yaml -o json ghcr.io/acme/app:1',
    code: 0,
    stdout: /"verify":\[\{"name":"ours","action":"deny"\},\{"name":"mild","action":"warn"\}\]\}\n$/,
  },
  {
    args: 'explain --policy good.yaml -o json Bad nginx',
    code: 1,
    stdout:
      /^\{"image":"Bad","error":\{"code":"InvalidReference","message":"[^"]+"\}\}\n\{"image":"nginx","action":"pin"/,
  },
  {
    args: 'explain --policy good.yaml Bad',
    code: 1,
    stderr: 'tagpin policy explain: "Bad": the repository has upper-case letters\n',
  },
  { args: 'explain --policy - nginx', input: FILES['good.yaml'] ?? '', code: 0, stdout: /^IMAGE/ },
  {
    args: 'explain --kubeconfig nowhere nginx',
    code: 3,
    stderr: /^tagpin: policy explain: .*nowhere: there is no such file: .*\n$/,
  },
  {
    args: 'explain --kubeconfig nowhere --namespace-label a=b nginx',
    code: 2,
    stderr: /--namespace-label goes with --policy: a cluster tells the labels itself\n$/,
  },
  { args: 'explain --policy missing.yaml nginx', code: 3, stderr: /missing\.yaml: there is no such file/ },
  {
    args: 'explain --policy bad.yaml nginx',
    code: 2,
    stderr: `${PROBLEMS.join('')}tagpin: bad.yaml: the policy is not valid: mend it, or leave --policy away\n`,
  },
  { args: 'explain --policy good.yaml', code: 2, stderr: /missing required argument 'image'/ },
  { args: 'explain --policy good.yaml --kind Service nginx', code: 2, stderr: /Known kinds are CronJob, / },
  { args: 'explain --policy good.yaml --namespace-label env nginx', code: 2, stderr: /Write KEY=VALUE/ },
];

function assertText(actual: string, expected: string | RegExp = ''): void {
  if (typeof expected === 'string') assert.equal(actual, expected);
  else assert.match(actual, expected);
}

for (const { args, input, code, stdout, stderr } of rows) {
  test(`policy ${args.replace(DIGEST, 'sha256:…')} exits with ${code}`, async () => {
    const result = await policy(
      args.split(' ').filter((arg) => arg !== ''),
      input,
    );
    assertText(result.stdout, stdout);
    assertText(result.stderr, stderr);
    assert.equal(result.code, code);
  });
}

test('every example policy is valid', async () => {
  const files = (await readdir(EXAMPLES)).filter((file) => file.startsWith('policy'));
  assert.ok(files.length > 1);
  for (const file of files) {
    const { code, stdout } = await policy(['check', join(EXAMPLES, file)]);
    assert.equal(stdout, `${join(EXAMPLES, file)}: valid\n`);
    assert.equal(code, 0);
  }
});

test('the example decides what its remarks say', async () => {
  const file = join(EXAMPLES, 'policy.yaml');
  const images = ['ghcr.io/acme/app', 'ghcr.io/acme/app:1.2', 'nginx:1.27', 'redis:8-rc1'];
  const { stdout } = await policy([
    'explain',
    '--policy',
    file,
    '-n',
    'shop',
    '--namespace-label',
    'env=production',
    '-o',
    'json',
    ...images,
  ]);
  const decisions = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { action: string; rule: string | null });
  assert.deepEqual(
    decisions.map(({ action, rule }) => `${action} ${rule}`),
    ['deny no-latest-in-production', 'pin our-images', 'pin null', 'warn foreign-pre-releases'],
  );
});
