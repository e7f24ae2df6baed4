import assert from 'node:assert/strict';
import { type AdmissionRequest, parseReview } from '../../src/core/admission/request.ts';
import type { Credential } from '../../src/core/image/credentials.ts';
import type { Manifest } from './admission.ts';

/** The webhook's identity, as its certificate or token names it. */
export const WEBHOOK_USER = 'system:serviceaccount:tagpin-system:tagpin-webhook';

/** No output may hold it, nor a part of it. */
export const CANARY = 'c4n4ry-7f3b9e21';

/** Users and passwords by the key of a Docker configuration. */
export type Logins = Readonly<Record<string, string>>;

/** A Docker configuration: logins are `user:password` by host. */
function dockerConfig(logins: Logins): string {
  const auths = Object.entries(logins).map(([key, login]) => [key, { auth: base64(login) }]);
  return JSON.stringify({ auths: Object.fromEntries(auths) });
}

/** A Secret of the type `kubernetes.io/dockerconfigjson`. */
export function dockerSecret(namespace: string, name: string, logins: Logins): Manifest {
  const data = { '.dockerconfigjson': base64(dockerConfig(logins)) };
  return secret(namespace, name, 'kubernetes.io/dockerconfigjson', data);
}

/** Any Secret; values in Base64. */
export function secret(
  namespace: string,
  name: string,
  type: string,
  data: Readonly<Record<string, string>>,
): Manifest {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, type, data };
}

export function serviceAccount(namespace: string, name: string, secrets: readonly string[] = []): Manifest {
  const imagePullSecrets = secrets.map((each) => ({ name: each }));
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name }, imagePullSecrets };
}

/** Lets the webhook read the pull secrets of a namespace, as `tagpin namespace enable` does. */
export function pullSecretsBinding(namespace: string): Manifest {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { namespace, name: 'tagpin-pull-secrets' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'tagpin-pull-secrets' },
    subjects: ['tagpin-webhook', 'tagpin-sweeper'].map((name) => ({
      kind: 'ServiceAccount',
      namespace: 'tagpin-system',
      name,
    })),
  };
}

/** What that binds: single Secrets and ServiceAccounts, no lists. */
export const PULL_SECRETS_ROLE: Manifest = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'tagpin-pull-secrets' },
  rules: [{ apiGroups: [''], resources: ['secrets', 'serviceaccounts'], verbs: ['get'] }],
};

/** A Namespace, opted in. */
export function optedIn(name: string): Manifest {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { 'tagpin.dev/inject': 'enabled' } } };
}

/** A request to create a Pod with this spec. */
export function podRequest(namespace: string, spec: Manifest): AdmissionRequest {
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec };
  const request = { uid: 'u', kind, namespace, operation: 'CREATE', userInfo: { username: 'alice' }, object };
  const parsed = parseReview({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
  assert.ok(parsed.ok);
  return parsed.request;
}

/** The users of credentials, in their order. */
export function usersOf(credentials: readonly Credential[]): readonly string[] {
  return credentials.map((each) => (each.kind === 'basic' ? each.username : each.kind));
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
