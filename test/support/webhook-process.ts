import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from './admission.ts';
import { issueTestCertificates, type TestCertificates } from './certificate.ts';
import { type HttpsClient, httpsClient, reviewText } from './https-client.ts';
import { type RunningProcess, startProcess } from './process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
/** Starting from source is mostly compiling. */
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/tagpin');

/** Keys take time, and no test needs its own. */
const certificates = await issueTestCertificates();

/** A folder with what a webhook without a cluster needs: `tls.crt`, `tls.key`, `ca.crt`, `policy.yaml`, `config.json`. */
export interface WebhookFolder {
  readonly path: string;
  readonly certificates: TestCertificates;
  /** Only what the program needs of this process, and the folder's Docker configuration. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  write(name: string, text: string): Promise<void>;
}

export interface WebhookFiles {
  readonly policy?: string;
  /** `config.json` of the Docker configuration. */
  readonly docker?: object;
}

/** A policy that lets a registry of a test be asked, with more lines behind it. */
export function policyFor(host: string, more = ''): string {
  const registries = `registries:\n  hosts:\n  - {host: "${host}", plainHttp: true}\n`;
  return `apiVersion: tagpin.dev/v1\nkind: TagPolicy\n${registries}${more}`;
}

/** Makes the folder; it goes with the test. */
export async function webhookFolder(context: TestContext, files: WebhookFiles = {}): Promise<WebhookFolder> {
  const { policy = 'apiVersion: tagpin.dev/v1\nkind: TagPolicy\n', docker = {} } = files;
  const folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-webhook-'));
  context.after(() => folder.remove());
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder.path, name), text);
  await write('tls.crt', certificates.serving.certificate);
  await write('tls.key', certificates.serving.key);
  await write('ca.crt', certificates.authority.certificate);
  await write('policy.yaml', policy);
  await write('config.json', JSON.stringify(docker));
  const environment = {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    DOCKER_CONFIG: folder.path,
    NODE_COMPILE_CACHE: COMPILED,
  };
  return { path: folder.path, certificates, environment, write };
}

/** The arguments that start a webhook from such a folder, on free ports. */
export const STANDALONE: readonly string[] = [
  MAIN,
  'webhook',
  '--standalone',
  '--policy=policy.yaml',
  '--certificate=tls.crt',
  '--key=tls.key',
  '--listen=127.0.0.1:0',
  '--operations-listen=127.0.0.1:0',
];

/** What a webhook as its own process tells, in its log and on its operations port. */
export interface WebhookOutput {
  readonly process: RunningProcess;
  /** The lines of its log so far. */
  lines(): readonly LogLine[];
  /** Waits for a line of its log. */
  line(message: string): Promise<LogLine>;
  /** Asks its operations port. */
  page(path: string): Promise<{ readonly status: number; readonly body: string }>;
}

/** A webhook as its own process. */
export interface WebhookProcess extends WebhookOutput {
  /** `HOST:PORT` of admission, and of operations. */
  readonly address: string;
  readonly operations: string;
  readonly client: HttpsClient;
}

export type LogLine = Readonly<Record<string, unknown>>;

/** Starts a webhook from a folder; it ends with the test. */
export async function startWebhook(
  context: TestContext,
  folder: WebhookFolder,
  args: readonly string[] = ['--drain', '0s'],
): Promise<WebhookProcess> {
  const child = startProcess(process.execPath, [...STANDALONE, ...args], {
    directory: folder.path,
    environment: folder.environment,
  });
  context.after(() => child.stop());
  await child.waitFor(/"server":"admission"/);
  const output = webhookOutput(child);
  const address = addressIn(output.lines(), 'admission');
  const client = httpsClient(address, certificates.authority.certificate);
  context.after(() => client.close());
  return { ...output, address, operations: addressIn(output.lines(), 'operations'), client };
}

/** Reads what a webhook tells; it has told where its operations port is. */
export function webhookOutput(child: RunningProcess): WebhookOutput {
  const lines = (): readonly LogLine[] =>
    child
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as LogLine);
  const operations = addressIn(lines(), 'operations');
  return {
    process: child,
    lines,
    async line(message) {
      for (let tries = 0; tries < 1000; tries += 1) {
        const found = lines().find((line) => line['msg'] === message);
        if (found !== undefined) return found;
        await sleep(10);
      }
      throw new Error(`no line ${message} in ${child.output()}`);
    },
    page: (path) => pageOf(`http://${operations}${path}`),
  };
}

function addressIn(lines: readonly LogLine[], server: string): string {
  return String(lines.find((line) => line['msg'] === 'listening' && line['server'] === server)?.['address']);
}

/** The response of an answered review. */
export interface Answered {
  readonly allowed: boolean;
  readonly patch?: string;
  readonly warnings?: readonly string[];
  readonly status?: { readonly code: number; readonly message: string };
}

/** Creates an object as the API server asks for it; `more` goes into the request. */
export async function admit(
  { client }: Pick<WebhookProcess, 'client'>,
  object: Manifest,
  more: Manifest = {},
): Promise<Answered> {
  const body = reviewText('u-1', { operation: 'CREATE', userInfo: { username: 'alice' }, object, ...more });
  const { status, text } = await client.send({ path: '/mutate?timeout=10s', body });
  assert.equal(status, 200, text);
  return (JSON.parse(text) as { response: Answered }).response;
}

function pageOf(url: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    }).on('error', reject);
  });
}
