import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { permitsSource } from '../../../src/core/target/repository/app-project.ts';
import { getAppProject } from '../../../src/kubernetes/argo-cd/app-projects.ts';
import { CONTROL_PLANE, skipWithout } from '../../environment/programs.ts';
import { sharedControlPlane } from '../../support/control-plane.ts';
import { installArgoCdResources } from '../../support/custom-resources.ts';

describe('AppProjects', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();

  test('one is read by its name, and one that is not there is none', async (t) => {
    const problem = await installArgoCdResources(shared.plane);
    if (problem !== null) return t.skip(problem);
    const namespace = await shared.namespace();
    await shared.plane.apply({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { namespace, name: 'shop' },
      spec: { sourceRepos: ['https://github.com/acme/*'], sourceNamespaces: ['team-*'] },
    });
    const get = (name: string) => getAppProject(shared.client, { namespace, name }, AbortSignal.timeout(10_000));
    const project = await get('shop');
    assert.ok(project !== null && permitsSource(project, 'https://github.com/acme/shop.git'));
    assert.deepEqual(project.sourceNamespaces, ['team-*']);
    assert.equal(await get('none'), null);
  });
});
