/** Tries deploy/replace-deployment-repository-script.md: the old script and what takes its place, on real git and a real API server. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { parseAllDocuments, stringify } from 'yaml';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { serveGit } from '../support/git-http.ts';
import { makeRepository, type RemoteRepository, scratchFolder } from '../support/git-repository.ts';
import { makeSshKey } from '../support/git-ssh.ts';
import { openPageShell, readPage } from '../support/page.ts';
import { pagedCluster } from '../support/paged-cluster.ts';

const page = readPage('replace-deployment-repository-script.md');
const FILES = ['worker/worker.yaml', 'web/kustomization.yaml', 'api/values.yaml'];

/** The deployment repository of the page. */
function deploymentRepository(t: TestContext): RemoteRepository {
  return makeRepository(t, Object.fromEntries(FILES.map((path) => [path, page.file(`repository/${path}`)])));
}

/** Are the last so many commits signed with this key by this address? */
function assertSigned(repository: RemoteRepository, folder: string, signer: string, count: number): void {
  const signers = join(folder, 'allowed-signers');
  writeFileSync(signers, signer);
  const commits = repository.git('rev-list', `--max-count=${count}`, 'main').trim().split('\n');
  assert.equal(commits.length, count);
  for (const commit of commits) {
    repository.git('-c', `gpg.ssh.allowedSignersFile=${signers}`, 'verify-commit', commit);
  }
}

describe('in the place of a script that commits new images: in CI', () => {
  /** Runs one of the page's scripts as CI would. @returns the repository's files after it. */
  async function runScript(t: TestContext, name: string, onPush: (repository: RemoteRepository) => void = () => {}) {
    const repository = deploymentRepository(t);
    let pushes = 0;
    const { url } = await serveGit(t, repository, {
      before(request) {
        if (request.method === 'POST' && request.url?.endsWith('/git-receive-pack') === true) {
          pushes += 1;
          if (pushes === 1) onPush(repository);
        }
        return false;
      },
    });
    const folder = scratchFolder(t);
    const { privateKey, publicKey } = makeSshKey(t);
    writeFileSync(join(folder, 'key'), privateKey, { mode: 0o600 });
    const environment = { REPOSITORY: url, TAG: 'v1.1.0', SIGNING_KEY: join(folder, 'key') };
    const shell = openPageShell(folder, environment);
    page.write(folder);
    const result = await shell.run(name);
    const files = FILES.map((path) => repository.show('main', path));
    return { repository, folder, shell, result, files, signer: `ci-bot@example.org ${publicKey}\n` };
  }

  test('it writes what the script wrote, byte for byte, in signed commits of the same author', async (t) => {
    const old = await runScript(t, 'before/update-images.sh');
    assert.equal(old.result.code, 0, old.result.stderr);
    assertSigned(old.repository, old.folder, old.signer, 1);
    const made = await runScript(t, 'after/update-images.sh');
    assert.equal(made.result.code, 0, made.result.stderr);
    assert.deepEqual(made.files, old.files);
    for (const text of made.files) assert.match(text, /v1\.1\.0/);
    assert.doesNotMatch(made.files.join(), /v1\.0\.0/);
    assertSigned(made.repository, made.folder, made.signer, 3);
    assert.match(
      made.repository.git('log', '-3', '--format=%an <%ae>', 'main'),
      /^(?:ci-bot <ci-bot@example\.org>\n){3}$/,
    );

    const head = made.repository.head('main');
    await made.shell.output('after/update-images.sh');
    assert.equal(made.repository.head('main'), head, 'nothing to do is no commit');
  });

  test('where somebody else was first, in the same line, the script fails and its successor does not', async (t) => {
    const race = (repository: RemoteRepository): void => {
      const text = repository.show('main', 'worker/worker.yaml');
      repository.commit('main', { 'worker/worker.yaml': text.replaceAll('v1.0.0', 'v1.0.1'), 'other.yaml': 'a: 2\n' });
    };
    const old = await runScript(t, 'before/update-images.sh', race);
    assert.notEqual(old.result.code, 0);
    assert.doesNotMatch(old.files.join(), /v1\.1\.0/);

    const made = await runScript(t, 'after/update-images.sh', race);
    assert.equal(made.result.code, 0, made.result.stderr);
    for (const text of made.files) assert.match(text, /v1\.1\.0/);
    assert.equal(made.repository.show('main', 'other.yaml'), 'a: 2\n');
    assertSigned(made.repository, made.folder, made.signer, 3);
  });
});

describe('in the place of a script that commits new images: the sweeper', {
  skip: skipWithout(...CONTROL_PLANE),
}, () => {
  const cluster = pagedCluster(page);
  const { shared } = cluster;

  async function setUp(t: TestContext) {
    const repository = deploymentRepository(t);
    const { url } = await cluster.serveTrusted(t, repository, { user: 'ci-bot', password: 'TOKEN' });
    const shell = cluster.shell({ 'https://git.example.org/acme/deploy.git': url });
    for (const name of ['web', 'api', 'worker']) {
      for (const tag of ['v1.0.0', 'v1.1.0', 'v2.0.0']) cluster.registry().pushImage(`acme/${name}`, tag);
    }
    return { repository, shell };
  }

  test('what several Applications follow is one signed commit', async (t) => {
    const { repository, shell } = await setUp(t);
    await shell.output(page.under('## After, by the sweeper'));
    const swept = await shell.output(page.under('## See that it works'));
    assert.match(swept, /2 written/);
    assert.match(repository.show('main', 'web/kustomization.yaml'), /newTag: v1\.1\.0 # written by CI\n/);
    assert.match(repository.show('main', 'api/values.yaml'), /^image: # of the shop's API\n.*tag: v1\.1\.0\n$/ms);
    const key = readFileSync(join(shell.folder, 'signing-key.pub'), 'utf8');
    assertSigned(repository, shell.folder, `tagpin@example.org ${key}`, 1);
    assert.equal(repository.git('rev-list', '--count', 'main').trim(), '2');
    assert.deepEqual(cluster.summaries(await cluster.sweepAll()), [
      'api api: unchanged UpToDate',
      'web web: unchanged UpToDate',
    ]);
  });

  test('plain manifests follow by a kustomization beside them', async (t) => {
    const { repository, shell } = await setUp(t);
    repository.commit('main', { 'worker/kustomization.yaml': page.file('after/worker/kustomization.yaml') });
    await shell.output(page.under('## After, by the sweeper'));
    const [web] = parseAllDocuments(readFileSync(join(shell.folder, 'after/applications.yaml'), 'utf8'));
    await shared.plane.apply(stringify(web).replaceAll(/\bweb\b/g, 'worker'));
    await cluster.sweepAll('--target=Application/argocd/worker');
    assert.match(repository.show('main', 'worker/kustomization.yaml'), /newTag: v1\.1\.0\}\]/);
    assert.equal(repository.show('main', 'worker/worker.yaml'), page.file('repository/worker/worker.yaml'));
  });

  test('the way back holds it', async (t) => {
    const { repository, shell } = await setUp(t);
    const head = repository.head('main');
    await shell.output(page.under('## After, by the sweeper'));
    await shell.output(page.under('## The way back'));
    assert.deepEqual(cluster.summaries(await cluster.sweepAll()), [
      'api api: waiting Paused',
      'web web: waiting Paused',
    ]);
    assert.equal(repository.head('main'), head);
  });
});
