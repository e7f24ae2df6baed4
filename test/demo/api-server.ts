import { randomUUID } from 'node:crypto';
import { request as post } from 'node:https';
import { json } from 'node:stream/consumers';
import { applyPatch, type Operation } from 'rfc6902';
import type { AdmissionReview } from '../../src/core/admission/response.ts';

/** A Deployment as far as the demo looks into it. */
export interface Deployment {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; annotations?: Record<string, string> };
  spec: { template: { spec: { containers: { name: string; image: string }[] } } };
}

export interface Admission {
  /** The object as the API server would store it. */
  readonly object: Deployment;
  readonly warnings: readonly string[];
}

/** Where admission is asked. */
export interface Webhook {
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  /** The authority that its certificate comes from, PEM; no other is trusted. */
  readonly authority: string;
}

/**
 * Asks the webhook about an object as an API server does before it stores it, and applies the patch that it answers.
 *
 * @throws Error where the webhook says no, or answers something else than a review.
 */
export async function admit(webhook: Webhook, object: Deployment, oldObject: Deployment | null): Promise<Admission> {
  const uid = randomUUID();
  const { name, namespace } = object.metadata;
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid,
      kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      resource: { group: 'apps', version: 'v1', resource: 'deployments' },
      name,
      namespace,
      operation: oldObject === null ? 'CREATE' : 'UPDATE',
      userInfo: { username: 'alice', groups: ['system:authenticated'] },
      object,
      oldObject,
      dryRun: false,
      options: null,
    },
  };
  const { response } = await send(webhook, review);
  if (response.uid !== uid) throw new Error(`the answer is for another request: ${JSON.stringify(response)}`);
  if (!response.allowed) throw new Error(`denied: ${response.status?.message ?? 'no reason given'}`);
  const patched = structuredClone(object);
  const operations: Operation[] = response.patch === undefined ? [] : JSON.parse(atob(response.patch));
  for (const problem of applyPatch(patched, operations)) if (problem !== null) throw problem;
  return { object: patched, warnings: response.warnings ?? [] };
}

async function send({ url, authority }: Webhook, review: unknown): Promise<AdmissionReview> {
  const { promise, resolve, reject } = Promise.withResolvers<AdmissionReview>();
  const headers = { 'content-type': 'application/json' };
  const call = post(`${url}/mutate?timeout=10s`, { method: 'POST', ca: authority, headers, agent: false });
  call.once('error', reject);
  call.once('response', (response) => {
    if (response.statusCode === 200) json(response).then((value) => resolve(value as AdmissionReview), reject);
    else reject(new Error(`HTTP ${response.statusCode}`));
  });
  call.end(JSON.stringify(review));
  return promise;
}
