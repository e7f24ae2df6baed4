/** Tries deploy/replace-refresh-cronjob.md: its manifests on a real API server with the webhook, its commands as they stand. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { followedCluster } from '../support/followed-cluster.ts';
import { findFollowed } from '../support/followed-workload.ts';
import { assertWellKept, openPageShell, readPage } from '../support/page.ts';
import { runProcess } from '../support/process.ts';

const page = readPage('replace-refresh-cronjob.md');
const VARIABLE = 'INGESTOR_IMAGE_DIGEST';
const TAGS = { 'jobs-manager': 'prod', 'pods-monitor': 'prod', ingestor: '0.3' } as const;

test('the page is short, and its links lead somewhere', () => assertWellKept(page));

test('the script of the CronJob is one that bash reads', async () => {
  const { spec } = parse(page.file('before/image-refresh.yaml').split(/^---$/m)[0] ?? '');
  const [script] = spec.jobTemplate.spec.template.spec.containers[0].args;
  const { code, stderr } = await runProcess('bash', ['-n', '-c', script], {
    environment: { PATH: process.env['PATH'] },
  });
  assert.deepEqual([code, stderr], [0, '']);
});

describe('in the place of a refresh CronJob', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = followedCluster();

  test('it takes over without a restart, moves what moves, and goes back', async () => {
    const { registry, plane } = cluster;
    await cluster.policy(`  - {host: ghcr.io, mirror: "${registry.host}"}\n`);
    const push = (image: keyof typeof TAGS): string => registry.pushImage(`acme/${image}`, TAGS[image]);
    const first = {
      'jobs-manager': push('jobs-manager'),
      'pods-monitor': push('pods-monitor'),
      ingestor: push('ingestor'),
    };
    const folder = join(plane.folder, 'page');
    page.write(folder);
    const shell = openPageShell(folder, { KUBECONFIG: plane.kubeconfig });

    // What the CronJob's script has done.
    await shell.output(
      'kubectl create namespace edge; kubectl apply -f before/jobs-manager.yaml -f before/image-refresh.yaml',
    );
    await shell.output(
      `kubectl -n edge set env deployment jobs-manager --containers api ${VARIABLE}=${first.ingestor}`,
    );
    const recorded = Object.entries(first).map(
      ([image, digest]) => `example.org/last-refreshed-${image}-digest=${digest}`,
    );
    await shell.output(`kubectl -n edge annotate deployment jobs-manager ${recorded.join(' ')}`);
    const manager = await findFollowed(cluster, { kind: 'Deployment', namespace: 'edge', name: 'jobs-manager' });
    await manager.rolls('settled');
    const before = (await manager.stored()).spec;

    const dry = await shell.output(page.under('## Change over'));
    assert.ok(dry.endsWith(page.under('## Change over', 'text')), dry);
    assert.deepEqual((await manager.stored()).spec, before);
    await manager.rolls('settled');
    await shell.output(page.under('## Take away what is left'));

    const [api, ingestor] = [push('jobs-manager'), push('ingestor')];
    const seen = await shell.output(page.under('## See that it works'));
    assert.match(seen, /^written Moved Deployment\/edge\/jobs-manager /m);
    const images = seen.split('\n').find((line) => line.startsWith('ghcr.io/'));
    assert.equal(images, `ghcr.io/acme/jobs-manager@${api} ghcr.io/acme/pods-monitor:prod`);
    assert.match(seen, /Normal .*deployment\/jobs-manager/);
    assert.equal(await manager.variable(VARIABLE), ingestor);
    const template = await manager.template();
    await manager.finish();
    const UP_TO_DATE = [
      'api unchanged UpToDate',
      `api/${VARIABLE} unchanged UpToDate`,
      'pods-monitor unchanged UpToDate',
    ];
    assert.deepEqual(await manager.look(), UP_TO_DATE);
    // The same manifest again changes nothing.
    await shell.output('kubectl apply -f after/jobs-manager.yaml');
    assert.equal(await manager.template(), template);
    await manager.rolls('settled');
    assert.deepEqual(await manager.look(), UP_TO_DATE);

    await shell.output(page.under('## The way back'));
    assert.deepEqual(await manager.look(), []);
    assert.equal(await manager.image('api'), 'ghcr.io/acme/jobs-manager:prod');
    assert.equal(await manager.variable(VARIABLE), ingestor);
    await plane.get('/apis/batch/v1/namespaces/edge/cronjobs/image-refresh');
  });
});
