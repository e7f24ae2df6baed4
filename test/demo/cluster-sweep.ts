import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ApiObject, ControlPlane } from '../environment/control-plane.ts';
import { issueTestCertificates } from '../support/certificate.ts';
import { sweeperObjects } from '../support/chart.ts';
import { installArgoCdResources } from '../support/custom-resources.ts';
import { serveGit } from '../support/git-http.ts';
import { type Lifetime, makeRepository, type RemoteRepository } from '../support/git-repository.ts';
import { makeSshKey } from '../support/git-ssh.ts';
import type { FinishedProcess } from '../support/process.ts';
import { commandsFor } from './commands.ts';
import { BrokenClaim, claim, say, showCommand, showDiff, step } from './stage.ts';

/** A control plane where tagpin is installed, with a policy that lets the registry be asked and names the key to sign with. */
export interface SweptPlane {
  readonly plane: ControlPlane;
  /** Where commands are typed. */
  readonly folder: string;
  /** Of the registry. */
  readonly host: string;
  /** Makes a reference mean another image. @returns the digest. */
  readonly push: (reference: string) => Promise<string>;
}

const NAMESPACE = 'argocd';
const VALUES = 'shop/values.yaml';

/**
 * The part of `npm run demo:cluster` about Applications.
 *
 * @returns what sweeps once.
 */
export async function demonstrateSweeper(
  lifetime: Lifetime,
  swept: SweptPlane,
): Promise<() => Promise<FinishedProcess>> {
  const { plane, folder, host, push } = swept;
  step('The sweeper, and Applications to sweep');
  const problem = await installArgoCdResources(plane);
  if (problem !== null) throw new BrokenClaim(problem);
  say('Argo CD’s own resources are there, and no Argo CD that runs (npm run test:argocd has a real one).');
  showCommand(['kubectl', 'apply', '-f', 'deploy/install-sweeper.yaml']);
  await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  for (const object of sweeperObjects()) if (object.kind !== 'Deployment') await plane.apply(object);
  const { kubectl, tagpin } = commandsFor(plane, folder, {
    TAGPIN_KUBECONFIG: await plane.kubeconfigFor('system:serviceaccount:tagpin-system:tagpin-sweeper'),
    TAGPIN_NAMESPACE: 'tagpin-system',
    TAGPIN_GIT_DIRECTORY: join(folder, 'mirrors'),
  });
  const sweep = (): Promise<FinishedProcess> => tagpin('sweep', '--once');
  await plane.apply({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: 'default', namespace: NAMESPACE },
    spec: { sourceRepos: ['*'] },
  });
  const image = `${host}/shop/web`;
  const first = await push(`${image}:main`);
  await follow(plane, 'web', 'https://git.example/deploy.git', {
    'tagpin.dev/image-list': `web=${image}:main`,
    'tagpin.dev/web.update-strategy': 'digest',
  });
  const before = await read(plane, 'web');
  await sweep();
  const bumped = await read(plane, 'web');
  showDiff(sourceOf(before), sourceOf(bumped));
  claim('its Helm parameter is the digest that the tag means', tagOf(bumped) === `main@${first}`);

  step('The tag that it follows moves');
  const second = await push(`${image}:main`);
  await sweep();
  const moved = await read(plane, 'web');
  claim('the parameter is bumped', tagOf(moved) === `main@${second}`);
  await sweep();
  const { resourceVersion } = (await read(plane, 'web')).metadata;
  claim('once: the next sweep writes nothing', resourceVersion === moved.metadata.resourceVersion);

  step('Somebody goes back to what ran before');
  const back = [{ op: 'replace', path: '/spec/source/helm/parameters/1/value', value: `main@${first}` }];
  const patch = ['--type=json', '--patch', JSON.stringify(back)];
  await kubectl('patch', 'applications.argoproj.io/web', '-n', NAMESPACE, ...patch);
  const { stdout } = await sweep();
  claim('the sweeper waits, and says why', stdout.includes('Contested'));
  claim('the revert is respected', tagOf(await read(plane, 'web')) === `main@${first}`);
  const third = await push(`${image}:main`);
  await sweep();
  claim('until the tag means a third thing', tagOf(await read(plane, 'web')) === `main@${third}`);

  step('An Application whose values are in git');
  const secret = ['--resource=secrets', '--resource-name=tagpin-signing'];
  const account = '--serviceaccount=tagpin-system:tagpin-sweeper';
  const role = ['tagpin-sweeper-secrets', '-n', 'tagpin-system'];
  await kubectl('create', 'role', ...role, '--verb=get', ...secret);
  await kubectl('create', 'rolebinding', ...role, '--role=tagpin-sweeper-secrets', account);
  await demonstrateCommits(lifetime, swept, sweep);
  return sweep;
}

async function demonstrateCommits(
  lifetime: Lifetime,
  { plane, folder, host, push }: SweptPlane,
  sweep: () => Promise<FinishedProcess>,
): Promise<void> {
  const image = `${host}/shop/api`;
  const text = `# What the shop runs.\nimage:\n  name: ${image}\n  tag: main   # bumped\n`;
  const repository = makeRepository(lifetime, { [VALUES]: text });
  const { url, signers } = await serve(lifetime, plane, repository);
  writeFileSync(join(folder, 'signers'), signers);
  const trust = ['-c', `gpg.ssh.allowedSignersFile=${join(folder, 'signers')}`];
  const digest = await push(`${image}:main`);
  await follow(plane, 'api', url, {
    'tagpin.dev/image-list': `api=${image}:main`,
    'tagpin.dev/api.update-strategy': 'digest',
    'tagpin.dev/write-back-method': 'git',
    'tagpin.dev/write-back-target': 'helmvalues',
  });
  const commits = (): string => repository.git('rev-list', '--count', 'main').trim();
  await sweep();
  const after = repository.show('main', VALUES);
  showDiff(text, after);
  claim('a commit is pushed', commits() === '2');
  claim('it changes one value and no other byte', after === text.replace('main ', `main@${digest} `));
  showCommand(['git', 'log', '--show-signature', '-1']);
  const log = repository.git(...trust, 'log', '--show-signature', '-1', 'main');
  say(log);
  // It throws where the signature is not good.
  repository.git(...trust, 'verify-commit', 'main');
  claim('it is signed with the key that the policy names', log.includes('Good "git" signature'));
  await sweep();
  claim('the next sweep commits nothing', commits() === '2');

  say('Somebody reverts the commit.');
  repository.commit('main', { [VALUES]: text }, 'Revert');
  await sweep();
  claim('the revert in git is respected as well', commits() === '3' && repository.show('main', VALUES) === text);
}

/** Serves a repository over https, and tells Argo CD how to reach it, and tagpin what to sign with. */
async function serve(
  lifetime: Lifetime,
  plane: ControlPlane,
  repository: RemoteRepository,
): Promise<{ readonly url: string; readonly signers: string }> {
  const { authority, serving } = await issueTestCertificates('demo');
  const [username, password] = ['tagpin', randomBytes(16).toString('hex')];
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const { url } = await serveGit(lifetime, repository, { authorization, tls: serving });
  const key = makeSshKey(lifetime);
  const labels = { 'argocd.argoproj.io/secret-type': 'repository' };
  for (const [kind, metadata, data] of [
    ['Secret', { name: 'shop', namespace: NAMESPACE, labels }, { url, username, password }],
    ['ConfigMap', { name: 'argocd-tls-certs-cm', namespace: NAMESPACE }, { '127.0.0.1': authority.certificate }],
    ['Secret', { name: 'tagpin-signing', namespace: 'tagpin-system' }, { 'ssh-privatekey': key.privateKey }],
  ] as const) {
    await plane.apply({ apiVersion: 'v1', kind, metadata, [kind === 'Secret' ? 'stringData' : 'data']: data });
    say(`${kind} ${metadata.name}`);
  }
  say(`${url}, over TLS, for who has the password of Secret shop`);
  return { url, signers: `tagpin@example.com ${key.publicKey}\n` };
}

/** Makes an Application of a chart in git, and shows what it follows. */
async function follow(
  plane: ControlPlane,
  name: string,
  repoURL: string,
  annotations: Readonly<Record<string, string>>,
): Promise<void> {
  say(stringify({ metadata: { name, annotations } }, { lineWidth: 0 }));
  await plane.apply({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace: NAMESPACE, annotations },
    spec: {
      project: 'default',
      source: { repoURL, path: 'shop', targetRevision: 'main', helm: {} },
      destination: { server: 'https://kubernetes.default.svc', namespace: 'shop' },
    },
  });
}

function read(plane: ControlPlane, name: string): Promise<ApiObject> {
  return plane.get(`/apis/argoproj.io/v1alpha1/namespaces/${NAMESPACE}/applications/${name}`);
}

function sourceOf({ spec }: ApiObject): string {
  return stringify(spec.source, { lineWidth: 0 });
}

/** The value of its parameter `image.tag`. */
function tagOf({ spec }: ApiObject): string {
  return spec.source.helm.parameters[1].value;
}
