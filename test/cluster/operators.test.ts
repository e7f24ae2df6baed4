/** Runs deploy/operators.md: every shell block as it stands, in one bash, against a real API server and the webhook as a process. */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { stringify } from 'yaml';
import { CONTROL_PLANE, PROGRAMS, programFile, skipWithout } from '../environment/programs.ts';
import { installObjects, objectOf } from '../support/chart.ts';
import { installedOn, startClusterWebhook, startInstalledPlane } from '../support/cluster-webhook.ts';
import { runProcess } from '../support/process.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'deploy/operators.md'), 'utf8');
const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
  language,
  text,
}));
const skip = skipWithout(...CONTROL_PLANE, PROGRAMS.helm);

const SEPARATOR = '=== the next block ===';

test('every command of operators.md runs as written, and prints what the page says it prints', { skip }, async (t) => {
  const plane = await startInstalledPlane(t);
  await startClusterWebhook(t, plane);
  await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
  const folder = join(plane.folder, 'checkout');
  mkdirSync(join(folder, 'bin'), { recursive: true });
  cpSync(join(root, 'deploy'), join(folder, 'deploy'), { recursive: true });
  // No kubelet runs the Deployment's Pods: the API server calls the process instead of the Service.
  const objects = [...installedOn(plane.port), objectOf(installObjects(), 'Deployment', 'tagpin-webhook')];
  writeFileSync(join(folder, 'deploy/install.yaml'), objects.map((object) => `---\n${stringify(object)}`).join(''));
  for (const program of [PROGRAMS.kubectl, PROGRAMS.helm]) {
    symlinkSync(programFile(program), join(folder, 'bin', program.name));
  }
  const plugin = join(folder, 'bin/kubectl-tagpin');
  writeFileSync(plugin, `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'src/main.ts')}' "$@"\n`);
  chmodSync(plugin, 0o755);

  const run = blocks.filter(({ language }) => language === 'sh');
  assert.ok(run.length >= 9);
  const script = run.map(({ text }) => `${text}echo '${SEPARATOR}'\n`).join('');
  const { code, stdout, stderr } = await runProcess('bash', ['-e', '-c', script], {
    directory: folder,
    timeout: 4 * 60_000,
    environment: {
      PATH: [join(folder, 'bin'), dirname(process.execPath), process.env['PATH']].join(':'),
      HOME: plane.folder,
      KUBECONFIG: plane.kubeconfig,
    },
  });
  assert.equal(code, 0, `${stdout}${stderr}`);
  const outputs = stdout.split(`${SEPARATOR}\n`);
  for (const [index, block] of run.entries()) {
    const next = blocks[blocks.indexOf(block) + 1];
    if (next?.language === 'text') assert.equal(outputs[index], next.text, block.text);
  }
  const rendered = readFileSync(join(folder, 'tagpin.yaml'), 'utf8');
  assert.match(rendered, /image: "?registry\.example\.org\/tagpin:/);
});

test('operators.md links to files that are there', () => {
  const links = [...page.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path = '']) => path);
  assert.ok(links.length >= 5);
  for (const link of links) assert.ok(existsSync(join(root, 'deploy', link)), link);
});
