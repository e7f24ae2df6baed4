import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  listRepositorySecrets,
  readGitSecret,
  readRepositoryTrust,
} from '../../../src/kubernetes/secrets/repository-secrets.ts';
import { CONTROL_PLANE, skipWithout } from '../../environment/programs.ts';
import { sharedControlPlane } from '../../support/control-plane.ts';

const URL = 'https://github.com/acme/shop';
const TYPE = 'argocd.argoproj.io/secret-type';

describe("Argo CD's Secrets about repositories", { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();
  const signal = (): AbortSignal => AbortSignal.timeout(10_000);

  function secret(namespace: string, name: string, type: string | null, stringData: Readonly<Record<string, string>>) {
    const labels = type === null ? {} : { [TYPE]: type };
    return shared.plane.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name, labels }, stringData });
  }

  test('those of git are listed, and no others', async () => {
    const argocd = await shared.namespace();
    await secret(argocd, 'shop', 'repository', { url: URL, username: 'u', password: 'p', project: 'shop' });
    await secret(argocd, 'team', 'repo-creds', { url: 'https://github.com/acme', password: 'q' });
    await secret(argocd, 'charts', 'repository', { url: 'https://charts.example.com', type: 'helm' });
    await secret(argocd, 'cluster', 'cluster', { server: 'https://x', config: '{}' });
    await secret(argocd, 'other', null, { url: URL, password: 'r' });
    const listed = await listRepositorySecrets(shared.client, argocd, signal());
    assert.deepEqual(
      listed.map(({ kind, name, project }) => [kind, name, project]),
      [
        ['repository', 'shop', 'shop'],
        ['repo-creds', 'team', null],
      ],
    );
  });

  test('a Secret that an Application names is read in its own namespace only', async () => {
    const [own, other] = [await shared.namespace(), await shared.namespace()];
    await secret(own, 'git', null, { username: 'u', password: 'p' });
    await secret(other, 'git', null, { username: 'u', password: 'p' });
    const read = (namespace: string, name: string) =>
      readGitSecret(shared.client, { applicationNamespace: own, secret: { namespace, name }, url: URL }, signal());
    const found = await read(own, 'git');
    assert.ok('credential' in found && found.credential?.kind === 'password');
    assert.deepEqual(await read(other, 'git'), {
      refused: `the Secret ${other}/git is not in the Application's own namespace`,
    });
    assert.deepEqual(await read(own, 'none'), { refused: `the Secret ${own}/none is not there` });
  });

  test('known hosts and authorities are those of Argo CD', async () => {
    const argocd = await shared.namespace();
    const nobody = await readRepositoryTrust(shared.client, argocd, signal());
    assert.deepEqual([nobody.knownHosts, nobody.authorityOf('git.example.com')], [null, null]);
    const map = (name: string, data: Readonly<Record<string, string>>) =>
      shared.plane.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: argocd, name }, data });
    await map('argocd-ssh-known-hosts-cm', { ssh_known_hosts: 'github.com ssh-ed25519 AAAA\n' });
    await map('argocd-tls-certs-cm', { 'git.example.com': 'PEM', empty: '' });
    const trust = await readRepositoryTrust(shared.client, argocd, signal());
    assert.equal(trust.knownHosts, 'github.com ssh-ed25519 AAAA\n');
    assert.deepEqual(
      ['Git.example.com', 'empty', 'toString'].map((host) => trust.authorityOf(host)),
      ['PEM', null, null],
    );
  });
});
