/** `tagpin sweep` with write-back to git: a real API server with Argo CD's resources, real git over http and ssh. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { serveGit } from '../support/git-http.ts';
import { makeRepository, type RemoteRepository } from '../support/git-repository.ts';
import { makeSshKey, serveSsh, skipWithoutSshd } from '../support/git-ssh.ts';
import { type SweptRow, sweptCluster } from '../support/swept-cluster.ts';

const AUTHORIZATION = `Basic ${Buffer.from('bot:canary-password').toString('base64')}`;

describe('tagpin sweep, method git', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = sweptCluster();
  const { shared } = cluster;
  const outcomes = (rows: readonly SweptRow[]) => rows.map(({ outcome, reason }) => `${outcome} ${reason}`);
  const SWEEP = 'sweep:\n  applicationNamespaces: [argocd, "test-*"]\n';

  async function secret(name: string, data: Readonly<Record<string, string>>, labels = {}, namespace = 'argocd') {
    const metadata = { name, namespace, labels };
    await shared.plane.apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: data });
  }

  /** A namespace for Applications, Argo CD's own with a project, and a repository that Argo CD may write to. */
  async function setUp(t: TestContext, files: Readonly<Record<string, string>>, more = '') {
    const namespace = await shared.namespace();
    await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
    const repository = makeRepository(t, files);
    const server = await serveGit(t, repository, { authorization: AUTHORIZATION });
    const isOurs = { 'argocd.argoproj.io/secret-type': 'repository' };
    const login = { username: 'bot', password: 'canary-password', insecure: 'true' };
    await secret(`repository-${namespace}`, { url: server.url, ...login }, isOurs);
    await project({ sourceRepos: ['*'], sourceNamespaces: ['*'] });
    await cluster.policy(SWEEP + more);
    const folder = join(shared.plane.folder, `mirrors-${namespace}`);
    const sweep = async (...args: readonly string[]) => {
      const swept = await cluster.sweep(namespace, `--git-directory=${folder}`, ...args);
      assert.doesNotMatch(JSON.stringify(swept), /canary/);
      return swept;
    };
    const source = (helm: object = {}) => ({ repoURL: server.url, path: 'shop', targetRevision: 'main', helm });
    return { namespace, repository, server, sweep, source };
  }

  async function project(spec: object): Promise<void> {
    const metadata = { name: 'default', namespace: 'argocd' };
    await shared.plane.apply({ apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', metadata, spec });
  }

  const fileAt = (repository: RemoteRepository, branch: string, path: string): string =>
    repository.git('show', `${branch}:${path}`);

  test('two Applications of one repository are one commit, and nothing is pushed afterwards', async (t) => {
    const registry = cluster.registry();
    const { namespace, repository, sweep, source } = await setUp(t, {
      'shop/values.yaml': `# The shop.\nimage:\n  name: ${registry.host}/acme/old # the image\n  tag: "1.0.0"\n`,
      'README.md': 'hello\n',
    });
    for (const tag of ['1.0.0', '1.1.0', '2.0.0']) registry.pushImage('acme/git', tag);
    const image = `${registry.host}/acme/git`;
    const follow = { 'image-list': `web=${image}:1.x`, 'write-back-method': 'git' };
    await cluster.create({
      namespace,
      name: 'values',
      follow: { ...follow, 'write-back-target': 'helmvalues' },
      source: source(),
    });
    await cluster.create({ namespace, name: 'plain', follow, source: source() });
    const before = repository.head('main');

    const dry = await sweep('--dry-run');
    assert.deepEqual(outcomes(dry.changes), ['planned Moved', 'planned Moved'], JSON.stringify(dry));
    assert.equal(repository.head('main'), before);

    const { changes, code, stderr } = await sweep();
    assert.deepEqual(
      [outcomes(changes), code, stderr],
      [['written Moved', 'written Moved'], 0, ''],
      JSON.stringify(changes),
    );
    assert.equal(repository.git('rev-list', '--count', `${before}..main`).trim(), '1');
    assert.equal(
      fileAt(repository, 'main', 'shop/values.yaml'),
      `# The shop.\nimage:\n  name: ${image} # the image\n  tag: "1.1.0"\n`,
    );
    assert.match(fileAt(repository, 'main', `shop/.argocd-source-${namespace}_plain.yaml`), /value: "?1\.1\.0"?/);
    assert.match(
      repository.git('log', '-1', '--format=%an <%ae>%n%B'),
      /^tagpin <tagpin@example\.com>\nbuild: automatic update of (?:plain, values|values, plain)\n/,
    );

    assert.deepEqual(outcomes((await sweep()).changes), ['unchanged UpToDate', 'unchanged UpToDate']);
    assert.equal(repository.git('rev-list', '--count', `${before}..main`).trim(), '1');
  });

  test('a commit that somebody takes back stays taken back, until the tag means a third digest', async (t) => {
    const { namespace, repository, sweep, source } = await setUp(t, { 'shop/values.yaml': 'image:\n  tag: main\n' });
    const registry = cluster.registry();
    registry.pushImage('acme/back', 'main');
    const follow = {
      'image-list': `web=${registry.host}/acme/back:main`,
      'web.update-strategy': 'digest',
      'web.helm.image-tag': 'image.tag',
      'write-back-method': 'git',
      'write-back-target': 'helmvalues',
    };
    await cluster.create({ namespace, follow, source: source() });
    assert.deepEqual(outcomes((await sweep()).changes), ['written Moved']);
    repository.commit('main', { 'shop/values.yaml': 'image:\n  tag: main\n' }, 'Revert');
    const { changes } = await sweep();
    assert.deepEqual(outcomes(changes), ['unchanged UpToDate']);
    assert.match(changes[0]?.message ?? '', /where somebody took it back it stays so$/);
    const third = registry.pushImage('acme/back', 'main');
    assert.deepEqual(outcomes((await sweep()).changes), ['written Moved']);
    assert.equal(fileAt(repository, 'main', 'shop/values.yaml'), `image:\n  tag: main@${third}\n`);
  });

  test('a commit is signed with the key that the policy names, and goes to a branch of its own', async (t) => {
    const key = makeSshKey(t);
    await secret('tagpin-signing', { 'ssh-privatekey': key.privateKey }, {}, 'tagpin-system');
    const signing = '  git: {signing: {secret: tagpin-signing, format: ssh}, signOff: true}\n';
    const files = { 'shop/kustomization.yaml': 'images:\n- name: web\n  newTag: 1.0.0 # now\n' };
    const { namespace, repository, sweep, source } = await setUp(t, files, signing);
    const registry = cluster.registry();
    const digest = registry.pushImage('acme/signed', 'main');
    const image = `${registry.host}/acme/signed`;
    const follow = {
      'image-list': `web=${image}:main`,
      'web.update-strategy': 'digest',
      'web.kustomize.image-name': 'web',
      'write-back-method': 'git',
      'write-back-target': 'kustomization',
      'git-branch': 'main:update-{{.AppName}}-{{.SHA256}}',
    };
    const { helm: _, ...kustomize } = source();
    await cluster.create({
      namespace,
      follow,
      spec: { source: { ...kustomize, kustomize: {} } },
      status: { sourceType: 'Kustomize' },
    });
    const { changes } = await sweep();
    assert.deepEqual(outcomes(changes), ['written Moved'], JSON.stringify(changes));
    const sum = createHash('sha256').update(`${image}--main@${digest},`).digest('hex');
    const branch = `update-shop-${sum}`;
    assert.equal(fileAt(repository, 'main', 'shop/kustomization.yaml'), files['shop/kustomization.yaml']);
    assert.match(fileAt(repository, branch, 'shop/kustomization.yaml'), new RegExp(`newName: ${image}`));
    assert.match(repository.git('log', '-1', '--format=%B', branch), /\nSigned-off-by: tagpin <tagpin@example\.com>\n/);
    const allowed = join(shared.plane.folder, 'allowed-signers');
    writeFileSync(allowed, `tagpin@example.com ${key.publicKey}\n`);
    repository.git('-c', `gpg.ssh.allowedSignersFile=${allowed}`, 'verify-commit', branch);
  });

  test('over ssh, with the key of a Secret of the Application and the known hosts of Argo CD', {
    skip: skipWithoutSshd,
  }, async (t) => {
    const { namespace, sweep } = await setUp(t, {});
    const repository = makeRepository(t, { 'shop/values.yaml': 'image:\n  tag: 1.0.0\n' });
    const ssh = await serveSsh(t, repository);
    await secret('git-key', { sshPrivateKey: ssh.privateKey }, {}, namespace);
    const metadata = { name: 'argocd-ssh-known-hosts-cm', namespace: 'argocd' };
    await shared.plane.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
      data: { ssh_known_hosts: ssh.knownHosts },
    });
    const registry = cluster.registry();
    registry.pushImage('acme/ssh', '1.4.0');
    const follow = {
      'image-list': `web=${registry.host}/acme/ssh:1.x`,
      'web.helm.image-tag': 'image.tag',
      'write-back-method': `git:secret:${namespace}/git-key`,
      'write-back-target': 'helmvalues',
    };
    const source = { repoURL: ssh.url, path: 'shop', targetRevision: 'HEAD', helm: {} };
    await cluster.create({ namespace, follow, source });
    const { changes } = await sweep();
    assert.deepEqual(outcomes(changes), ['written Moved'], JSON.stringify(changes));
    assert.match(fileAt(repository, 'main', 'shop/values.yaml'), /tag: "?1\.4\.0"?/);
  });

  test('what the AppProject does not permit, and what a protected Application reads, is refused and holds up nobody', async (t) => {
    const protect = '  protect: [{project: production}]\n';
    const { namespace, repository, server, sweep, source } = await setUp(
      t,
      { 'shop/values.yaml': 'image:\n  tag: 1.0.0\n' },
      protect,
    );
    const elsewhere = makeRepository(t, { 'x/values.yaml': 'image:\n  tag: 1.0.0\n' });
    const other = await serveGit(t, elsewhere);
    const registry = cluster.registry();
    registry.pushImage('acme/kept', '1.1.0');
    const follow = {
      'image-list': `web=${registry.host}/acme/kept:1.x`,
      'web.helm.image-tag': 'image.tag',
      'write-back-method': 'git',
      'write-back-target': 'helmvalues',
    };
    await project({ sourceRepos: [server.url], sourceNamespaces: ['*'] });
    const production = { project: 'production', source: source() };
    await cluster.create({
      namespace,
      name: 'live',
      spec: { destination: { server: 'https://kubernetes.default.svc', namespace: 'shop' }, ...production },
    });
    await cluster.create({ namespace, name: 'reads', follow, source: source() });
    await cluster.create({
      namespace,
      name: 'theirs',
      follow: { ...follow, 'git-repository': other.url },
      source: source(),
    });
    const own = { ...follow, 'write-back-target': 'argocd-source' };
    delete (own as Record<string, string>)['write-back-target'];
    await cluster.create({ namespace, name: 'own', follow: own, source: source() });

    const { changes } = await sweep();
    const told = new Map(changes.map(({ target, outcome, message }) => [target.name, `${outcome}: ${message}`]));
    assert.match(
      told.get('reads') ?? '',
      /^refused: shop\/values\.yaml: an Application that the policy's sweep\.protect protects reads it/,
    );
    assert.match(told.get('theirs') ?? '', /^refused: the AppProject default does not permit http:/);
    assert.match(told.get('own') ?? '', /^written: /);
    assert.equal(elsewhere.git('rev-list', '--count', 'main').trim(), '1');
    assert.equal(fileAt(repository, 'main', 'shop/values.yaml'), 'image:\n  tag: 1.0.0\n');
  });

  test('what a remote refused is tried again on what others pushed meanwhile, with the message of the policy', async (t) => {
    const files = { 'shop/values.yaml': 'image:\n  tag: 1.0.0\n', 'other.yaml': 'a: 1\n' };
    const template = '  git: {messageTemplate: "chore({{.AppName}}): {{range .AppChanges}}{{.NewTag}}{{end}}"}\n';
    const { namespace, repository, sweep, source } = await setUp(t, files, template);
    const registry = cluster.registry();
    registry.pushImage('acme/race', '1.1.0');
    const follow = {
      'image-list': `web=${registry.host}/acme/race:1.x`,
      'web.helm.image-tag': 'image.tag',
      'write-back-method': 'git',
      'write-back-target': 'helmvalues',
    };
    await cluster.create({ namespace, follow, source: source() });
    // The first push is refused, as it is where somebody else was first.
    const hook = join(repository.path, 'hooks/pre-receive');
    const marker = join(repository.path, 'refused');
    const script = `#!/bin/sh\n[ -e '${marker}' ] && exit 0\ntouch '${marker}'\necho busy >&2\nexit 1\n`;
    writeFileSync(hook, script, { mode: 0o755 });
    const first = await sweep();
    assert.notEqual(first.changes[0]?.outcome, 'written', JSON.stringify(first));
    repository.commit('main', { 'other.yaml': 'a: 2\n' }, 'somebody else');
    const { changes } = await sweep();
    assert.deepEqual(outcomes(changes), ['written Moved'], JSON.stringify(changes));
    assert.equal(fileAt(repository, 'main', 'other.yaml'), 'a: 2\n');
    assert.equal(repository.git('log', '-1', '--format=%s', 'main').trim(), 'chore(shop): 1.1.0');
  });
});
