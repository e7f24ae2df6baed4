/** What the API server's own audit log keeps of decisions, also where another webhook changes the object after ours. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ApiObject, AuditEvent } from '../environment/control-plane.ts';
import { issueTestCertificates } from '../support/certificate.ts';
import { linesOf } from '../support/cluster-webhook.ts';
import { eventually } from '../support/eventually.ts';
import { type Loopback, startLoopback } from '../support/loopback.ts';
import { imageOf, manifest, pinsOf, podSpecOf } from './manifests.ts';
import { openStage, type Stage, skip } from './stage.ts';

const POLICY = `rules:
- {name: no-latest, match: {namespaces: [audited], tags: [latest]}, action: deny}
- {name: left-alone, match: {namespaces: [audited], tags: [edge]}, action: warn}
`;

describe('the audit log', { skip }, () => {
  let stage: Stage;
  let injector: Loopback;
  before(async () => {
    stage = await openStage({ policy: POLICY });
    injector = await installInjector(stage, stage.image('injected/sidecar:1'));
  });
  after(async () => {
    await injector?.close();
    await stage?.close();
  });

  /** The annotations of ours on the last request for an object. */
  async function annotationsOf(namespace: string, verb: string, name = 'web'): Promise<AuditEvent['annotations']> {
    const event = await eventually(`${verb} of ${name} in ${namespace} is in the audit log`, async () =>
      (await stage.plane.auditEvents()).findLast(
        ({ verb: done, objectRef }) =>
          done === verb && objectRef?.namespace === namespace && objectRef.name === name && !objectRef.subresource,
      ),
    );
    const ours = Object.entries(event.annotations ?? {}).filter(([key]) => key.startsWith('workloads.tagpin.dev/'));
    return Object.fromEntries(ours.map(([key, value]) => [key.split('/')[1] ?? '', value]));
  }

  test('tells for each decision what it was, by which rule, and what was pinned to what', async () => {
    const namespace = await stage.namespace('audited');
    const reference = stage.image('audited/app:1');
    const digest = await stage.push(reference);
    await stage.apply(manifest('Deployment', namespace, reference));
    assert.deepEqual(await annotationsOf(namespace, 'create'), {
      decision: 'patched',
      pins: JSON.stringify({ [reference]: digest }),
    });

    const bad = manifest('Deployment', namespace, stage.image('audited/app'), {}, 'denied');
    const { code } = await stage.plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(bad) });
    assert.equal(code, 1);
    const denied = await annotationsOf(namespace, 'create', 'denied');
    assert.deepEqual(denied, { decision: 'denied', 'policy-rule': 'no-latest' });

    const { stderr } = await stage.apply(
      manifest('Deployment', namespace, stage.image('audited/app:edge'), {}, 'left'),
    );
    assert.equal(stderr, `Warning: app: ${stage.image('audited/app:edge')} left as it is by rule left-alone\n`);
    const left = await annotationsOf(namespace, 'create', 'left');
    assert.deepEqual(left, { decision: 'allowed', 'policy-rule': 'left-alone' });
  });

  test('a dry run answers as the real request does, and is no decision in the log of the webhook', async () => {
    const namespace = await stage.namespace('dry-run');
    const reference = stage.image('dry-run/app:1');
    await stage.push(reference);
    const written = manifest('Deployment', namespace, reference);
    const decisions = () =>
      linesOf(stage.webhook(), 'admission').filter((line) => line['namespace'] === namespace).length;
    const create = ['create', '-o', 'json', '-f', '-'];
    const dry = await stage.kubectl([...create, '--dry-run=server'], written);
    assert.equal(decisions(), 0);
    const real = await stage.kubectl(create, written);
    assert.equal(dry.stderr, real.stderr);
    assert.deepEqual(pinsOf(JSON.parse(dry.stdout)), pinsOf(JSON.parse(real.stdout)));
    assert.equal(imageOf(JSON.parse(dry.stdout)), imageOf(JSON.parse(real.stdout)));
    await eventually('the line of the real request', () => decisions() > 0);
  });

  test('a sidecar that another webhook injects is pinned too, in a second round of the same request', async () => {
    const namespace = await stage.namespace('injected');
    await stage.kubectl(['label', 'namespace', namespace, 'inject=sidecar']);
    const [reference, sidecar] = [stage.image('injected/app:1'), stage.image('injected/sidecar:1')];
    const [digest, added] = [await stage.push(reference), await stage.push(sidecar)];
    const written = manifest('Deployment', namespace, reference);
    await stage.apply(written);
    const stored = await stage.stored(namespace, 'deployment/web');
    assert.deepEqual(
      podSpecOf(stored).containers.map(({ image }: ApiObject) => image),
      [`${stage.image('injected/app')}@${digest}`, `${stage.image('injected/sidecar')}@${added}`],
    );
    assert.deepEqual(Object.keys(pinsOf(stored)), ['containers/app', 'containers/sidecar', 'v']);
    assert.deepEqual(await annotationsOf(namespace, 'create'), {
      decision: 'patched',
      pins: JSON.stringify({ [reference]: digest }),
      'pins-added': JSON.stringify({ [sidecar]: added }),
    });
    await stage.push(sidecar);
    await stage.applyAgain(namespace, 'deployment/web', written);
    await stage.list(namespace, 'replicasets', ({ length }) => length === 1);
  });
});

/** Another webhook, called after ours, that adds a container where it is missing, as service meshes do. */
async function installInjector(stage: Stage, image: string): Promise<Loopback> {
  const { authority, serving } = await issueTestCertificates('injector');
  const injector = await startLoopback(
    (_request, response, body) => {
      const { uid, object } = JSON.parse(body).request;
      const { containers } = object.spec.template.spec;
      const value = { name: 'sidecar', image };
      const patch = containers.some(({ name }: ApiObject) => name === 'sidecar')
        ? []
        : [{ op: 'add', path: '/spec/template/spec/containers/-', value }];
      const answer = { uid, allowed: true, patchType: 'JSONPatch', patch: btoa(JSON.stringify(patch)) };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }));
    },
    { cert: serving.certificate, key: serving.key },
  );
  await stage.apply({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'zz-injector' },
    webhooks: [
      {
        name: 'injector.example.org',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        clientConfig: {
          url: `https://${injector.host}/inject`,
          caBundle: Buffer.from(authority.certificate).toString('base64'),
        },
        namespaceSelector: { matchLabels: { inject: 'sidecar' } },
        rules: [
          { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] },
        ],
      },
    ],
  });
  return injector;
}
