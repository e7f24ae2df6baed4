import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { CONTROL_PLANE, PROGRAMS, skipWithout } from '../environment/programs.ts';
import { runProcess } from '../support/process.ts';

const skip = skipWithout(...CONTROL_PLANE, PROGRAMS.registry, PROGRAMS.crane, PROGRAMS.cosign);

test('the demo shows the whole story on a real control plane, and leaves nothing behind', { skip }, async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-demo-test-'));
  const demo = join(import.meta.dirname, '../demo/cluster.ts');
  const environment = { ...process.env, TMPDIR: folder.path, NO_COLOR: '1' };
  const { code, stdout, stderr } = await runProcess(process.execPath, [demo], { environment, timeout: 240_000 });
  assert.equal(code, 0, `${stdout}${stderr}`);
  for (const shown of [
    '✓ a bad policy is refused when it is applied, with line and column',
    '✓ it is stored with the digest that the tag means',
    '✓ diff, apply, an edit and a restart: the digest stays',
    '✓ it is pinned to what the tag means now',
    '✓ applying the tag again does not undo the undo',
    '✓ its Helm parameter is the digest that the tag means',
    '✓ once: the next sweep writes nothing',
    '✓ the revert is respected',
    '✓ until the tag means a third thing',
    '✓ a commit is pushed',
    '✓ it is signed with the key that the policy names',
    '✓ the next sweep commits nothing',
    '✓ the revert in git is respected as well',
    '✓ the container has the digest that its tag means now',
    '✓ the environment variable is bumped',
    '✓ it was one rollout for both',
    '✓ it moved to the newest version that verifies',
    '✓ past a newer one, which the report names with its reason',
    '✓ it is denied, with the entry that wants it signed',
    '✓ a signed one is admitted',
    '✓ a workload that would be unpinned is refused',
  ]) {
    assert.ok(stdout.includes(shown), shown);
  }
  assert.deepEqual(await readdir(folder.path), []);
});
