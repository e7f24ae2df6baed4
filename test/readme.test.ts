/** Runs README.md: every shell block as it stands, in one bash, in a copy of the checkout. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { parseDockerfile } from './support/dockerfile.ts';
import { runProcess, startProcess } from './support/process.ts';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

interface Block {
  readonly language: string;
  readonly text: string;
}

const blocks: readonly Block[] = [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({
  language: language ?? '',
  text: text ?? '',
}));

/** Blocks that are not run here, and who makes sure of them. */
const ELSEWHERE: readonly { readonly text: string; readonly check: () => void }[] = [
  {
    text: 'npm ci && npm run demo\nnpm ci && npm test\n',
    check: () => {
      // .ci/run does the rest, and demo.test.ts runs the demo.
      const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
      assert.ok('demo' in scripts && 'test' in scripts);
    },
  },
  {
    text: 'kubectl apply -f deploy/install.yaml\nkubectl tagpin namespace enable shop\nkubectl tagpin audit\n',
    check: () => {
      // test/cluster/operators.test.ts runs the same on an API server.
      const page = readFileSync(join(root, 'deploy/operators.md'), 'utf8');
      for (const line of ['kubectl apply -f deploy/install.yaml', 'kubectl tagpin audit'])
        assert.ok(page.includes(line));
    },
  },
  {
    text: `docker build --target webhook --tag registry.example.org/tagpin:0.1.0 .
docker build --target sweeper --tag registry.example.org/tagpin-sweeper:0.1.0 .
`,
    check: () => {
      // test/environment/docker-build.test.ts runs the steps.
      const stages = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'));
      for (const target of ['webhook', 'sweeper']) assert.ok(stages.some(({ name }) => name === target));
    },
  },
];

/** Ports that README.md names. Here others are used: these may be taken. */
const PORTS = ['5055', '8443', '8080'];

/** The block that starts the registry in the background, and what a reader waits for before the next. */
const REGISTRY = { block: /registry\.ts 5055 &$/m, ready: /shop\/worker:main is sha256:[0-9a-f]{64}\n/ };

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
}

async function replacePorts(): Promise<(text: string) => string> {
  const ports = await Promise.all(PORTS.map(async (port) => [port, await freePort()] as const));
  return (text) => ports.reduce((all, [port, free]) => all.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), free), text);
}

/** Everything of the checkout that a clone has, and its node_modules. */
async function copyCheckout(to: string): Promise<void> {
  const { stdout } = await runProcess('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    directory: root,
  });
  for (const file of stdout.split('\0')) {
    if (file !== '' && existsSync(join(root, file))) await cp(join(root, file), join(to, file), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(to, 'node_modules'));
}

const SEPARATOR = '=== the next block ===';

test('every command of README.md runs as written, and prints what README.md says it prints', async () => {
  await using scratch = await mkdtempDisposable(join(tmpdir(), 'tagpin-readme-'));
  const checkout = join(scratch.path, 'tagpin');
  await copyCheckout(checkout);
  const withPorts = await replacePorts();
  for (const file of ['policy.yaml', 'review.json', 'shop.yaml']) {
    const path = join(checkout, 'test/cases/readme', file);
    await writeFile(path, withPorts(readFileSync(path, 'utf8')));
  }

  const run = blocks.filter(
    ({ language, text }) => language === 'sh' && !ELSEWHERE.some((elsewhere) => elsewhere.text === text),
  );
  assert.ok(run.length > 5);
  const gate = join(scratch.path, 'gate');
  const script = run.map(({ text }) => {
    const wait = REGISTRY.block.test(text) ? `until [ -e '${gate}' ]; do sleep 0.1; done\n` : '';
    return `${withPorts(text)}${wait}echo '${SEPARATOR}'\n`;
  });
  const running = startProcess('bash', ['-c', script.join('')], {
    timeout: 2 * 60_000,
    directory: checkout,
    environment: {
      ...process.env,
      PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
      npm_config_prefix: join(scratch.path, 'prefix'),
      npm_lifecycle_event: undefined,
      INIT_CWD: undefined,
    },
  });
  await running.waitFor(REGISTRY.ready);
  await writeFile(gate, '');
  const { code, stdout, stderr } = await running.finished;
  assert.equal(code, 0, `${stdout}${stderr}`);
  // npm warns about this machine's npm configuration.
  assert.equal(stderr.replaceAll(/^npm warn .*\n/gm, ''), '');

  const outputs = stdout.split(`${SEPARATOR}\n`);
  for (const [index, block] of run.entries()) {
    const next = blocks[blocks.indexOf(block) + 1];
    if (next?.language === 'text') assert.equal(outputs[index], withPorts(next.text), block.text);
  }
  for (const name of ['tagpin', 'kubectl-tagpin']) {
    const { stdout: version } = await runProcess(join(scratch.path, 'prefix/bin', name), ['version'], {
      environment: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` },
    });
    assert.match(version, /^\d+\.\d+\.\d+\n$/);
  }
});

test('what README.md does not let this test run is made sure of elsewhere', () => {
  for (const { text, check } of ELSEWHERE) {
    assert.ok(
      blocks.some((block) => block.text === text),
      text,
    );
    check();
  }
});

test('README.md names files, folders and scripts that exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const [, path = ''] of readme.matchAll(/(?:\]\(|`)((?:src|test|deploy|\.ci|certs)\/[\w./-]+)[)`]/g)) {
    assert.ok(existsSync(join(root, path)), path);
  }
  for (const [, script = ''] of readme.matchAll(/npm run (?:--silent )?([\w:-]+)/g))
    assert.ok(script in scripts, script);
  assert.ok(readme.split('\n').length < 250, 'it stays short');
});
