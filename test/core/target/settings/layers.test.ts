import assert from 'node:assert/strict';
import test from 'node:test';
import { joinLayers } from '../../../../src/core/target/settings/layers.ts';
import type { Manifest } from '../../../support/application.ts';
import { imageUpdater } from '../../../support/application.ts';

function layer(name: string, alias: string, more: Manifest = {}) {
  const { references } = imageUpdater(
    { ...more, applicationRefs: [{ namePattern: '*', images: [{ alias, imageName: alias }] }] },
    name,
  );
  return references[0]?.layer ?? assert.fail();
}

test('no layer says nothing, and one is itself', () => {
  const nothing = joinLayers([]);
  assert.equal(nothing.images, null);
  assert.equal(nothing.shared('a', 'update-strategy'), null);
  const one = layer('one', 'a');
  assert.equal(joinLayers([one]), one);
});

test('each is asked about the images that it names', () => {
  const joined = joinLayers([
    layer('one', 'a', { commonUpdateSettings: { updateStrategy: 'digest' } }),
    layer('two', 'b', { commonUpdateSettings: { updateStrategy: 'alphabetical' } }),
  ]);
  assert.deepEqual(
    joined.images?.map(({ alias }) => alias),
    ['a', 'b'],
  );
  assert.equal(joined.shared('a', 'update-strategy')?.text, 'digest');
  assert.equal(joined.shared('b', 'update-strategy')?.text, 'alphabetical');
  assert.deepEqual(joined.problems, []);
});

test('several that write to different places stop the Application', () => {
  const { problems } = joinLayers([layer('one', 'a'), layer('two', 'b', { writeBackConfig: { method: 'git' } })]);
  assert.deepEqual(problems, [
    {
      kind: 'error',
      key: 'ImageUpdater argocd/two spec.writeBackConfig.method',
      image: null,
      problem: 'several resources select this Application and say nothing and "git": make them agree',
    },
  ]);
});
