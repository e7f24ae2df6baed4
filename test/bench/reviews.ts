import { deployment, type Images, type Manifest } from '../support/admission.ts';

/** A review of a Deployment as an API server sends one: about 6 KB with the fields that it fills in. */
export function reviewOf(
  images: Images,
  old: { images: Images; pins: string } | null = null,
  namespace = 'shop',
): string {
  const object = filled(deployment(images, old === null ? {} : { annotations: { 'tagpin.dev/pins': old.pins } }));
  const oldObject =
    old === null ? null : filled(deployment(old.images, { annotations: { 'tagpin.dev/pins': old.pins } }));
  const request = {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    resource: { group: 'apps', version: 'v1', resource: 'deployments' },
    requestKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    requestResource: { group: 'apps', version: 'v1', resource: 'deployments' },
    name: 'web',
    namespace,
    operation: old === null ? 'CREATE' : 'UPDATE',
    userInfo: { username: 'alice@example.com', groups: ['developers', 'system:authenticated'] },
    object,
    oldObject,
    dryRun: false,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'kubectl-client-side-apply' },
  };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
}

/** What a stored object carries besides: environment, probes, and who manages which field. */
function filled(object: Manifest): Manifest {
  const spec = object['spec'] as { template: { spec: { containers: Manifest[] } } };
  for (const container of spec.template.spec.containers) {
    container['env'] = Array.from({ length: 20 }, (_, index) => ({
      name: `SETTING_${index}`,
      value: `value of ${index}`,
    }));
    container['resources'] = { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } };
    container['livenessProbe'] = { httpGet: { path: '/healthz', port: 8080, scheme: 'HTTP' }, periodSeconds: 10 };
  }
  const fields = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`f:field${index}`, { 'f:value': {} }]));
  const managedFields = [
    {
      manager: 'kubectl-client-side-apply',
      operation: 'Update',
      apiVersion: 'apps/v1',
      fieldsType: 'FieldsV1',
      fieldsV1: fields,
    },
  ];
  return { ...object, metadata: { ...(object['metadata'] as Manifest), managedFields, labels: { app: 'web' } } };
}
