import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { elements, property, valueAt } from '../../src/core/workload/json.ts';
import { listFollowedWorkloads, patchWorkload, readWorkloadObject } from '../../src/kubernetes/followed-workloads.ts';
import type { JsonObject } from '../../src/kubernetes/request/answer.ts';
import { keyOf } from '../../src/kubernetes/request/list.ts';
import type { KubernetesRequest } from '../../src/kubernetes/request/requests.ts';
import { workloadPath } from '../../src/kubernetes/workloads.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { sharedControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { workloadObject } from '../support/planned-workload.ts';

const { signal } = new AbortController();
const FOLLOW = 'tagpin.dev/follow';

describe('workloads of a real API server', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();

  async function create(namespace: string, name: string, annotations: Readonly<Record<string, string>>): Promise<void> {
    const selector = { matchLabels: { app: 'web' } };
    const { spec } = workloadObject({ spec: { selector } });
    const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, annotations }, spec };
    await shared.client.request({ method: 'POST', path: workloadPath('Deployment', namespace), body });
  }

  test('are listed by their metadata, and only those that are annotated are read', async () => {
    const namespace = await shared.namespace();
    await create(namespace, 'followed', { [FOLLOW]: '- container: api' });
    await create(namespace, 'other', {});
    const requests: KubernetesRequest[] = [];
    const client = {
      request(request: KubernetesRequest) {
        requests.push(request);
        return shared.client.request(request);
      },
    };
    const found: unknown[] = [];
    for await (const objects of listFollowedWorkloads(client, 'Deployment', FOLLOW, signal)) found.push(...objects);
    const own = found.filter((object) => valueAt(object, ['metadata', 'namespace']) === namespace);
    assert.deepEqual(
      own.map((object) => keyOf(object as never)),
      [`${namespace}/followed`],
    );
    assert.equal(valueAt(own[0], ['spec', 'replicas']), 1);
    assert.ok(
      requests.every(({ path, representation }) => representation === 'metadata' || path.endsWith('/followed')),
    );
  });

  test('are listed whole where many are annotated', async () => {
    const requests: KubernetesRequest[] = [];
    const metadata = (index: number) => ({
      namespace: 'shop',
      name: `web-${index}`,
      annotations: index % 5 === 0 ? { [FOLLOW]: '- container: api' } : {},
    });
    const client = {
      request(request: KubernetesRequest): Promise<JsonObject> {
        requests.push(request);
        const from = Number(request.query?.['continue'] ?? 0);
        const to = Math.min(1000, from + Number(request.query?.['limit']));
        const whole = request.representation === 'metadata' ? {} : { spec: { replicas: 1 } };
        const items = Array.from({ length: to - from }, (_, each) => ({ metadata: metadata(from + each), ...whole }));
        return Promise.resolve({ metadata: { resourceVersion: '1', continue: to === 1000 ? '' : `${to}` }, items });
      },
    };
    const found: unknown[] = [];
    for await (const objects of listFollowedWorkloads(client, 'Deployment', FOLLOW, signal)) found.push(...objects);
    assert.equal(found.length, 200);
    assert.ok(found.every((object) => valueAt(object, ['spec', 'replicas']) === 1));
    assert.equal(requests.length, 12, 'two pages of metadata, ten of whole objects');
  });

  test('are read by their name, where they are', async () => {
    const namespace = await shared.namespace();
    assert.equal(await readWorkloadObject(shared.client, { kind: 'Deployment', namespace, name: 'web' }, signal), null);
  });

  test('are patched as tagpin, only where the tests hold, and what was stored comes back', async () => {
    const namespace = await shared.namespace();
    const name = { kind: 'Deployment', namespace, name: 'web' } as const;
    await create(namespace, 'web', { [FOLLOW]: '- {container: api, image: "a>b<c&d"}' });
    const before = await readWorkloadObject(shared.client, name, signal);
    const template = valueAt(before, ['spec', 'template', 'metadata']);
    const patch = (value: unknown) => [
      { op: 'test', path: '/spec/template/metadata', value },
      {
        op: 'test',
        path: '/spec/template/spec/containers/0',
        value: valueAt(before, ['spec', 'template', 'spec', 'containers']),
      },
      { op: 'add', path: '/spec/template/metadata/annotations', value: { a: 'b' } },
    ];
    const outrun = await patchWorkload(shared.client, name, patch(template), signal);
    assert.equal(outrun.kind, 'conflict');
    const good = patch(template).filter(({ path }) => !path.endsWith('/0'));
    const written = await patchWorkload(shared.client, name, good, signal);
    assert.equal(written.kind, 'written');
    if (written.kind === 'written') {
      assert.equal(valueAt(written.object, ['spec', 'template', 'metadata', 'annotations', 'a']), 'b');
    }
    const gone = await patchWorkload(shared.client, { ...name, name: 'gone' }, good, signal);
    assert.equal(gone.kind, 'conflict');
    const stored = await readWorkloadObject(shared.client, name, signal);
    const managers = elements(valueAt(stored, ['metadata', 'managedFields'])).map((each) => property(each, 'manager'));
    assert.ok(managers.includes('tagpin'));
  });

  test('what a schema or a policy of the cluster refuses is no race: it fails, and says why', async () => {
    const namespace = await shared.namespace();
    const name = { kind: 'Deployment', namespace, name: 'web' } as const;
    await create(namespace, 'web', { [FOLLOW]: '- container: api' });
    const image = '/spec/template/spec/containers/0/image';
    const invalid = await patchWorkload(shared.client, name, [{ op: 'replace', path: image, value: '' }], signal);
    assert.equal(invalid.kind, 'failed');
    assert.match(invalid.kind === 'failed' ? invalid.message : '', /image: Required value/);

    const group = '/apis/admissionregistration.k8s.io/v1';
    const metadata = { name: `freeze-${namespace}` };
    const resourceRules = [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['*'] }];
    const expression = `object.metadata.namespace != '${namespace}'`;
    const validations = [{ expression, message: 'change freeze until Monday' }];
    const policy = { metadata, spec: { matchConstraints: { resourceRules }, validations } };
    const binding = { metadata, spec: { policyName: metadata.name, validationActions: ['Deny'] } };
    await shared.client.request({ method: 'POST', path: `${group}/validatingadmissionpolicies`, body: policy });
    await shared.client.request({ method: 'POST', path: `${group}/validatingadmissionpolicybindings`, body: binding });
    await eventually('the policy is in force', async () => {
      const patch = [{ op: 'replace', path: image, value: 'other' }];
      const refused = await patchWorkload(shared.client, name, patch, signal);
      return refused.kind === 'failed' && refused.message.includes('change freeze until Monday');
    });
  });

  test('a follow annotation with characters that JSON may write in two ways is tested as it is', async () => {
    const namespace = await shared.namespace();
    const value = '- {container: api, image: "a>b<c&d"}';
    await create(namespace, 'web', { [FOLLOW]: value });
    const path = '/metadata/annotations/tagpin.dev~1follow';
    const name = { kind: 'Deployment', namespace, name: 'web' } as const;
    const patched = await patchWorkload(shared.client, name, [{ op: 'test', path, value }], signal);
    assert.equal(patched.kind, 'written');
    const all = await readWorkloadObject(shared.client, name, signal);
    const containers = {
      op: 'test',
      path: '/spec/template/spec/containers',
      value: valueAt(all, ['spec', 'template', 'spec', 'containers']),
    };
    assert.equal((await patchWorkload(shared.client, name, [containers], signal)).kind, 'written');
  });
});
