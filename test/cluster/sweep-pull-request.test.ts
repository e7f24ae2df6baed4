/** `tagpin sweep` that proposes what it would write: a real API server, real git, and a stand-in of Gitea's API. */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { serveGit } from '../support/git-http.ts';
import { makeRepository } from '../support/git-repository.ts';
import { TOKEN } from '../support/hosting.ts';
import { startHostOf } from '../support/hosting-dialects.ts';
import { sweptCluster } from '../support/swept-cluster.ts';

describe('tagpin sweep with pull requests', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = sweptCluster();
  const { shared } = cluster;

  test('a proposal is opened once, and the next one takes its place', async (t) => {
    const namespace = await shared.namespace();
    const repository = makeRepository(t, { 'shop/values.yaml': 'image:\n  tag: main\n' });
    const host = await startHostOf('gitea');
    t.after(() => host.close());
    const server = await serveGit(t, repository, {
      authorization: `Basic ${Buffer.from(`tagpin:${TOKEN}`).toString('base64')}`,
      before: (request, response) => {
        if (request.url?.startsWith('/api/') !== true) return false;
        const path = request.url.replace('/api/v1/repos/acme/shop', '/git/api/v1/repos/acme/deploy');
        void forward(new URL(path, host.url), request, response);
        return true;
      },
    });
    await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
    await shared.plane.apply({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: 'default', namespace: 'argocd' },
      spec: { sourceRepos: ['*'], sourceNamespaces: ['*'] },
    });
    await shared.plane.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'deploy', namespace: 'argocd', labels: { 'argocd.argoproj.io/secret-type': 'repository' } },
      stringData: { url: server.url, username: 'tagpin', password: TOKEN, insecure: 'true' },
    });
    await cluster.policy('sweep:\n  applicationNamespaces: [argocd, "test-*"]\n');
    const registry = cluster.registry();
    const follow = {
      'image-list': `web=${registry.host}/acme/proposed:main`,
      'web.update-strategy': 'digest',
      'web.helm.image-tag': 'image.tag',
      'write-back-method': 'git',
      'write-back-target': 'helmvalues',
      'pull-request': 'gitea',
    };
    const source = { repoURL: server.url, path: 'shop', targetRevision: 'main', helm: {} };
    const first = registry.pushImage('acme/proposed', 'main');
    await cluster.create({ namespace, follow, source });
    const folder = join(shared.plane.folder, `mirrors-${namespace}`);
    const sweep = async (): Promise<readonly string[]> => {
      const swept = await cluster.sweep(namespace, `--git-directory=${folder}`);
      assert.doesNotMatch(JSON.stringify(swept), new RegExp(TOKEN));
      return swept.changes.map(
        ({ outcome, reason, message }) => `${outcome} ${reason}${outcome === 'written' ? '' : `: ${message}`}`,
      );
    };

    assert.deepEqual(await sweep(), ['written Moved']);
    const [opened] = host.stored;
    assert.match(opened?.title ?? '', /^build: automatic update of shop$/);
    assert.equal(repository.git('show', `${opened?.branch}:shop/values.yaml`), `image:\n  tag: main@${first}\n`);
    assert.equal(repository.git('show', 'main:shop/values.yaml'), 'image:\n  tag: main\n');
    assert.deepEqual(await sweep(), [
      'unchanged UpToDate: it was committed before, and is not committed again: where somebody took it back it stays so',
    ]);
    assert.equal(host.stored.length, 1);

    const second = registry.pushImage('acme/proposed', 'main');
    assert.deepEqual(await sweep(), ['written Moved']);
    assert.deepEqual(
      host.stored.map(({ state }) => state),
      ['closed', 'open'],
    );
    assert.equal(
      repository.git('show', `${host.stored[1]?.branch}:shop/values.yaml`),
      `image:\n  tag: main@${second}\n`,
    );
  });
});

async function forward(to: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  const answer = await fetch(to, {
    method: request.method ?? 'GET',
    headers: { authorization: request.headers.authorization ?? '', 'content-type': 'application/json' },
    ...(body !== '' && { body }),
  });
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
}
