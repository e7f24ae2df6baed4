import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { valueAt } from '../../src/core/workload/json.ts';
import {
  listOciRepositories,
  patchOciRepository,
  readOciRepositoryObject,
} from '../../src/kubernetes/oci-repositories.ts';
import type { JsonObject } from '../../src/kubernetes/request/answer.ts';
import { KubernetesError } from '../../src/kubernetes/request/error.ts';
import { keyOf } from '../../src/kubernetes/request/list.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { sharedControlPlane } from '../support/control-plane.ts';
import { installFluxResources } from '../support/custom-resources.ts';
import { ociRepository } from '../support/oci-repository.ts';

const { signal } = new AbortController();
const FOLLOW = 'tagpin.dev/follow';

async function keysOf(pages: AsyncIterable<readonly JsonObject[]>): Promise<readonly (string | null)[]> {
  const keys: (string | null)[] = [];
  for await (const page of pages) keys.push(...page.map(keyOf));
  return keys;
}

describe('OCIRepositories of a real API server', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();

  async function create(namespace: string, name: string, annotations: Readonly<Record<string, string>>): Promise<void> {
    const path = `/apis/source.toolkit.fluxcd.io/v1/namespaces/${namespace}/ocirepositories`;
    const body = { ...ociRepository(), metadata: { name, annotations } };
    await shared.client.request({ method: 'POST', path, body });
  }

  before(async () => {
    // Before there are such resources.
    assert.deepEqual(await keysOf(listOciRepositories(shared.client, FOLLOW, signal)), []);
    assert.equal(await readOciRepositoryObject(shared.client, { namespace: 'apps', name: 'podinfo' }, signal), null);
    assert.equal(await installFluxResources(shared.plane), null);
  });

  test('are listed where they are annotated', async () => {
    const namespace = await shared.namespace();
    await create(namespace, 'followed', { [FOLLOW]: 'semver' });
    await create(namespace, 'other', {});
    const keys = await keysOf(listOciRepositories(shared.client, FOLLOW, signal));
    assert.deepEqual(
      keys.filter((key) => key?.startsWith(`${namespace}/`)),
      [`${namespace}/followed`],
    );
  });

  test('are patched as tagpin, and only where the tests hold', async () => {
    const namespace = await shared.namespace();
    const name = { namespace, name: 'podinfo' };
    await create(namespace, 'podinfo', { [FOLLOW]: 'semver' });
    const patch = (generation: number) => [
      { op: 'test', path: '/metadata/generation', value: generation },
      // The API server's own text of it is another: `\\u003e=1.0.0`.
      { op: 'test', path: '/spec/ref', value: { semver: '>=1.0.0' } },
      { op: 'add', path: '/spec/ref/tag', value: '1.0.0' },
    ];
    assert.equal((await patchOciRepository(shared.client, name, patch(7), signal)).kind, 'conflict');
    assert.deepEqual(await patchOciRepository(shared.client, name, patch(1), signal), { kind: 'written' });
    const object = await readOciRepositoryObject(shared.client, name, signal);
    assert.deepEqual(valueAt(object, ['spec', 'ref']), { semver: '>=1.0.0', tag: '1.0.0' });
    const managers = valueAt(object, ['metadata', 'managedFields']) as readonly JsonObject[];
    assert.ok(managers.some(({ manager, operation }) => manager === 'tagpin' && operation === 'Update'));
    const gone = await patchOciRepository(shared.client, { namespace, name: 'gone' }, patch(1), signal);
    assert.equal(gone.kind, 'conflict');
  });

  test('what an API server fails at is told', async () => {
    const failing = { request: () => Promise.reject(new KubernetesError('Unavailable', 'it is away')) };
    const name = { namespace: 'apps', name: 'podinfo' };
    assert.deepEqual(await patchOciRepository(failing, name, [], signal), { kind: 'failed', message: 'it is away' });
    await assert.rejects(keysOf(listOciRepositories(failing, FOLLOW, signal)), { code: 'Unavailable' });
    await assert.rejects(readOciRepositoryObject(failing, name, signal), { code: 'Unavailable' });
  });
});
