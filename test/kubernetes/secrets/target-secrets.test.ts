import assert from 'node:assert/strict';
import test from 'node:test';
import { parseReference } from '../../../src/core/image/reference.ts';
import { DEFAULT_POLICY } from '../../../src/core/policy/schema.ts';
import type { ConnectionSource, RegistryAccess } from '../../../src/core/target/connection.ts';
import type { JsonObject } from '../../../src/kubernetes/request/answer.ts';
import { KubernetesError } from '../../../src/kubernetes/request/error.ts';
import type { CredentialProblem } from '../../../src/kubernetes/secrets/credential-reader.ts';
import { createTargetSecrets } from '../../../src/kubernetes/secrets/target-secrets.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const docker = (host: string): JsonObject => ({
  type: 'kubernetes.io/dockerconfigjson',
  data: { '.dockerconfigjson': base64(JSON.stringify({ auths: { [host]: { username: 'u', password: 'p' } } })) },
});
const BASIC = { kind: 'basic', username: 'u', password: 'p' } as const;
const HOST = 'tagpin.dev/registry-host';

const SECRETS: Readonly<Record<string, JsonObject>> = {
  'argocd/pull': docker('ghcr.io'),
  'argocd/plain': { data: { login: base64('u:p') } },
  'argocd/labelled': {
    metadata: { labels: { [HOST]: 'ghcr.io' } },
    data: { login: base64('u:p\n'), bad: base64('u') },
  },
  'argocd/ported': { metadata: { annotations: { [HOST]: 'Registry.example:5000' } }, data: { login: base64('u:p:q') } },
  'argocd/attached': docker('quay.io'),
  'tagpin-system/pull': docker('ghcr.io'),
};
const ACCOUNTS: Readonly<Record<string, JsonObject>> = {
  'argocd/crowd': { imagePullSecrets: Array.from({ length: 100 }, (_, index) => ({ name: `pull-${index}` })) },
  'argocd/puller': { imagePullSecrets: [{ name: 'attached' }, { name: 'gone' }] },
};

const client = {
  async request({ path }: { readonly path: string }): Promise<JsonObject> {
    const [, namespace = '', resource = '', name = ''] = /namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (name === 'secret') throw new KubernetesError('Forbidden', 'no');
    if (name === 'slow') throw new KubernetesError('Timeout', 'no');
    const found = (resource === 'secrets' ? SECRETS : ACCOUNTS)[`${namespace}/${name}`];
    if (found === undefined) throw new KubernetesError('NotFound', 'no');
    return found;
  },
};

async function ask(image: string, secret: RegistryAccess | null, registries = DEFAULT_POLICY.registries) {
  const problems: CredentialProblem[] = [];
  const find = createTargetSecrets({
    client,
    registries: () => registries,
    ownNamespace: 'tagpin-system',
    observe: (problem) => problems.push(problem),
  });
  const parsed = parseReference(image);
  assert.ok(parsed.ok);
  const credentials = await find(secret, parsed.reference);
  return { credentials, problems: problems.map(({ problem }) => problem) };
}

test('a pull secret is shown to the hosts that it names, and to no other', async () => {
  const pull = { kind: 'pullsecret', namespace: 'argocd', name: 'pull' } as const;
  assert.deepEqual(await ask('ghcr.io/acme/shop', pull), { credentials: [BASIC], problems: [] });
  assert.deepEqual(await ask('quay.io/acme/shop', pull), { credentials: [], problems: [] });
  assert.deepEqual(await ask('ghcr.io/acme/shop', { ...pull, name: 'gone' }), {
    credentials: [],
    problems: ['is not there'],
  });
  const own = await ask('ghcr.io/acme/shop', { ...pull, namespace: 'tagpin-system' });
  assert.deepEqual(own, {
    credentials: [],
    problems: ["is in tagpin's own namespace, where no target's Secrets are read"],
  });
});

test('a password in a field is sent to the one host that its Secret names', async () => {
  const secret = (name: string, field = 'login') => ({ kind: 'secret', namespace: 'argocd', name, field }) as const;
  const rows = [
    ['ghcr.io/acme/shop', secret('labelled'), [BASIC], []],
    ['quay.io/acme/shop', secret('labelled'), [], ['is for another host than quay.io']],
    ['ghcr.io/acme/shop', secret('plain'), [], [`has no ${HOST}, so that its password is sent nowhere`]],
    ['ghcr.io/acme/shop', secret('labelled', 'bad'), [], ['holds no USER:PASSWORD in bad']],
    ['ghcr.io/acme/shop', secret('labelled', 'gone'), [], ['holds no USER:PASSWORD in gone']],
    ['registry.example:5000/shop', secret('ported'), [{ ...BASIC, password: 'p:q' }], []],
    ['ghcr.io/acme/shop', secret('gone'), [], ['is not there']],
    ['ghcr.io/acme/shop', secret('secret'), [], ['may not be read: tagpin has no permission to get it']],
    ['ghcr.io/acme/shop', secret('slow'), [], ['could not be read: the API server gave no answer in time']],
  ] as const;
  for (const [image, source, credentials, problems] of rows) {
    assert.deepEqual(await ask(image, source), { credentials, problems }, `${image} ${source.name} ${source.field}`);
  }
});

test('the policy’s own credentials for a host come last', async () => {
  const [host] = [{ host: 'ghcr.io', credentials: { secret: 'pull' } }];
  const registries = { ...DEFAULT_POLICY.registries, hosts: [host] } as unknown as typeof DEFAULT_POLICY.registries;
  assert.deepEqual(await ask('ghcr.io/acme/shop', null, registries), { credentials: [BASIC], problems: [] });
  assert.deepEqual(await ask('quay.io/acme/shop', null, registries), { credentials: [], problems: [] });
});

const CONNECTION: ConnectionSource = {
  kind: 'connection',
  namespace: 'argocd',
  secret: null,
  serviceAccount: null,
  provider: 'generic',
  certificateSecret: null,
  proxySecret: null,
  insecure: false,
};

test('an OCIRepository brings its Secret and those of its ServiceAccount', async () => {
  const rows: readonly (readonly [string, Partial<ConnectionSource>, number, readonly string[]])[] = [
    ['ghcr.io/acme/shop', {}, 0, []],
    ['ghcr.io/acme/shop', { secret: 'pull' }, 1, []],
    ['quay.io/acme/shop', { secret: 'pull' }, 0, []],
    ['quay.io/acme/shop', { secret: 'pull', serviceAccount: 'puller' }, 1, ['is not there']],
    ['quay.io/acme/shop', { serviceAccount: 'nobody' }, 0, ['is not there']],
    ['ghcr.io/acme/shop', { secret: 'gone' }, 0, ['is not there']],
    [
      'ghcr.io/acme/shop',
      { namespace: 'tagpin-system', secret: 'pull' },
      0,
      ["is in tagpin's own namespace, where no target's Secrets are read"],
    ],
  ];
  for (const [image, said, count, problems] of rows) {
    const found = await ask(image, { ...CONNECTION, ...said });
    assert.deepEqual([found.credentials.length, found.problems], [count, problems], `${image} ${JSON.stringify(said)}`);
  }
});

test('what is not its own is sent where nobody that the object names could be at the other end', async () => {
  const registriesOf = (plainHttp: boolean) => {
    const host = { host: 'ghcr.io', plainHttp, credentials: { secret: 'pull' } };
    return { ...DEFAULT_POLICY.registries, hosts: [host] } as unknown as typeof DEFAULT_POLICY.registries;
  };
  const rows: readonly (readonly [Partial<ConnectionSource>, boolean, number])[] = [
    [{}, false, 1],
    [{}, true, 1],
    [{ proxySecret: 'proxy' }, false, 1],
    [{ proxySecret: 'proxy' }, true, 0],
    [{ certificateSecret: 'tls' }, false, 0],
    [{ insecure: true }, false, 0],
  ];
  for (const [said, plainHttp, count] of rows) {
    const found = await ask('ghcr.io/acme/shop', { ...CONNECTION, ...said }, registriesOf(plainHttp));
    assert.equal(found.credentials.length, count, `${JSON.stringify(said)} ${plainHttp}`);
  }
});

test('a workload is asked for with what its Pods have, and goes on without what is not there', async () => {
  const pod = { kind: 'pod', namespace: 'argocd', secrets: ['gone', 'pull'], serviceAccount: 'puller' } as const;
  assert.deepEqual(await ask('ghcr.io/acme/app', pod), { credentials: [BASIC], problems: [] });
  assert.deepEqual(await ask('quay.io/acme/app', pod), { credentials: [BASIC], problems: [] });
  assert.deepEqual((await ask('quay.io/acme/app', { ...pod, serviceAccount: null })).credentials, []);
  assert.deepEqual((await ask('ghcr.io/acme/app', { ...pod, namespace: 'tagpin-system' })).credentials, []);
});

test('what can not be used is told once, however many questions want it', async () => {
  const told: string[] = [];
  const find = createTargetSecrets({
    client,
    registries: () => DEFAULT_POLICY.registries,
    ownNamespace: 'tagpin-system',
    observe: ({ kind, name, problem }) => told.push(`${kind} ${name} ${problem}`),
  });
  const parsed = parseReference('ghcr.io/acme/shop');
  assert.ok(parsed.ok);
  for (let count = 0; count < 3; count += 1) {
    await find({ ...CONNECTION, secret: 'gone', serviceAccount: 'crowd' }, parsed.reference);
  }
  assert.equal(new Set(told).size, told.length);
  assert.ok(told.includes('Secret gone is not there'));
  assert.ok(told.includes('ServiceAccount crowd has more imagePullSecrets than are read: the first 20 count'));
  assert.equal(told.filter((each) => each.startsWith('Secret pull-')).length, 20);
});
