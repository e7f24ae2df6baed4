/** Tries deploy/replace-image-updater-git.md: its manifests on a real API server, its commands as they stand, real git over https. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { installImageUpdaterResource } from '../support/custom-resources.ts';
import { makeRepository, type RemoteRepository } from '../support/git-repository.ts';
import { makeSshKey } from '../support/git-ssh.ts';
import { type HostStandIn, TOKEN } from '../support/hosting.ts';
import { startHostOf } from '../support/hosting-dialects.ts';
import { readPage } from '../support/page.ts';
import { pagedCluster } from '../support/paged-cluster.ts';

const page = readPage('replace-image-updater-git.md');
const SOURCE = 'shop/.argocd-source-shop.yaml';
const VALUES = 'shop/values-prod.yaml';

describe('in the place of Image Updater with git write-back', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = pagedCluster(page);
  const { shared } = cluster;
  before(async () => {
    assert.equal(await installImageUpdaterResource(shared.plane), null);
    await cluster.deployImageUpdater();
  });

  /** The set-up as it was: a repository with what Image Updater has committed, which the newest tag is. */
  async function setUp(t: TestContext, ...files: readonly string[]) {
    const repository = makeRepository(t, {
      [SOURCE]: page.file(`repository/${SOURCE}`),
      [VALUES]: '# Production.\nimage:\n  repository: ghcr.io/acme/web\n  tag: "1.2.0" # the release\n',
    });
    const host = await startHostOf('github');
    t.after(() => host.close());
    const server = await cluster.serveTrusted(t, repository, {
      user: 'tagpin',
      password: TOKEN,
      before: (request, response) => {
        // The page's repository is the one that the stand-in has pull requests of.
        request.url = request.url?.replace(/^\/acme\/deploy\.git/, `/${repository.name}`) ?? '';
        if (!request.url.startsWith('/api/')) return false;
        void forward(new URL(request.url, host.url), request, response);
        return true;
      },
    });
    const shell = cluster.shell({ 'https://git.example.org': server.origin, TOKEN });
    const { privateKey, publicKey } = makeSshKey(t);
    writeFileSync(join(shell.folder, 'signing-key'), privateKey, { mode: 0o600 });
    cluster.registry().pushImage('acme/web', '1.2.0');
    for (const later of ['1.2.1', '1.2.2']) cluster.registry().removeTag('acme/web', later);
    await shell.output(`kubectl apply -f before/repository.yaml ${files.map((file) => `-f ${file}`).join(' ')}`);
    return { repository, host, shell, signer: `noreply@argoproj.io ${publicKey}\n` };
  }

  function assertSigned(repository: RemoteRepository, folder: string, signer: string, branch: string): void {
    const signers = join(folder, 'allowed-signers');
    writeFileSync(signers, signer);
    repository.git('-c', `gpg.ssh.allowedSignersFile=${signers}`, 'verify-commit', branch);
  }

  const sweep = async (): Promise<readonly string[]> => cluster.summaries(await cluster.sweepAll());
  const moved = ['shop web: written Moved'];

  test('it takes over with the old annotations, pushes nothing at first, then one signed commit', async (t) => {
    const { repository, shell, signer } = await setUp(t, 'before/shop.yaml');
    const head = repository.head('main');
    const first = await shell.output(page.under('## Change over'));
    assert.match(first, /^1 targets, 1 questions: 1 planned\n(?:.*\n)*1 targets, 1 questions: 1 unchanged\n$/m);
    assert.equal(repository.head('main'), head);

    cluster.registry().pushImage('acme/web', '1.2.1');
    assert.deepEqual(await sweep(), moved);
    const written = repository.show('main', SOURCE);
    assert.equal(written, page.file(`repository/${SOURCE}`).replace('1.2.0', '1.2.1'));
    assertSigned(repository, shell.folder, signer, 'main');
    assert.equal(
      repository.git('log', '-1', '--format=%an <%ae>%n%B', 'main').trim(),
      "argocd-image-updater <noreply@argoproj.io>\nbuild: automatic update of shop\n\nupdates image ghcr.io/acme/web tag '1.2.0' to '1.2.1'",
    );
    assert.deepEqual(await sweep(), ['shop web: unchanged UpToDate']);

    await shell.output(page.under('## The way back'));
    assert.deepEqual(await sweep(), ['shop web: waiting Paused']);
  });

  test('the same keys under tagpin.dev/ need no switch', async (t) => {
    const { repository, shell } = await setUp(t);
    const former = readFileSync(join(shell.folder, 'before/shop.yaml'), 'utf8');
    await shared.plane.apply(former.replaceAll('argocd-image-updater.argoproj.io/', 'tagpin.dev/'));
    const policy = readFileSync(join(shell.folder, 'after/policy.yaml'), 'utf8');
    writeFileSync(join(shell.folder, 'after/policy.yaml'), policy.replace('imageUpdater: true', 'imageUpdater: false'));
    await shell.output(page.under('## Change over'));
    cluster.registry().pushImage('acme/web', '1.2.1');
    assert.deepEqual(await sweep(), moved);
    assert.match(repository.show('main', SOURCE), /value: 1\.2\.1\n/);
  });

  test('a values file changes in one value, a kustomization too', async (t) => {
    const { repository, shell } = await setUp(t, 'before/shop.yaml');
    await shell.output(page.under('## Other files'));
    await shell.output(page.under('## Change over'));
    cluster.registry().pushImage('acme/web', '1.2.1');
    assert.deepEqual(await sweep(), moved);
    assert.equal(
      repository.show('main', VALUES),
      '# Production.\nimage:\n  repository: ghcr.io/acme/web\n  tag: "1.2.1" # the release\n',
    );

    repository.commit('main', { 'shop/kustomization.yaml': 'images:\n- name: web # ours\n  newTag: 1.2.0\n' });
    const { metadata, spec } = parse(readFileSync(join(shell.folder, 'before/shop.yaml'), 'utf8'));
    const { helm: _, ...source } = spec.source;
    const annotations = {
      'tagpin.dev/image-list': 'web=ghcr.io/acme/web:~1.2',
      'tagpin.dev/web.kustomize.image-name': 'web',
      'tagpin.dev/write-back-method': 'git',
      'tagpin.dev/write-back-target': 'kustomization',
    };
    await shared.plane.apply({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { ...metadata, name: 'kustomized', annotations },
      spec: { ...spec, source: { ...source, kustomize: {} } },
    });
    assert.deepEqual(await sweep(), ['kustomized web: written Moved', 'shop web: unchanged UpToDate']);
    assert.match(
      repository.show('main', 'shop/kustomization.yaml'),
      /^- name: web # ours\n(?:.*\n)*  newTag: 1\.2\.1$/m,
    );
  });

  test('a branch of its own has the commit, and main does not', async (t) => {
    const { repository, shell, signer } = await setUp(t, 'before/shop.yaml');
    await shell.output(page.under('## Change over'));
    await shell.output(page.under('## A branch of its own'));
    const head = repository.head('main');
    cluster.registry().pushImage('acme/web', '1.2.1');
    assert.deepEqual(await sweep(), moved);
    assert.equal(repository.head('main'), head);
    const branch = /update-shop-[0-9a-f]{64}/.exec(repository.git('branch', '--list'))?.[0] ?? assert.fail('no branch');
    assert.match(repository.show(branch, SOURCE), /value: 1\.2\.1\n/);
    assertSigned(repository, shell.folder, signer, branch);
  });

  for (const [what, files, command] of [
    ['a resource says', ['before/image-updater.yaml'], null],
    ['annotations say', [], '## A pull request'],
  ] as const) {
    test(`a pull request is opened as ${what} it, and the next one takes its place`, async (t) => {
      const { repository, host, shell } = await setUp(t, 'before/shop.yaml', ...files);
      if (command !== null) await shell.output(page.under(command));
      await shell.output(page.under('## Change over'));
      assert.deepEqual(proposed(host), [], 'what main says already is not proposed');
      cluster.registry().pushImage('acme/web', '1.2.1');
      assert.deepEqual(await sweep(), moved);
      const told = `main ${command === null ? '' : 'images'}: build: automatic update of shop`;
      assert.deepEqual(proposed(host), [`open ${told}`]);
      assert.equal(repository.show('main', SOURCE), page.file(`repository/${SOURCE}`));
      assert.match(repository.show(host.stored[0]?.branch ?? '', SOURCE), /value: 1\.2\.1\n/);
      cluster.registry().pushImage('acme/web', '1.2.2');
      assert.deepEqual(await sweep(), moved);
      assert.deepEqual(proposed(host), [`closed ${told}`, `open ${told}`]);
    });
  }
});

function proposed({ stored }: HostStandIn): readonly string[] {
  return stored.map(({ state, base, labels, title }) => `${state} ${base} ${labels.join()}: ${title}`);
}

async function forward(to: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  const answer = await fetch(to, {
    method: request.method ?? 'GET',
    headers: { authorization: request.headers.authorization ?? '', 'content-type': 'application/json' },
    ...(body !== '' && { body }),
  });
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
}
