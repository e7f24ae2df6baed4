/** `tagpin sweep` with write-back to git, where one tenant would use, read or lose what another has. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { serveGit } from '../support/git-http.ts';
import { makeRepository } from '../support/git-repository.ts';
import { sweptCluster } from '../support/swept-cluster.ts';

const VALUES = { 'shop/values.yaml': 'image:\n  tag: 1.0.0\n' };

describe('tagpin sweep, method git, among tenants', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = sweptCluster();
  const { shared } = cluster;

  async function secret(name: string, stringData: Readonly<Record<string, string>>): Promise<void> {
    const labels = { 'argocd.argoproj.io/secret-type': 'repository' };
    const metadata = { name, namespace: 'argocd', labels };
    await shared.plane.apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData });
  }

  async function setUp(t: TestContext, more = '') {
    const namespace = await shared.namespace();
    await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
    for (const name of ['default', 'one', 'two']) {
      const spec = { sourceRepos: ['*'], sourceNamespaces: ['*'] };
      const metadata = { name, namespace: 'argocd' };
      await shared.plane.apply({ apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', metadata, spec });
    }
    await cluster.policy(`sweep:\n  applicationNamespaces: [argocd, "test-*"]\n${more}`);
    const repository = makeRepository(t, VALUES);
    const server = await serveGit(t, repository);
    const registry = cluster.registry();
    registry.pushImage(`acme/${namespace}`, '1.1.0');
    const follow = {
      'image-list': `web=${registry.host}/acme/${namespace}:1.x`,
      'web.helm.image-tag': 'image.tag',
      'write-back-method': 'git',
    };
    const source = (source: object = {}) => ({
      repoURL: server.url,
      path: 'shop',
      targetRevision: 'main',
      helm: {},
      ...source,
    });
    const folder = join(shared.plane.folder, `mirrors-${namespace}`);
    const sweep = async (...args: readonly string[]) => {
      const swept = await cluster.sweep(namespace, `--git-directory=${folder}`, ...args);
      const told = swept.changes.map((change) => [change.target.name, `${change.outcome}: ${change.message}`] as const);
      return { ...swept, told: Object.fromEntries(told) };
    };
    const login = (username: string) => ({ url: server.url, username, password: 'canary', insecure: 'true' });
    return { namespace, repository, server, follow, source, folder, sweep, login };
  }

  test('each project commits with the Secret that is for it', async (t) => {
    const { namespace, server, follow, source, sweep, login } = await setUp(t);
    await secret(`one-${namespace}`, { ...login('of-one'), project: 'one' });
    await secret(`all-${namespace}`, login('of-all'));
    for (const name of ['one', 'two']) {
      await cluster.create({ namespace, name, follow, spec: { project: name, source: source() } });
    }
    const { told } = await sweep();
    assert.deepEqual(Object.values(told), ['written: from nothing to 1.1.0', 'written: from nothing to 1.1.0']);
    const pushes = server.requests.filter(({ path }) => path.endsWith('/git-receive-pack'));
    const users = pushes.map(({ authorization }) => Buffer.from(authorization?.slice(6) ?? '', 'base64').toString());
    assert.deepEqual([...new Set(users)].toSorted(), ['of-all:canary', 'of-one:canary']);
  });

  test('a password in a URL is in no report, Event and log', async (t) => {
    const { namespace, server, follow, source, sweep, login, folder } = await setUp(t);
    await secret(`two-${namespace}`, { ...login('u'), url: server.url.replace('//', '//u:canary@'), project: 'two' });
    await secret(`token-${namespace}`, { ...login('u'), url: server.url.replace('//', '//canary@') });
    for (const [name, user] of Object.entries({ theirs: 'u:canary', at: 'u:p@canary', token: 'canary' })) {
      const repoURL = server.url.replace('//', `//${user}@`);
      await cluster.create({ namespace, name, follow, source: source({ repoURL }) });
    }
    const running = cluster.start(`--git-directory=${folder}`, '--operations-listen=127.0.0.1:0', '--interval=1h');
    await running.waitFor(/"swept"/);
    const { stdout } = await running.stop();
    const { told, stderr } = await sweep();
    const events = await Promise.all(Object.keys(told).map((name) => cluster.events(namespace, name)));
    assert.match(
      told['theirs'] ?? '',
      /^refused: no Secret for http:\/\/127\.0\.0\.1:\d+\/acme\/shop\.git is for project default/,
    );
    assert.match(stdout, /"repository":"http:\/\/127/);
    assert.doesNotMatch(JSON.stringify([told, stderr, events, stdout]), /canary/);
  });

  test('a file that a protected Application reads stays, also for who is named alone', async (t) => {
    const { namespace, repository, follow, source, sweep, login } = await setUp(t, '  protect: [{project: two}]\n');
    await secret(`all-${namespace}`, login('u'));
    await cluster.create({ namespace, name: 'live', spec: { project: 'two', source: source() } });
    const own = `shop/.argocd-source-${namespace}_live.yaml`;
    repository.commit('main', { [own]: 'helm:\n  parameters:\n  - {name: image.tag, value: 1.0.0}\n' });
    const targets = { values: 'helmvalues', theirs: `helmvalues:/${own}` };
    for (const [name, target] of Object.entries(targets)) {
      const place = name === 'theirs' ? { 'web.helm.image-tag': 'helm.parameters[0].value' } : {};
      await cluster.create({
        namespace,
        name,
        follow: { ...follow, ...place, 'write-back-target': target },
        source: source(),
      });
    }
    const head = repository.head('main');
    const named = Object.keys(targets).map((name) => `--target=Application/${namespace}/${name}`);
    for (const { told } of [await sweep(...named), await sweep()]) {
      for (const name of Object.keys(targets)) {
        assert.match(
          told[name] ?? '',
          /^refused: .*: an Application that the policy's sweep\.protect protects reads it/,
        );
      }
    }
    assert.equal(repository.head('main'), head);
  });

  test('what is to be written elsewhere from now on is written there', async (t) => {
    const { namespace, repository, follow, source, sweep, login } = await setUp(t);
    await secret(`all-${namespace}`, login('u'));
    repository.git('branch', 'release', 'main');
    await cluster.create({ namespace, follow, source: source() });
    assert.match((await sweep()).told['shop'] ?? '', /^written/);
    const say = async (key: string, value: string): Promise<string | undefined> => {
      const path = `/metadata/annotations/tagpin.dev~1${key}`;
      await cluster.edit(namespace, 'shop', [{ op: 'add', path, value }]);
      return (await sweep()).told['shop'];
    };
    assert.match((await say('write-back-target', 'helmvalues')) ?? '', /^written/);
    assert.match((await say('git-branch', 'release')) ?? '', /^written/);
    assert.equal(repository.show('main', 'shop/values.yaml'), repository.show('release', 'shop/values.yaml'));
    assert.match((await say('git-branch', 'release')) ?? '', /^unchanged/);
  });

  test('a folder of mirrors that is none fails what is in git, and nothing else', async (t) => {
    const { namespace, follow, source, sweep, folder, login } = await setUp(t);
    await secret(`all-${namespace}`, login('u'));
    writeFileSync(folder, 'a file');
    await cluster.create({ namespace, name: 'git', follow, source: source() });
    const direct = { ...follow, 'write-back-method': 'argocd' };
    await cluster.create({ namespace, name: 'direct', follow: direct, source: source() });
    const { told, code } = await sweep();
    assert.equal(code, 1);
    assert.match(told['git'] ?? '', /^failed: the folder of the mirrors can't be worked in: EEXIST/);
    assert.match(told['direct'] ?? '', /^written/);
  });
});
