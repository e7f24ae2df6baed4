/**
 * `npm run demo`: the webhook and the command line on a registry on loopback, each step shown and each claim checked. It
 * needs no cluster and no network, and leaves nothing behind.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { type FinishedProcess, type RunningProcess, runProcess, startProcess } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { admit, type Deployment, type Webhook } from './api-server.ts';
import { BrokenClaim, claim, say, showCommand, showDiff, step } from './stage.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const PINS = 'tagpin.dev/pins';
/** How old an answer may be that is recorded. Short, so that the demo is. */
const FRESH_FOR = 1;

const folder = mkdtempSync(join(tmpdir(), 'tagpin-demo-'));
// Processes end with this one, however it ends (test/support/process.ts); the folder goes where there is time to.
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const [signal, code] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const, ['SIGHUP', 129] as const]) {
  process.once(signal, () => {
    console.log('\nstopped');
    process.exit(code);
  });
}

const began = performance.now();
let code = 0;
try {
  await demonstrate();
  console.log(
    `\nAll of it held. It took ${((performance.now() - began) / 1000).toFixed(1)} s and left nothing behind.`,
  );
} catch (error) {
  code = 1;
  console.error(`\n✗ ${error instanceof BrokenClaim ? error.message : String(error)}`);
}
// Where a claim broke, the registry still listens.
process.exit(code);

async function demonstrate(): Promise<void> {
  step('A registry on loopback, with two images');
  const registry = await startRegistry();
  const web = registry.pushImage('shop/web', '1.27');
  const worker = registry.pushImage('shop/worker', 'main');
  const webImage = `${registry.host}/shop/web:1.27`;
  say(`${webImage} is ${web}`);
  say(`${registry.host}/shop/worker:main is ${worker}`);

  step('Certificates for the webhook');
  const made = await tagpin('certificates', '--directory', 'certs', '--host', 'localhost,127.0.0.1');
  claim('ca.crt, ca.key, tls.crt and tls.key were made', made.code === 0);

  step('The webhook, a process of its own, without a cluster');
  writeFileSync(join(folder, 'policy.yaml'), policyFor(registry));
  const { process: server, webhook } = await startWebhook();
  say(`it listens on ${webhook.url}`);

  step('A Deployment is created');
  const submitted = deployment('shop', registry.host);
  const created = await admit(webhook, submitted, null);
  showDiff(yaml(submitted), yaml(created.object));
  for (const warning of created.warnings) say(`Warning: ${warning}`);
  claim('its images are now what the tags mean', hasImages(created.object, registry.host, web, worker));
  claim('the tags are kept in its record', created.object.metadata.annotations?.[PINS]?.includes(webImage) === true);

  step('The tag moves');
  const moved = registry.pushImage('shop/web', '1.27');
  say(`${webImage} is now ${moved}`);
  claim('it is another image', moved !== web);
  say(`(${FRESH_FOR} s for freshFor in the policy to pass: a digest that is recorded is never older)`);
  await delay(FRESH_FOR * 1000 + 100);

  step('The same Deployment is applied again');
  registry.clearRequests();
  // kubectl apply sends what the file says and leaves annotations alone that the file does not name.
  const again = await admit(webhook, { ...submitted, metadata: created.object.metadata }, created.object);
  say(`applied: image: ${webImage}`);
  say(`stored:  image: ${again.object.spec.template.spec.containers[0]?.image}`);
  claim('it keeps its pin, though the tag has moved', hasImages(again.object, registry.host, web, worker));
  claim('nothing at all has changed in it', yaml(again.object) === yaml(created.object));
  claim('the registry was not asked', registry.requests.length === 0);

  step('A new Deployment of the same image');
  const blue = deployment('shop-blue', registry.host);
  const other = await admit(webhook, blue, null);
  showDiff(yaml(blue), yaml(other.object));
  claim('it gets the new digest', hasImages(other.object, registry.host, moved, worker));

  step('The first Deployment asks for a refresh');
  const { metadata } = again.object;
  const asking = { ...again.object, metadata: { ...metadata, annotations: { ...metadata.annotations } } };
  asking.metadata.annotations['tagpin.dev/refresh'] = '*;demo';
  showCommand(['kubectl', 'annotate', 'deploy/shop', 'tagpin.dev/refresh=*;demo']);
  const refreshed = await admit(webhook, asking, again.object);
  showDiff(yaml(again.object), yaml(refreshed.object));
  claim('it has the new digest too', hasImages(refreshed.object, registry.host, moved, worker));
  const annotations = refreshed.object.metadata.annotations ?? {};
  claim('the request is consumed', !('tagpin.dev/refresh' in annotations));
  claim('what ran before is remembered', annotations[PINS]?.includes(web) === true);

  step('A file, without any webhook');
  await pinFile(registry, moved);

  step('Ctrl-C for the webhook');
  server.signal('SIGINT');
  claim('it ends in order', (await server.finished).code === 0);
  await registry.close();
}

async function pinFile(registry: TestRegistry, digest: string): Promise<void> {
  const text = `# What the shop runs.\n${yaml(deployment('shop', registry.host))}`;
  const path = join(folder, 'shop.yaml');
  writeFileSync(path, text);
  const floats = await tagpin('pin', '--check', '--policy', 'policy.yaml', 'shop.yaml');
  claim('with --check it says that something floats (exit code 1)', floats.code === 1);
  const pinned = await tagpin('pin', '--in-place', '--policy', 'policy.yaml', 'shop.yaml');
  claim('the file is rewritten', pinned.code === 0);
  const after = readFileSync(path, 'utf8');
  showDiff(text, after);
  claim('its images are digests', after.includes(`${registry.host}/shop/web@${digest}`));
  const lines = after.split('\n');
  const others = text.split('\n').filter((line, at) => line !== lines[at]);
  claim(
    'nothing but the two images has changed',
    others.length === 2 && others.every((line) => line.includes('image:')),
  );
  const check = await tagpin('pin', '--check', '--policy', 'policy.yaml', 'shop.yaml');
  claim('with --check nothing floats any more', check.code === 0);
}

/** A line that is long stays one. */
function yaml(object: Deployment): string {
  return stringify(object, { lineWidth: 0 });
}

/** Runs a command in the demo's folder and shows it. */
async function tagpin(...args: readonly string[]): Promise<FinishedProcess> {
  showCommand(['tagpin', ...args]);
  const finished = await runProcess(process.execPath, [MAIN, ...args], { directory: folder });
  for (const text of [finished.stdout, finished.stderr]) if (text !== '') say(text);
  return finished;
}

async function startWebhook(): Promise<{ process: RunningProcess; webhook: Webhook }> {
  const files = ['--policy', 'policy.yaml', '--certificate', 'certs/tls.crt', '--key', 'certs/tls.key'];
  const ports = ['--listen', '127.0.0.1:0', '--operations-listen', '127.0.0.1:0'];
  const args = ['webhook', '--standalone', ...files, ...ports];
  showCommand(['tagpin', ...args]);
  const running = startProcess(process.execPath, [MAIN, ...args], { directory: folder });
  const [line] = await running.waitFor(/^\{.*"server":"admission".*"msg":"listening".*\}$/m);
  const url = `https://${JSON.parse(line).address}`;
  return { process: running, webhook: { url, authority: readFileSync(join(folder, 'certs/ca.crt'), 'utf8') } };
}

function policyFor({ host }: TestRegistry): string {
  return `apiVersion: tagpin.dev/v1
kind: TagPolicy
registries:
  freshFor: ${FRESH_FOR}s
  hosts:
    - {host: "${host}", plainHttp: true}
`;
}

function deployment(name: string, host: string): Deployment {
  const containers = [
    { name: 'web', image: `${host}/shop/web:1.27` },
    { name: 'worker', image: `${host}/shop/worker:main` },
  ];
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers } };
  const spec = { replicas: 2, selector: { matchLabels: labels }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: 'shop' }, spec };
}

function hasImages(object: Deployment, host: string, web: string, worker: string): boolean {
  const images = object.spec.template.spec.containers.map(({ image }) => image);
  return images.join() === [`${host}/shop/web@${web}`, `${host}/shop/worker@${worker}`].join();
}
