/** How plans become commits; the repositories are values here, test/cluster/sweep-git.test.ts has real ones. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { DEFAULT_POLICY } from '../../../src/core/policy/schema.ts';
import type { TargetPlan } from '../../../src/core/sweep/plan.ts';
import {
  type CommitNeeds,
  type CommitResult,
  createCommitTargets,
  type WantedCommit,
  type WantedPullRequest,
} from '../../../src/sweeper/application/commit-targets.ts';
import { own } from '../../support/application.ts';
import { PlannedTarget } from '../../support/planned-target.ts';

const URL = 'https://git.example/deploy.git';

/** A plan of an Application that follows a tag, with write-back to git. */
function planOf(name: string, keys: Readonly<Record<string, string>> = {}, spec: object = {}): TargetPlan {
  const follow = {
    'image-list': 'shop=ghcr.io/acme/shop:main',
    'shop.update-strategy': 'digest',
    'write-back-method': 'git',
  };
  const source = { repoURL: URL, path: 'shop', targetRevision: 'main', helm: {} };
  const target = new PlannedTarget({ annotations: own({ ...follow, ...keys }), source });
  const object = target.object as { metadata: object; spec: object };
  target.object = {
    ...object,
    metadata: { ...object.metadata, name, uid: `uid-${name}` },
    spec: { ...object.spec, ...spec },
  };
  const plan = target.plan();
  assert.equal(plan.writes.length, 1, JSON.stringify(plan.changes));
  return plan;
}

/** Commits plans to a repository with these files; tells what was wanted. */
async function commit(
  plans: readonly TargetPlan[],
  needs: Partial<CommitNeeds<string>> = {},
  files: Readonly<Record<string, string>> = {},
) {
  const commits: { base: string | null; push: string | null; files: readonly string[]; message: string }[] = [];
  const proposals: WantedPullRequest<string>[] = [];
  const all: CommitNeeds<string> = {
    controllerNamespace: () => 'argocd',
    access: async () => ({ kind: 'granted', access: 'ours', sharing: 'ours' }),
    async commit({ base, push, edit }: WantedCommit<string>): Promise<CommitResult> {
      const read = async (path: string) => {
        const text = files[path];
        return text === undefined ? ({ kind: 'absent' } as const) : ({ kind: 'file', text } as const);
      };
      const edited = await edit(read, base ?? 'main');
      commits.push({ base, push, files: [...edited.files.keys()].toSorted(), message: edited.message });
      const branch = push ?? 'main';
      return edited.files.size === 0
        ? { kind: 'unchanged', branch: 'main', base: 'main' }
        : { kind: 'pushed', branch, base: 'main' };
    },
    async propose(wanted) {
      proposals.push(wanted);
      return { kind: 'done' };
    },
    ...needs,
  };
  const { signal } = new AbortController();
  const context = { git: DEFAULT_POLICY.sweep.git, standing: [], protects: () => null, signal };
  const results = await createCommitTargets(all)(plans, context);
  return { results, commits, proposals };
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

test('Applications of one repository and branch share a commit, and others do not', async () => {
  const { commits, results } = await commit([planOf('a'), planOf('b'), planOf('c', { 'git-branch': 'test' })]);
  assert.deepEqual(commits.map(({ base, files }) => `${base} ${files.join(' ')}`).toSorted(byText), [
    'main shop/.argocd-source-a.yaml shop/.argocd-source-b.yaml',
    'test shop/.argocd-source-c.yaml',
  ]);
  assert.deepEqual([...results.values()], [{ kind: 'written' }, { kind: 'written' }, { kind: 'written' }]);
});

test('what is written elsewhere has a pull request of its own, which does not take the place of another', async () => {
  const elsewhere = { source: { repoURL: URL, path: 'other', targetRevision: 'main', helm: {} } };
  const wanted = { 'pull-request': 'github' };
  const { proposals, commits } = await commit([planOf('a', wanted), planOf('b', wanted, elsewhere)]);
  assert.equal(new Set(proposals.map(({ target }) => target)).size, 2);
  assert.equal(new Set(commits.map(({ push }) => push)).size, 2);
  for (const { push } of commits) assert.match(push ?? '', /^tagpin-[0-9a-f]{8}-[0-9a-f]{64}$/);
  for (const { message } of proposals) assert.match(message, /^build: automatic update of [ab]\n/);
});

test('nothing is proposed where the base says it already', async () => {
  const first = await commit([planOf('a')]);
  assert.equal(first.commits.length, 1);
  const [write] = planOf('a').writes;
  const parameters = write?.proposed.kind === 'helm' ? write.proposed.parameters : assert.fail();
  const lines = parameters.map(({ name, value }) => `  - {name: ${name}, value: "${value}", forceString: true}\n`);
  const file = { 'shop/.argocd-source-a.yaml': `helm:\n  parameters:\n${lines.join('')}` };
  const { proposals, results } = await commit([planOf('a', { 'pull-request': 'github' })], {}, file);
  assert.deepEqual([proposals.length, [...results.values()]], [0, [{ kind: 'unchanged' }]]);
});

test('who is granted another credential has a commit of its own', async () => {
  const { commits } = await commit([planOf('a'), planOf('b')], {
    access: async ({ application: { name } }) => ({ kind: 'granted', access: name, sharing: name }),
  });
  assert.deepEqual(
    commits.map(({ files }) => files),
    [['shop/.argocd-source-a.yaml'], ['shop/.argocd-source-b.yaml']],
  );
});

test('who may not write is refused, and holds up nobody', async () => {
  const { results, commits } = await commit([planOf('a'), planOf('b')], {
    access: async ({ application }) =>
      application.name === 'a'
        ? { kind: 'refused', message: 'not yours' }
        : { kind: 'granted', access: 'ours', sharing: 'ours' },
  });
  assert.deepEqual(results.get('uid-a'), { kind: 'refused', message: 'not yours' });
  assert.deepEqual(results.get('uid-b'), { kind: 'written' });
  assert.deepEqual(
    commits.map(({ files }) => files),
    [['shop/.argocd-source-b.yaml']],
  );
});

test('a template that can not be read is refused with what is wrong in it', async () => {
  const { results, commits } = await commit([planOf('a', { 'git-branch': 'main:x-{{.Nope}}' })]);
  const result = results.get('uid-a');
  assert.match(result?.kind === 'refused' ? result.message : '', /^git-branch: the template has \{\{\.Nope\}\}/);
  assert.equal(commits.length, 0);
});
