import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  listApplications,
  patchApplication,
  readApplicationObject,
  readApplicationSet,
} from '../../../src/kubernetes/argo-cd/applications.ts';
import type { JsonObject } from '../../../src/kubernetes/request/answer.ts';
import { KubernetesError } from '../../../src/kubernetes/request/error.ts';
import { keyOf } from '../../../src/kubernetes/request/list.ts';
import { CONTROL_PLANE, skipWithout } from '../../environment/programs.ts';
import { sharedControlPlane } from '../../support/control-plane.ts';
import { installArgoCdResources } from '../../support/custom-resources.ts';

const { signal } = new AbortController();

async function keysOf(pages: AsyncIterable<readonly JsonObject[]>): Promise<readonly (string | null)[]> {
  const keys: (string | null)[] = [];
  for await (const page of pages) keys.push(...page.map(keyOf));
  return keys;
}

describe('Applications of a real API server', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();
  const path = (namespace: string) => `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/applications`;
  async function create(namespace: string, name: string): Promise<void> {
    const source = { repoURL: 'https://git.example/deploy', path: '.' };
    const spec = { project: 'default', destination: {}, source };
    const body = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name }, spec };
    await shared.client.request({ method: 'POST', path: path(namespace), body });
  }
  before(async () => {
    // Before there are such resources.
    assert.deepEqual(await keysOf(listApplications(shared.client, ['argocd', 'team-*'], signal)), []);
    assert.equal(await readApplicationObject(shared.client, { namespace: 'argocd', name: 'shop' }, signal), null);
    assert.equal(await installArgoCdResources(shared.plane), null);
  });

  test('are listed in the namespaces that are named, literally or by globs', async () => {
    const [one, two] = [await shared.namespace(), await shared.namespace()];
    for (const namespace of [one, two]) await create(namespace, 'shop');
    const listed = (...globs: readonly string[]) => keysOf(listApplications(shared.client, globs, signal));
    assert.deepEqual(await listed(one, one), [`${one}/shop`]);
    assert.deepEqual(await listed(one, two, 'nowhere'), [`${one}/shop`, `${two}/shop`]);
    assert.ok((await listed('test-*')).includes(`${two}/shop`));
    assert.deepEqual(await listed('team-*'), []);
  });

  test('are begun again where the list expired, and not for ever', async () => {
    let calls = 0;
    const page = { items: [{ metadata: { name: 'a' } }], metadata: { resourceVersion: '1' } };
    const expiring = (times: number) => ({
      request: async () => {
        calls += 1;
        if (calls % 2 === 0 && calls <= times * 2) throw new KubernetesError('Expired', 'too old');
        return calls > times * 2 ? page : { ...page, metadata: { resourceVersion: '1', continue: 'next' } };
      },
    });
    assert.deepEqual(await keysOf(listApplications(expiring(2), ['argocd'], signal)), ['a', 'a', 'a']);
    calls = 0;
    await assert.rejects(keysOf(listApplications(expiring(3), ['argocd'], signal)), { code: 'Expired' });
  });

  test('are patched under the name tagpin, or not at all', async () => {
    const namespace = await shared.namespace();
    await create(namespace, 'shop');
    const name = { namespace, name: 'shop' };
    const replace = { op: 'replace', path: '/spec/source/path', value: 'new' };
    const test = (value: string) => ({ op: 'test', path: '/spec/source/path', value });
    assert.deepEqual(await patchApplication(shared.client, name, [test('.'), replace], signal), { kind: 'written' });
    const object = (await readApplicationObject(shared.client, name, signal)) as {
      metadata: { managedFields: { manager: string }[] };
    };
    assert.ok(object.metadata.managedFields.some(({ manager }) => manager === 'tagpin'));
    const outrun = await patchApplication(shared.client, name, [test('.'), replace], signal);
    assert.equal(outrun.kind, 'conflict');
    const gone = await patchApplication(shared.client, { namespace, name: 'gone' }, [replace], signal);
    assert.equal(gone.kind, 'conflict');
    const refusing = { request: () => Promise.reject(new KubernetesError('Forbidden', 'you may not')) };
    assert.deepEqual(await patchApplication(refusing, name, [replace], signal), {
      kind: 'failed',
      message: 'you may not',
    });
    await assert.rejects(patchApplication(shared.client, name, [replace], AbortSignal.abort('over')), (error) => {
      return error === 'over';
    });
  });

  test('have ApplicationSets, which may be missing', async () => {
    const namespace = await shared.namespace();
    assert.equal(await readApplicationSet(shared.client, { namespace, name: 'shops' }, signal), null);
    const spec = {
      generators: [],
      template: { metadata: { name: 'x' }, spec: { project: 'default', destination: {}, source: { repoURL: 'x' } } },
    };
    const body = { apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', metadata: { name: 'shops' }, spec };
    const sets = path(namespace).replace('applications', 'applicationsets');
    await shared.client.request({ method: 'POST', path: sets, body });
    const found = await readApplicationSet(shared.client, { namespace, name: 'shops' }, signal);
    assert.equal(keyOf(found ?? {}), `${namespace}/shops`);
  });
});
