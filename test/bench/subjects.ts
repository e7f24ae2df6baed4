import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { issueAuthority, issueServing, validFor } from '../../src/certificates/issue.ts';
import { startProcess } from '../support/process.ts';

/** A server under measurement, as a process of its own. */
export interface Subject {
  readonly pid: number;
  /** `host:port` of its https server. */
  readonly address: string;
  /** From its start until it said that it was ready. */
  readonly readyMilliseconds: number;
  stop(): Promise<void>;
}

/** The files that both servers are started with. */
export interface Workplace {
  readonly certificate: string;
  readonly key: string;
  /** The program as the image has it: Node's options and the bundle. */
  readonly program: readonly string[];
  writePolicy(text: string): Promise<string>;
  remove(): Promise<void>;
}

const ROOT = join(import.meta.dirname, '..', '..');
const DAY = 24 * 60 * 60_000;

export async function makeWorkplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'tagpin-bench-'));
  const validity = validFor(new Date(), DAY);
  const authority = await issueAuthority({ name: 'tagpin bench', ...validity });
  const serving = await issueServing({
    authority,
    name: 'tagpin bench',
    hosts: ['localhost', '127.0.0.1'],
    ...validity,
  });
  let policies = 0;
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  return {
    certificate: await write('tls.crt', serving.certificate),
    key: await write('tls.key', serving.key),
    program: await buildProgram(folder, 'webhook'),
    writePolicy: (text) => write(`policy-${(policies += 1)}.yaml`, text),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** How the Dockerfile starts the images, Node being what comes first. */
const ENTRYPOINTS = {
  webhook: /^ENTRYPOINT (\["\/nodejs.*\])$/m,
  sweeper: /^ENTRYPOINT (\["\/usr\/local\/bin\/node.*\])$/m,
} as const;

/** Bundles the command as the Dockerfile does, and reads from there how it is started: Node's options, and the program. */
export async function buildProgram(folder: string, image: keyof typeof ENTRYPOINTS): Promise<readonly string[]> {
  const built = startProcess(process.execPath, [join(ROOT, '.ci', 'build.ts'), join(folder, 'app')], {
    directory: ROOT,
  });
  const { code, stderr } = await built.finished;
  if (code !== 0) throw new Error(`the bundle could not be built: ${stderr}`);
  const dockerfile = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
  const entrypoint = ENTRYPOINTS[image].exec(dockerfile)?.[1];
  if (entrypoint === undefined) throw new Error(`the Dockerfile names no entry point of the ${image}`);
  const [, ...options] = JSON.parse(entrypoint) as readonly string[];
  return options.map((option) => (option === '/app/main.js' ? join(folder, 'app', 'main.js') : option));
}

export async function startBareServer(files: Workplace): Promise<Subject> {
  const script = join(import.meta.dirname, 'bare-server.ts');
  return start([script, files.certificate, files.key], /"address":"(?<address>[^"]+)"/, async () => {});
}

/** Starts the webhook as its image does, but without a cluster. */
export async function startWebhook(files: Workplace, policy: string): Promise<Subject> {
  const listen = [
    '--listen',
    '127.0.0.1:0',
    '--operations-listen',
    '127.0.0.1:0',
    '--log-level',
    'info',
    '--drain',
    '0s',
  ];
  const tls = ['--certificate', files.certificate, '--key', files.key];
  const pattern = /"server":"operations"[\s\S]*"server":"admission"|"server":"admission"[\s\S]*"server":"operations"/;
  return start(
    [...files.program, 'webhook', '--standalone', '--policy', policy, ...tls, ...listen],
    pattern,
    untilReady,
  );
}

async function start(
  args: readonly string[],
  listening: RegExp,
  ready: (output: string) => Promise<void>,
): Promise<Subject> {
  const started = performance.now();
  const child = startProcess(process.execPath, args, {
    directory: ROOT,
    environment: { ...process.env, DOCKER_CONFIG: '/nonexistent' },
  });
  await child.waitFor(listening);
  await ready(child.output());
  const readyMilliseconds = performance.now() - started;
  const address = addressOf(child.output(), 'admission') ?? listening.exec(child.output())?.groups?.['address'];
  if (address === undefined) throw new Error(`no address in: ${child.output()}`);
  return {
    pid: child.pid,
    address,
    readyMilliseconds,
    async stop() {
      await child.stop();
    },
  };
}

/** The address in the log line `listening` of one of the webhook's servers. */
function addressOf(output: string, server: string): string | undefined {
  const lines = output.split('\n').filter((line) => line.includes('"listening"') && line.includes(`"${server}"`));
  return lines.map((line) => (JSON.parse(line) as { address?: string }).address)[0];
}

async function untilReady(output: string): Promise<void> {
  const address = addressOf(output, 'operations');
  for (let tries = 0; tries < 2000; tries += 1) {
    const status = await new Promise<number>((resolve) => {
      get(`http://${address}/readyz`, (response) => resolve(response.resume().statusCode ?? 0)).on('error', () =>
        resolve(0),
      );
    });
    if (status === 200) return;
    await sleep(5);
  }
  throw new Error('the webhook never became ready');
}
