/** Who shares a commit, a branch and a file with whom. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { DEFAULT_POLICY } from '../../../src/core/policy/schema.ts';
import { settle, type TargetPlan, type WriteResult } from '../../../src/core/sweep/plan.ts';
import { piecesOf } from '../../../src/sweeper/application/commit-pieces.ts';
import { createCommitTargets, type WantedRepository } from '../../../src/sweeper/application/commit-targets.ts';
import { own } from '../../support/application.ts';
import { PlannedTarget } from '../../support/planned-target.ts';

function targetOf(name: string, keys: Readonly<Record<string, string>> = {}, source: object = {}): PlannedTarget {
  const follow = { 'image-list': 'shop=ghcr.io/acme/shop:main', 'shop.update-strategy': 'digest' };
  const from = { repoURL: 'https://git.example/deploy.git', path: 'shop', targetRevision: 'main', helm: {} };
  const annotations = own({ ...follow, 'write-back-method': 'git', ...keys });
  const target = new PlannedTarget({ annotations, source: { ...from, ...source } });
  const object = target.object as { metadata: object };
  target.object = { ...object, metadata: { ...object.metadata, name, uid: `uid-${name}` } };
  return target;
}

async function commit(
  plans: readonly TargetPlan[],
  sharing: (wanted: WantedRepository) => string = () => 'ours',
  standing: readonly TargetPlan[] = [],
) {
  const commits: { access: string; push: string | null; files: Readonly<Record<string, string>> }[] = [];
  const write = createCommitTargets<string>({
    controllerNamespace: () => 'argocd',
    access: async (wanted) => ({ kind: 'granted', access: sharing(wanted), sharing: sharing(wanted) }),
    async commit({ access, push, edit }) {
      const { files } = await edit(async () => ({ kind: 'absent' }), 'main');
      commits.push({ access, push, files: Object.fromEntries(files) });
      return { kind: 'pushed', branch: push ?? 'main', base: 'main' };
    },
    propose: async () => ({ kind: 'done' }),
  });
  const { signal } = new AbortController();
  const results = await write(plans, { git: DEFAULT_POLICY.sweep.git, standing, protects: () => null, signal });
  const problem = (name: string): string => {
    const result: WriteResult | undefined = results.get(`uid-${name}`);
    return result === undefined ? 'nothing' : 'message' in result ? `${result.kind}: ${result.message}` : result.kind;
  };
  return { commits, problem };
}

test('nobody rides on the credentials of another: who is granted others has a commit of its own', async () => {
  const plans = ['a', 'b', 'c'].map((name) => targetOf(name).plan());
  const { commits } = await commit(plans, ({ application }) => (application.name === 'b' ? 'reader' : 'writer'));
  const made = commits.map(({ access, files }) => `${access} ${Object.keys(files).length}`);
  assert.deepEqual(made.toSorted(), ['reader 1', 'writer 2']);
});

test('a branch that is made anew keeps what others have on it, and those with other credentials are refused', async () => {
  const branch = { 'git-branch': 'main:images' };
  const before = targetOf('before', branch);
  const { now } = settle(before.plan(), { kind: 'written' });
  before.state = now;
  const standing = [before.plan()];
  assert.deepEqual([standing[0]?.writes.length, standing[0]?.standing.length], [0, 1]);
  const moving = [targetOf('now', branch).plan(), targetOf('theirs', branch).plan()];
  const { commits, problem } = await commit(
    moving,
    ({ application }) => (application.name === 'theirs' ? 'theirs' : 'ours'),
    standing,
  );
  assert.deepEqual(
    commits.map(({ access, files }) => [access, Object.keys(files)]),
    [['ours', ['shop/.argocd-source-before.yaml', 'shop/.argocd-source-now.yaml']]],
  );
  assert.match(problem('theirs'), /^refused: git-branch: images is the branch of argocd\/before too/);
  assert.equal(problem('before'), 'nothing');
});

test('what was committed to the base itself is not committed again', () => {
  const target = targetOf('base');
  target.state = settle(target.plan(), { kind: 'written' }).now;
  const plan = target.plan();
  assert.deepEqual(piecesOf(plan, 'standing'), []);
  assert.deepEqual(plan.writes, []);
});

test('one file is not also a folder, and two do not put different values into one place', async () => {
  const at = (path: string) => ({ 'write-back-target': `helmvalues:${path}`, 'shop.helm.image-tag': 'tag' });
  const other = { ...at('same.yaml'), 'shop.format': 'tag' };
  const plans = [
    targetOf('one', at('new.yaml')).plan(),
    targetOf('below', at('new.yaml/x.yaml')).plan(),
    targetOf('same', at('same.yaml')).plan(),
    targetOf('equal', at('same.yaml')).plan(),
    targetOf('fights', other).plan(),
  ];
  const { commits, problem } = await commit(plans);
  assert.deepEqual(Object.keys(commits[0]?.files ?? {}), ['shop/new.yaml', 'shop/same.yaml']);
  assert.match(problem('below'), /^refused: shop\/new\.yaml\/x\.yaml: another Application writes shop\/new\.yaml/);
  assert.match(problem('fights'), /^refused: shop\/same\.yaml: argocd\/same writes tag, too, and something else/);
  assert.deepEqual([problem('one'), problem('same'), problem('equal')], ['written', 'written', 'unchanged']);
});

test('what is followed into another file, or to another branch, is written there', () => {
  const target = targetOf('moves');
  target.state = settle(target.plan(), { kind: 'written' }).now;
  assert.equal(target.plan().writes.length, 0);
  const { object } = targetOf('moves', { 'write-back-target': 'helmvalues', 'shop.helm.image-tag': 'tag' });
  target.object = object;
  assert.equal(target.plan().writes.length, 1);
});

test('a range of versions is no branch, and the way out is one that git-branch names', async () => {
  for (const targetRevision of ['v1.*', '>=1.0.0 <2.0.0', '~1.2', '^1', '=1.2.3']) {
    const { commits, problem } = await commit([targetOf('ranged', {}, { targetRevision }).plan()]);
    assert.deepEqual(commits, []);
    const range = `its targetRevision ${JSON.stringify(targetRevision)} is a range of versions`;
    assert.equal(problem('ranged'), `refused: ${range}, and only branches are written to: name one in git-branch`);
  }
  for (const named of [targetOf('named', { 'git-branch': 'main' }, { targetRevision: 'v1.*' }), targetOf('named')]) {
    assert.equal((await commit([named.plan()])).problem('named'), 'written');
  }
});
