/** What deploy/gitops.md says of Helm, with Helm 4 on a real API server. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { stringify } from 'yaml';
import { PROGRAMS, skipWithout } from '../environment/programs.ts';
import { helm } from '../support/chart.ts';
import { openStage, type Stage, skip as skipStage } from './stage.ts';

const skip = skipStage || skipWithout(PROGRAMS.helm);
let stage: Stage;
before(async () => {
  if (!skip) stage = await openStage();
});
after(() => stage?.close());

/** A chart with one Deployment, whose image and a label are values. */
function writeChart(): string {
  const folder = join(stage.plane.folder, 'chart');
  mkdirSync(join(folder, 'templates'), { recursive: true });
  writeFileSync(join(folder, 'Chart.yaml'), stringify({ apiVersion: 'v2', name: 'shop', version: '0.1.0' }));
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: '{{ .Values.image }}' }] } };
  const metadata = { name: 'web', labels: { team: '{{ .Values.team }}' } };
  const spec = { selector: { matchLabels: labels }, template };
  writeFileSync(
    join(folder, 'templates/deployment.yaml'),
    stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec }),
  );
  return folder;
}

async function run(...args: readonly string[]): Promise<void> {
  const { plane } = stage;
  const { code, stdout, stderr } = await helm([...args, '--namespace', 'helm'], {
    folder: plane.folder,
    kubeconfig: plane.kubeconfig,
  });
  assert.equal(code, 0, `helm ${args.join(' ')}: ${stdout}${stderr}`);
}

async function state(): Promise<{ image: string; replicaSets: number }> {
  const { spec } = await stage.stored('helm', 'deployment/web');
  const sets = await stage.list('helm', 'replicasets', (items) => items.length > 0);
  return { image: spec.template.spec.containers[0].image, replicaSets: sets.length };
}

for (const side of ['true', 'false'] as const) {
  test(`helm upgrade and rollback keep what is pinned, and meet no conflict after a refresh (--server-side=${side})`, {
    skip,
  }, async () => {
    await stage.namespace('helm');
    const chart = writeChart();
    const name = `shop/web-${side}`;
    const [one, two] = [stage.image(`${name}:1`), stage.image(`${name}:2`)];
    const first = await stage.push(one);
    const other = await stage.push(two);
    const upgrade = (image: string, team: string) =>
      run('upgrade', '--install', 'shop', chart, '--set', `image=${image},team=${team}`, `--server-side=${side}`);
    const pinned = (digest: string): string => `${stage.image(name)}@${digest}`;

    await upgrade(one, 'a');
    assert.deepEqual(await state(), { image: pinned(first), replicaSets: 1 });
    const second = await stage.push(one);
    await upgrade(one, 'b');
    assert.deepEqual(await state(), { image: pinned(first), replicaSets: 1 });

    await stage.kubectl(['annotate', '-n', 'helm', 'deployment/web', `tagpin.dev/refresh=*;${side}`]);
    await stage.list('helm', 'replicasets', (items) => items.length === 2);
    assert.equal((await state()).image, pinned(second));
    await upgrade(one, 'c');
    assert.deepEqual(await state(), { image: pinned(second), replicaSets: 2 });

    await upgrade(two, 'c');
    await stage.list('helm', 'replicasets', (items) => items.length === 3);
    assert.equal((await state()).image, pinned(other));
    await stage.push(one);
    await run('rollback', 'shop');
    await stage.list('helm', 'replicasets', (items) => items.length === 3);
    assert.equal((await state()).image, pinned(second));
    await run('uninstall', 'shop');
    await stage.kubectl(['delete', 'namespace', 'helm']);
  });
}
